"""Evidence on calibration: confidences beside how often they were right, on stated bins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

BINS = 15
"""Equal-width bins over [0, 1]: bin i holds [i/15, (i+1)/15), the last one includes 1."""


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """What a bin holds.

    :param n: cells whose confidence lies in it.
    :param confidence: sum of their confidences.
    :param correct: how many of them were right.
    """

    n: int = 0
    confidence: float = 0.0
    correct: int = 0

    @property
    def mean_confidence(self) -> float | None:
        """Mean confidence, ``None`` if the bin is empty."""
        return self.confidence / self.n if self.n else None

    def __add__(self, other: CalibrationBin) -> CalibrationBin:
        return CalibrationBin(
            n=self.n + other.n, confidence=self.confidence + other.confidence, correct=self.correct + other.correct
        )


EMPTY = (CalibrationBin(),) * BINS
"""Bins that hold nothing."""


@dataclass(frozen=True, kw_only=True)
class CalibrationEvidence:
    """The confidences of inferred cells, and of those whose truth is in, how many were right.

    :param column: the AI-touched column.
    :param truth_column: the column that holds the truth.
    :param inferred: inferred cells.
    :param labels: those whose truth has arrived.
    :param bins: the labels that have a confidence in [0, 1], by bin.
    :param claimed: all inferred cells that have one, by bin; nothing is known there of what was right.
    :param squares: sum over the labels of (confidence - right)**2, right being 1 or 0: n times the Brier score.
    :param fourths: sum of its squares.
    """

    column: str
    truth_column: str
    inferred: int
    labels: int
    bins: tuple[CalibrationBin, ...] = EMPTY
    claimed: tuple[CalibrationBin, ...] = EMPTY
    squares: float = 0.0
    fourths: float = 0.0

    @property
    def usable(self) -> int:
        """Labels with a confidence in [0, 1]."""
        return sum(b.n for b in self.bins)

    @property
    def truth_share(self) -> float | None:
        """Share of the inferred cells that have both a truth and a confidence; ``None`` without inferred cells."""
        return self.usable / self.inferred if self.inferred else None

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self) | {"bins": bins_to_list(self.bins), "claimed": bins_to_list(self.claimed)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CalibrationEvidence:
        """The inverse of :meth:`to_dict`."""
        return cls(**{**data, "bins": bins_from_list(data["bins"]), "claimed": bins_from_list(data["claimed"])})


def bins_to_list(bins: tuple[CalibrationBin, ...]) -> list[list[float]]:
    """Bins as ``[n, sum of confidences, correct]`` each."""
    return [[b.n, b.confidence, b.correct] for b in bins]


def bins_from_list(data: list[list[float]]) -> tuple[CalibrationBin, ...]:
    """The inverse of :func:`bins_to_list`."""
    return tuple(CalibrationBin(n=int(n), confidence=float(total), correct=int(k)) for n, total, k in data)


def pooled(many: list[tuple[CalibrationBin, ...]]) -> tuple[CalibrationBin, ...]:
    """Add the bins of several runs up."""
    return tuple(sum((bins[i] for bins in many), CalibrationBin()) for i in range(BINS))
