"""Limits: what the author of a check calls too much. Each guard compares its evidence with one of these."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.money import charge_micros, parse_usd

if TYPE_CHECKING:
    from collections.abc import Mapping

MIN_EFFECT: Mapping[str, float] = {"ks": 0.02, "categories": 0.04, "nulls": 0.01, "nans": 0.01, "unseen": 0.01}
"""Differences below these are trifles: KS distance (0.05 sd of a normal), Cohen's w, shares of rows."""

MUST_SEE: Mapping[str, float] = {"ks": 0.15, "categories": 0.20, "nulls": 0.05, "nans": 0.05}
"""Changes the guard must be able to see to pass: KS distance, total variation, rise of a share."""


@dataclass(frozen=True, kw_only=True)
class DriftLimits:
    """When a table has drifted, and when too little is known to say.

    A **breach** is significant over all columns and tests together (Holm) and at least ``min_effect`` large once the
    part that chance adds is taken off. **Undecided** is no breach where the smallest change that would be found with
    probability 0.8 is larger than ``must_see``.

    :param alpha: probability of any false alarm in an unchanged table, in (0, 1), default 0.05: with 20 tables a day,
        one false alarm a day. Lower it where tables are many.
    :param min_effect: overrides of :data:`MIN_EFFECT`, by test.
    :param must_see: overrides of :data:`MUST_SEE`, by test; 1 demands nothing.
    :param columns: the columns to compare; empty for all of the reference. A column named here that cannot be
        compared is ``undecided``; one that is not named is only shown.
    :param show_levels: whether messages may name categories of up to 30 characters. They are values of rows.
    """

    alpha: float = 0.05
    min_effect: Mapping[str, float] = field(default_factory=dict)
    must_see: Mapping[str, float] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    show_levels: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ConfigurationError(f"alpha must lie between 0 and 1; got {self.alpha!r}.")
        if isinstance(self.columns, str):
            raise ConfigurationError(f"columns must be a sequence of column names; got {self.columns!r}.")
        object.__setattr__(self, "columns", tuple(self.columns or ()))
        object.__setattr__(self, "min_effect", _merged("min_effect", MIN_EFFECT, self.min_effect))
        object.__setattr__(self, "must_see", _merged("must_see", MUST_SEE, self.must_see))

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self) | {"columns": list(self.columns)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DriftLimits:
        """Read what :meth:`to_dict` made."""
        return cls(**data)


@dataclass(frozen=True, kw_only=True)
class ConfidenceLimits:
    """What confidences must be like. At least one of the first two must be given.

    :param min_mean: lowest mean confidence, in [0, 1].
    :param max_share_below: ``(threshold, share)``: at most this share of the inferred values may have a confidence
        under the threshold; both in [0, 1]. A value without a confidence counts as under it.
    :param max_missing_share: share of the inferred values that may come without a confidence, in [0, 1]; default none.
    :param min_rows: inferred values needed to decide, default 1.
    """

    min_mean: float | None = None
    max_share_below: tuple[float, float] | None = None
    max_missing_share: float = 0.0
    min_rows: int = 1

    def __post_init__(self) -> None:
        if self.min_mean is None and self.max_share_below is None:
            raise ConfigurationError("A confidence check needs a limit: give min_mean= or max_share_below=.")
        if self.max_share_below is not None:
            object.__setattr__(self, "max_share_below", _threshold_and_share(self.max_share_below))
        _require_share("min_mean", 0.0 if self.min_mean is None else self.min_mean)
        _require_share("max_missing_share", self.max_missing_share)
        if self.min_rows < 1:
            raise ConfigurationError(f"min_rows must be at least 1; got {self.min_rows!r}.")

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Thresholds the evidence must count below."""
        return () if self.max_share_below is None else (self.max_share_below[0],)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self) | {"max_share_below": list(self.max_share_below) if self.max_share_below else None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ConfidenceLimits:
        """Read what :meth:`to_dict` made."""
        return cls(**data)


@dataclass(frozen=True, kw_only=True)
class BudgetLimits:
    """When a budget is a breach.

    :param needed: USD that must be left, as a string such as ``"1.50"``. With the default ``"0"`` something must be
        left, however little: a used-up budget never passes.
    :param max_used_share: share of the limit that may be spent or held, in [0, 1].
    """

    needed: str | int | Decimal = "0"
    max_used_share: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "needed", str(parse_usd(self.needed, what="needed")))
        if not 0 <= self.max_used_share <= 1:
            raise ConfigurationError(f"max_used_share must lie in [0, 1]; got {self.max_used_share!r}.")

    @property
    def needed_micros(self) -> int:
        """The needed amount in micro-dollars, rounded up."""
        return charge_micros(Decimal(self.needed))

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BudgetLimits:
        """Read what :meth:`to_dict` made."""
        return cls(**data)


@dataclass(frozen=True, kw_only=True)
class GroundTruthLimits:
    """How right the inferred values must be.

    :param min_accuracy: lowest share of right values, in (0, 1].
    :param min_truth_share: share of the inferred values whose truth must be in, in [0, 1], default half: labels that
        come early are seldom a fair sample of those that come late.
    :param min_labels: labels needed to decide, default 30.
    :param alpha: share of the exact intervals that may miss the true accuracy, default 0.05.
    """

    min_accuracy: float
    min_truth_share: float = 0.5
    min_labels: int = 30
    alpha: float = 0.05

    def __post_init__(self) -> None:
        for name, value, low in (("min_accuracy", self.min_accuracy, 0), ("alpha", self.alpha, 0)):
            if not low < value <= 1:
                raise ConfigurationError(f"{name} must lie above 0 and at most at 1; got {value!r}.")
        if not 0 <= self.min_truth_share <= 1:
            raise ConfigurationError(f"min_truth_share must lie in [0, 1]; got {self.min_truth_share!r}.")
        if self.min_labels < 1:
            raise ConfigurationError(f"min_labels must be at least 1; got {self.min_labels!r}.")

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GroundTruthLimits:
        """Read what :meth:`to_dict` made."""
        return cls(**data)


def _merged(name: str, defaults: Mapping[str, float], given: Mapping[str, float]) -> dict[str, float]:
    unknown = sorted(set(given) - set(MIN_EFFECT))
    if unknown:
        raise ConfigurationError(f"{name} has no test {unknown[0]!r}; the tests are {sorted(MIN_EFFECT)!r}.")
    merged = {**defaults, **given}
    for test, value in merged.items():
        if not value >= 0:
            raise ConfigurationError(f"{name} of {test!r} must be a number >= 0; got {value!r}.")
    return merged


def _require_share(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigurationError(f"{name} must be a number in [0, 1]; got {value!r}.")


def _threshold_and_share(pair: Any) -> tuple[float, float]:
    if isinstance(pair, str) or len(pair) != 2:
        raise ConfigurationError(f"max_share_below must be (threshold, share), such as (0.6, 0.1); got {pair!r}.")
    threshold, share = pair
    _require_share("max_share_below threshold", threshold)
    _require_share("max_share_below share", share)
    return float(threshold), float(share)
