"""How closely predictions must move with the business."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.checks import require_alpha, require_count

if TYPE_CHECKING:
    from collections.abc import Mapping

FEWEST_RUNS = 10
"""Runs beyond the largest lead below which no interval can say anything."""


@dataclass(frozen=True, kw_only=True)
class AlignmentLimits:
    """When predictions and a KPI have parted.

    :param min_correlation: lowest correlation of the two, run by run, in (0, 1]. A KPI that falls when predictions rise
        is to be negated in its query.
    :param max_lead: runs by which the predictions may lead the KPI, 0 or more, default 0. Each one that is searched
        widens the interval.
    :param min_runs: runs with both numbers that are needed, at least 10 more than ``max_lead``. Default 20.
    :param alpha: share of the intervals that may miss, over all leads together, in (0, 1), default 0.05.
    """

    min_correlation: float
    max_lead: int = 0
    min_runs: int = 20
    alpha: float = 0.05

    def __post_init__(self) -> None:
        value = self.min_correlation
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
            raise ConfigurationError(
                f"min_correlation must lie above 0 and at most at 1; got {value!r}. Where a KPI falls when predictions "
                "rise, negate it in its query."
            )
        if isinstance(self.max_lead, bool) or not isinstance(self.max_lead, int) or self.max_lead < 0:
            raise ConfigurationError(f"max_lead must be a whole number of runs of at least 0; got {self.max_lead!r}.")
        require_count("min_runs", self.min_runs)
        if self.min_runs < FEWEST_RUNS + self.max_lead:
            raise ConfigurationError(
                f"min_runs must be at least {FEWEST_RUNS} more than max_lead={self.max_lead!r}; got {self.min_runs!r}."
            )
        require_alpha(self.alpha)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AlignmentLimits:
        """Read what :meth:`to_dict` made."""
        return cls(**data)
