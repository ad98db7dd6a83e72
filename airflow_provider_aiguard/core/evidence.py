"""Evidence: what is known about a table or a budget, and what guards judge. Counts only, never rows."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_aiguard.core.amounts import Unit
from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.core.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNLABELLED = "unlabelled"
"""Name under which rows whose provenance is NULL are counted."""


@dataclass(frozen=True, kw_only=True)
class BudgetStatus:
    """Where a budget stands in one window, in what it counts: micro-dollars, tokens or calls.

    :param name: the budget.
    :param window: the window's key, such as ``day:2026-11-23``.
    :param limit: the limit that applies.
    :param spent: spent, expired holds among it.
    :param held: reserved for calls under way.
    :param unit: ``usd``, ``tokens`` or ``calls``.
    :param limit_from: who says the limit: the ``code`` or, before it, the ``store``.
    :param tripped: whether a charge was above its hold: nothing is held then until a person sets the limit.
    """

    name: str
    window: str
    limit: int
    spent: int
    held: int
    unit: Unit = "usd"
    limit_from: Literal["code", "store"] = "code"
    tripped: bool = False

    @property
    def remaining(self) -> int:
        """What can still be held, nothing if it is tripped; negative if more than the limit is gone."""
        left = self.limit - self.spent - self.held
        return min(left, 0) if self.tripped else left

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
    :param entropy: mean over the confidences c of the bits of -c log2(c) - (1-c) log2(1-c), from the means of
        the histogram's cells: never too low, at most 0.01 too high. ``None`` if there is no confidence.
    """

    column: str
    rows: int
    provenance: Mapping[str, int]
    confidence: ConfidenceSummary
    minimum: float | None = None
    below: Mapping[float, int] = field(default_factory=dict)
    out_of_range: int = 0
    entropy: float | None = None

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


@dataclass(frozen=True)
class ErrorSums:
    """Sums of powers of the errors e = claim - truth of a numeric column.

    :param n: rows whose error is known: claim and truth are finite numbers.
    :param total: sum of e.
    :param cubes: sum of e**3.
    :param absolute: sum of abs(e).
    :param squares: sum of e**2.
    :param absolute_cubes: sum of abs(e)**3.
    :param fourths: sum of e**4.
    :param sixths: sum of e**6.
    """

    n: int
    total: float
    cubes: float
    absolute: float
    squares: float
    absolute_cubes: float
    fourths: float
    sixths: float

    @classmethod
    def of(cls, errors: Iterable[float]) -> ErrorSums:
        """Add up errors that are at hand."""
        e = list(errors)
        size = [abs(x) for x in e]
        powers = [(e, 1), (e, 3), *((size, k) for k in (1, 2, 3, 4, 6))]
        return cls(len(e), *(math.fsum(x**k for x in values) for values, k in powers))


@dataclass(frozen=True, kw_only=True)
class DelayEvidence:
    """How long after the claims their truth arrived.

    :param n: labels whose delay is known.
    :param unknown: labels whose time, or whose claim's time, is not.
    :param median: seconds that half of them took at most; ``None`` without any.
    :param late: seconds that 95 % of them took at most.
    """

    n: int
    unknown: int
    median: float | None
    late: float | None


@dataclass(frozen=True, kw_only=True)
class TruthEvidence:
    """Inferred values against the truth that arrived, joined by key.

    :param column: the inferred column.
    :param truth_column: the column that holds the truth.
    :param inferred: rows with an inferred value.
    :param labels: those of them whose truth has arrived (a NULL truth has not).
    :param correct: labels equal to the inferred value.
    :param confusion: rows by (inferred, truth) as text; empty if there are too many different pairs.
    :param errors: of a numeric column, if it was asked for.
    :param delay: how late the truth came, if it was asked for.
    :param score: of a metric that needs rows, if it was asked for.
    """

    column: str
    truth_column: str
    inferred: int
    labels: int
    correct: int
    confusion: Mapping[tuple[str, str], int] = field(default_factory=dict)
    errors: ErrorSums | None = None
    delay: DelayEvidence | None = None
    score: Interval | None = None

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
        parts = {"errors": ErrorSums, "delay": DelayEvidence, "score": Interval}
        made = {name: made(**data[name]) for name, made in parts.items() if data.get(name) is not None}
        confusion = {(guess, truth): n for guess, truth, n in data["confusion"]}
        return cls(**{**data, **made, "confusion": confusion})
