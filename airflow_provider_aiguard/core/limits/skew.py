"""When features differ between training and serving."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.checks import require_alpha, require_count, require_share

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class SkewLimits:
    """When the same entity has other features at serving than at training.

    :param tolerance: numbers are equal if they differ by at most this share of the larger one, 0 or more. Default 1e-6:
        a float32 on one side is no skew.
    :param absolute_tolerance: or by at most this much, in the column's unit. Default 0.
    :param max_mismatch: share of the joined rows, in [0, 1], where a column may differ. Default 0.01.
    :param max_unmatched: share of the keys, in [0, 1], that may be on one side only. Default 0.05.
    :param min_rows: joined rows needed to decide, default 30.
    :param alpha: probability of any false alarm over all columns where the true shares are at the limit, in (0, 1),
        default 0.05.
    """

    tolerance: float = 1e-6
    absolute_tolerance: float = 0.0
    max_mismatch: float = 0.01
    max_unmatched: float = 0.05
    min_rows: int = 30
    alpha: float = 0.05

    def __post_init__(self) -> None:
        for name in ("tolerance", "absolute_tolerance"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
                raise ConfigurationError(f"{name} must be a number of at least 0; got {value!r}.")
        require_share("max_mismatch", self.max_mismatch)
        require_share("max_unmatched", self.max_unmatched)
        require_count("min_rows", self.min_rows)
        require_alpha(self.alpha)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SkewLimits:
        """Read what :meth:`to_dict` made."""
        return cls(**data)
