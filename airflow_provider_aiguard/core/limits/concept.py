"""When a change of the error rate over runs is called one."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.checks import require_share

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class ConceptLimits:
    """When a change of the error rate over runs is called one.

    :param run_length: runs between false alarms, at least 10, default 1,000: about one in three years of daily runs.
    :param min_change: smallest change of the error rate that matters, in [0, 1], default 0.01: one point.
    :param min_runs: runs needed to say that nothing changed, at least 3, default 10.
    :param min_labels: labels a run needs to count, at least 1, default 30.
    :param min_truth_share: share of a run's claims, in [0, 1], whose truth must be in for the run to count. Default
        half: labels that come early are seldom a fair sample.
    """

    run_length: float = 1_000
    min_change: float = 0.01
    min_runs: int = 10
    min_labels: int = 30
    min_truth_share: float = 0.5

    def __post_init__(self) -> None:
        for name, low in (("run_length", 10), ("min_runs", 3), ("min_labels", 1)):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not low <= value < math.inf:
                raise ConfigurationError(f"{name} must be a number of at least {low}; got {value!r}.")
        require_share("min_change", self.min_change)
        require_share("min_truth_share", self.min_truth_share)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ConceptLimits:
        """Read what :meth:`to_dict` made."""
        return cls(**data)
