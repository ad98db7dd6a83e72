"""How right inferred values must be."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


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
