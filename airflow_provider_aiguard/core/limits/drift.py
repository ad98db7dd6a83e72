"""When a table has drifted."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError

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


def _merged(name: str, defaults: Mapping[str, float], given: Mapping[str, float]) -> dict[str, float]:
    unknown = sorted(set(given) - set(MIN_EFFECT))
    if unknown:
        raise ConfigurationError(f"{name} has no test {unknown[0]!r}; the tests are {sorted(MIN_EFFECT)!r}.")
    merged = {**defaults, **given}
    for test, value in merged.items():
        if not value >= 0:
            raise ConfigurationError(f"{name} of {test!r} must be a number >= 0; got {value!r}.")
    return merged
