"""Evidence: what is known about a table or a budget, and what guards judge. Counts only, never rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

UNLABELLED = "unlabelled"
"""Name under which rows whose provenance is NULL are counted."""


@dataclass(frozen=True, kw_only=True)
class BudgetStatus:
    """Where a budget stands in one window, in micro-dollars.

    :param name: the budget.
    :param window: the window's key, such as ``day:2026-11-23``.
    :param limit_micros: the limit.
    :param spent_micros: spent, expired holds among it.
    :param held_micros: reserved for calls under way.
    """

    name: str
    window: str
    limit_micros: int
    spent_micros: int
    held_micros: int

    @property
    def remaining_micros(self) -> int:
        """What can still be held; negative if the limit was lowered below what is gone."""
        return self.limit_micros - self.spent_micros - self.held_micros

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BudgetStatus:
        """Read what :meth:`to_dict` made."""
        return cls(**data)


@dataclass(frozen=True, kw_only=True)
class ConfidenceEvidence:
    """The confidences of one AI-touched column.

    :param column: the column, without the companions' suffix.
    :param rows: rows looked at, whatever their provenance.
    :param provenance: rows by provenance; NULL under ``unlabelled``.
    :param confidence: confidences of the inferred cells; ``confidence.missing`` came without one.
    :param minimum: lowest confidence, ``None`` if there is none.
    :param below: rows with a confidence under a threshold, by threshold; exact, not read off the histogram.
    :param out_of_range: inferred cells whose confidence is no number in [0, 1]; not part of ``confidence``.
    """

    column: str
    rows: int
    provenance: Mapping[str, int]
    confidence: ConfidenceSummary
    minimum: float | None = None
    below: Mapping[float, int] = field(default_factory=dict)
    out_of_range: int = 0

    @property
    def inferred(self) -> int:
        """Cells a model filled."""
        return self.provenance.get(Provenance.AI_INFERRED, 0)

    @property
    def unlabelled(self) -> int:
        """Cells nobody labelled."""
        return self.provenance.get(UNLABELLED, 0)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        data = asdict(self)
        data["provenance"] = {str(name): n for name, n in self.provenance.items()}
        data["confidence"] = self.confidence.to_dict()
        data["below"] = [[threshold, n] for threshold, n in self.below.items()]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ConfidenceEvidence:
        """Read what :meth:`to_dict` made."""
        confidence = ConfidenceSummary.from_dict(data["confidence"])
        below = {float(threshold): int(n) for threshold, n in data["below"]}
        return cls(**{**data, "confidence": confidence, "below": below})


@dataclass(frozen=True, kw_only=True)
class TruthEvidence:
    """Inferred values against the truth that arrived, joined by key.

    :param column: the inferred column.
    :param truth_column: the column that holds the truth.
    :param inferred: rows with an inferred value.
    :param labels: those of them whose truth has arrived (a NULL truth has not).
    :param correct: labels equal to the inferred value.
    :param confusion: rows by (inferred, truth) as text; empty if there are too many different pairs.
    """

    column: str
    truth_column: str
    inferred: int
    labels: int
    correct: int
    confusion: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def accuracy(self) -> float | None:
        """Share of the labels that are right, ``None`` without labels."""
        return self.correct / self.labels if self.labels else None

    @property
    def truth_share(self) -> float | None:
        """Share of the inferred rows whose truth has arrived, ``None`` without inferred rows."""
        return self.labels / self.inferred if self.inferred else None

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        data = asdict(self)
        data["confusion"] = [[*pair, n] for pair, n in self.confusion.items()]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TruthEvidence:
        """Read what :meth:`to_dict` made."""
        return cls(**{**data, "confusion": {(guess, truth): n for guess, truth, n in data["confusion"]}})
