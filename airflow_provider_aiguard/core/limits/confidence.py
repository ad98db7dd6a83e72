"""How sure a model must be."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.checks import require_share

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class ConfidenceLimits:
    """What confidences must be like. At least one of the first three must be given.

    :param min_mean: lowest mean confidence, in [0, 1].
    :param max_share_below: ``(threshold, share)``: at most this share of the inferred values may have a confidence
        under the threshold; both in [0, 1]. A value without a confidence counts as under it.
    :param max_entropy: largest mean entropy of the confidences, in bits, in [0, 1]: 0 if the model is always sure, 1 if
        all its confidences are 0.5.
    :param max_missing_share: share of the inferred values that may come without a confidence, in [0, 1]; default none.
    :param min_rows: inferred values needed to decide, default 1.
    """

    min_mean: float | None = None
    max_share_below: tuple[float, float] | None = None
    max_entropy: float | None = None
    max_missing_share: float = 0.0
    min_rows: int = 1

    def __post_init__(self) -> None:
        if self.min_mean is None and self.max_share_below is None and self.max_entropy is None:
            raise ConfigurationError(
                "A confidence check needs a limit: give min_mean=, max_share_below= or max_entropy=."
            )
        if self.max_share_below is not None:
            object.__setattr__(self, "max_share_below", _threshold_and_share(self.max_share_below))
        require_share("min_mean", 0.0 if self.min_mean is None else self.min_mean)
        require_share("max_entropy", 0.0 if self.max_entropy is None else self.max_entropy)
        require_share("max_missing_share", self.max_missing_share)
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


def _threshold_and_share(pair: Any) -> tuple[float, float]:
    if isinstance(pair, str) or len(pair) != 2:
        raise ConfigurationError(f"max_share_below must be (threshold, share), such as (0.6, 0.1); got {pair!r}.")
    threshold, share = pair
    require_share("max_share_below threshold", threshold)
    require_share("max_share_below share", share)
    return float(threshold), float(share)
