"""When a table has drifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from airflow_provider_aiguard.core.errors import ConfigurationError

MIN_EFFECT: Mapping[str, float] = {
    "ks": 0.02,
    "psi": 0.0025,
    "jensen_shannon": 0.0003,
    "wasserstein": 0.05,
    "mean": 0.05,
    "spread": 0.05,
    "categories": 0.04,
    "levels": 0.01,
    "unseen": 0.01,
    "nulls": 0.01,
    "nans": 0.01,
    "length": 0.02,
    "hours": 0.04,
    "dependence": 0.05,
}
"""Differences below these are trifles: KS distance (0.02 = 0.05 sd of a normal), index, nats, standard deviations,
logarithm of a standard deviation, Cohen's w, shares of rows, Yule's Y."""

MUST_SEE: Mapping[str, float] = {
    "ks": 0.15,
    "psi": 0.1,
    "jensen_shannon": 0.0125,
    "wasserstein": 0.5,
    "mean": 0.5,
    "spread": 0.5,
    "categories": 0.20,
    "levels": 0.20,
    "nulls": 0.10,
    "nans": 0.10,
    "length": 0.15,
    "hours": 0.20,
    "dependence": 0.25,
}
"""Changes the guard must be able to see to pass, in the same units, but categories and hours: total variation."""

METHODS = tuple(name for name in MIN_EFFECT if name != "levels")
"""What ``methods`` may name. (``levels`` is how ``categories`` are judged against several batches.)"""

EVERY_COLUMN = "*"
"""Key of ``methods`` for the columns that it does not name."""


@dataclass(frozen=True, kw_only=True)
class DriftLimits:
    """When a table has drifted, and when too little is known to say.

    A **breach** is significant over all columns and tests together (Holm) and at least ``min_effect`` large once the
    part that chance adds is taken off. **Undecided** is no breach where the smallest change that would be found with
    probability 0.8 is larger than ``must_see``.

    :param alpha: probability of any false alarm in an unchanged table, in (0, 1), default 0.05: with 20 tables a day,
        one false alarm a day. Lower it where tables are many.
    :param min_effect: overrides of :data:`MIN_EFFECT`, by test.
    :param must_see: overrides of :data:`MUST_SEE`, by test; ``float("inf")`` demands nothing.
    :param columns: the columns to compare; empty for all of the reference. A column named here that cannot be
        compared is ``undecided``; one that is not named is only shown.
    :param methods: which of :data:`METHODS` to test, by column, ``"*"`` for all others; a column without an entry gets
        the recommended combination.
    :param design_effect: by what factor dependence between rows inflates variances, at least 1. The larger of this and
        what the profiles estimated from their clusters counts.
    :param show_levels: whether messages may name categories of up to 30 characters. They are values of rows.
    """

    alpha: float = 0.05
    min_effect: Mapping[str, float] = field(default_factory=dict)
    must_see: Mapping[str, float] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    design_effect: float = 1.0
    show_levels: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ConfigurationError(f"alpha must lie between 0 and 1; got {self.alpha!r}.")
        if isinstance(self.columns, str):
            raise ConfigurationError(f"columns must be a sequence of column names; got {self.columns!r}.")
        # Finite: an effect of infinity would leave rows that say nothing, and no check.
        if not 1 <= self.design_effect < float("inf"):
            raise ConfigurationError(f"design_effect must be a number from 1; got {self.design_effect!r}.")
        object.__setattr__(self, "columns", tuple(self.columns or ()))
        object.__setattr__(self, "min_effect", _merged("min_effect", MIN_EFFECT, self.min_effect))
        object.__setattr__(self, "must_see", _merged("must_see", MUST_SEE, self.must_see))
        object.__setattr__(self, "methods", {name: _known(name, chosen) for name, chosen in self.methods.items()})

    def chosen(self, column: str) -> tuple[str, ...] | None:
        """The methods the author chose for a column, ``None`` for the recommended ones."""
        return self.methods.get(column, self.methods.get(EVERY_COLUMN))

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        methods = {name: list(chosen) for name, chosen in self.methods.items()}
        return asdict(self) | {"columns": list(self.columns), "methods": methods}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DriftLimits:
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


def _known(column: str, chosen: Sequence[str]) -> tuple[str, ...]:
    if isinstance(chosen, str) or not chosen:
        raise ConfigurationError(
            f"methods of column {column!r} must be a sequence of names such as ['ks', 'nulls']; got {chosen!r}."
        )
    unknown = [method for method in chosen if method not in METHODS]
    if unknown:
        raise ConfigurationError(f"methods has no {unknown[0]!r}; column {column!r} may have {sorted(METHODS)!r}.")
    return tuple(dict.fromkeys(chosen))
