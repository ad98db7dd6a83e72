"""A distribution of confidences small enough for an event, exact where it is counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

CELLS = 100
"""Histogram cells over [0, 1]; cell i holds [i/100, (i+1)/100), the last one includes 1."""


@dataclass(frozen=True, kw_only=True)
class ConfidenceSummary:
    """Mergeable summary of confidences in [0, 1].

    :param total: sum of the confidences.
    :param counts: confidences by histogram cell, ``CELLS`` of them.
    :param missing: inferred values that came without a confidence.
    """

    total: float = 0.0
    counts: tuple[int, ...] = field(default=(0,) * CELLS)
    missing: int = 0

    @property
    def count(self) -> int:
        """Confidences seen, the missing ones not among them."""
        return sum(self.counts)

    @property
    def mean(self) -> float | None:
        """Mean confidence, ``None`` if there is none."""
        return self.total / self.count if self.count else None

    def quantile(self, q: float) -> float | None:
        """The q-quantile to within one cell (0.01), from below; ``None`` if there is no confidence."""
        target = q * self.count
        seen = 0
        for cell, n in enumerate(self.counts):
            seen += n
            if n and seen >= target:
                return cell / CELLS
        return None

    def coarse(self, cells: int) -> list[int]:
        """The histogram in fewer, equal cells. ``cells`` must divide ``CELLS``."""
        width = CELLS // cells
        return [sum(self.counts[i : i + width]) for i in range(0, CELLS, width)]

    def merge(self, other: ConfidenceSummary) -> ConfidenceSummary:
        """Both together."""
        return ConfidenceSummary(
            total=self.total + other.total,
            counts=tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)),
            missing=self.missing + other.missing,
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON; only cells that hold something are kept."""
        counts = {str(cell): n for cell, n in enumerate(self.counts) if n}
        return {"total": self.total, "counts": counts, "missing": self.missing}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ConfidenceSummary:
        """The inverse of :meth:`to_dict`."""
        return cls(total=data["total"], counts=_dense(data["counts"].items()), missing=data["missing"])


def _dense(items: Iterable[tuple[str, int]]) -> tuple[int, ...]:
    counts = [0] * CELLS
    for cell, n in items:
        counts[int(cell)] = n
    return tuple(counts)
