"""How right inferred values must be."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.checks import (
    require_alpha,
    require_count,
    require_positive,
    require_series,
    require_share,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

POSITIVE_METRICS = ("f1", "precision", "recall")
"""Scores of one class against all others."""

COUNTED = ("accuracy", "balanced_accuracy", *POSITIVE_METRICS)
"""Scores made from counts."""

ERRORS = ("mae", "rmse", "bias")
"""Errors of numbers, in their unit: the less the better."""

ROWS_FOR_BOOTSTRAP = 200
"""Labels below which a bootstrap interval is not trusted."""


@dataclass(frozen=True, kw_only=True)
class GroundTruthLimits:
    """How right the inferred values must be.

    :param metric: ``accuracy``, ``balanced_accuracy``, ``f1``, ``precision``, ``recall``, ``mae``, ``rmse``, ``bias``,
        or the name of a scikit-learn scorer, such as ``r2`` or ``f1_macro``.
    :param min_accuracy: lowest share of right values, in (0, 1]; the limit of ``accuracy``.
    :param min_score: lowest score; the limit of the other scores and of scikit-learn's, of which more is better.
    :param max_error: largest error in the column's unit, above 0; the limit of ``mae``, ``rmse`` and, whatever its
        sign, of ``bias``.
    :param positive: the class that ``f1``, ``precision`` and ``recall`` are about; not needed for a yes-or-no column.
    :param min_truth_share: share of the inferred values whose truth must be in, in [0, 1], default half: labels that
        come early are seldom a fair sample of those that come late.
    :param min_labels: labels needed to decide, default 30.
    :param alpha: share of the intervals that may miss the true score, default 0.05.
    :param max_delay: seconds after the claim that 95 % of the truth may take to arrive.
    """

    metric: str = "accuracy"
    min_accuracy: float | None = None
    min_score: float | None = None
    max_error: float | None = None
    positive: str | bool | int | None = None
    min_truth_share: float = 0.5
    min_labels: int = 30
    alpha: float = 0.05
    max_delay: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.metric, str) or not self.metric:
            raise ConfigurationError(f"metric must be the name of a metric, such as 'accuracy'; got {self.metric!r}.")
        self._check_limit()
        if self.positive is not None and self.metric not in POSITIVE_METRICS:
            raise ConfigurationError(f"positive= belongs to {', '.join(POSITIVE_METRICS)}, not to {self.metric!r}.")
        require_alpha(self.alpha)
        if not 0 <= self.min_truth_share <= 1:
            raise ConfigurationError(f"min_truth_share must lie in [0, 1]; got {self.min_truth_share!r}.")
        require_count("min_labels", self.min_labels)
        if self.max_delay is not None:
            require_positive("max_delay", self.max_delay)

    @property
    def limit_name(self) -> str:
        """The parameter that holds the limit of the metric."""
        return "min_accuracy" if self.metric == "accuracy" else "max_error" if self.metric in ERRORS else "min_score"

    @property
    def limit(self) -> float:
        """The limit of the metric."""
        value: float = getattr(self, self.limit_name)
        return value

    @property
    def needed(self) -> int:
        """Labels needed to decide."""
        counted = self.metric in (*COUNTED, *ERRORS)
        return self.min_labels if counted else max(self.min_labels, ROWS_FOR_BOOTSTRAP)

    def _check_limit(self) -> None:
        limits = {"min_accuracy": self.min_accuracy, "min_score": self.min_score, "max_error": self.max_error}
        given = {name: value for name, value in limits.items() if value is not None}
        if set(given) != {self.limit_name}:
            raise ConfigurationError(
                f"The limit of metric {self.metric!r} is {self.limit_name}=, alone; got {given or 'none'!r}."
            )
        if self.metric == "accuracy" and not 0 < self.limit <= 1:
            raise ConfigurationError(f"min_accuracy must lie above 0 and at most at 1; got {self.limit!r}.")
        if self.metric in COUNTED:
            require_share(self.limit_name, self.limit)
        elif self.metric in ERRORS:
            require_positive("max_error", self.limit)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GroundTruthLimits:
        """Read what :meth:`to_dict` made."""
        return cls(**data)


def check_extras(
    limits: GroundTruthLimits, truth_time_column: str | None, claim_time_column: str | None, estimate_from: str | None
) -> None:
    """Refuse what asks for a check and does not give what it needs.

    :raises ConfigurationError: naming the parameter.
    """
    if truth_time_column is None and (limits.max_delay is not None or claim_time_column is not None):
        raise ConfigurationError("The delay of the truth is counted from truth_time_column=: name that column.")
    require_series("estimate_from", estimate_from)
    if estimate_from is not None and limits.metric != "accuracy":
        raise ConfigurationError(
            f"estimate_from= estimates the accuracy, and nothing else; got metric={limits.metric!r}."
        )
