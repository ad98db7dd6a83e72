"""When a table breaks its feature schema."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.limits.checks import require_alpha, require_count

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class SchemaLimits:
    """When a table breaks its feature schema. What may be broken how often is in the schema itself.

    :param alpha: probability of any false alarm in a table whose true shares are at their limits, over all rules, in
        (0, 1), default 0.05. Where the limit is 0, one row is a breach.
    :param min_rows: rows needed to decide, default 1.
    """

    alpha: float = 0.05
    min_rows: int = 1

    def __post_init__(self) -> None:
        require_alpha(self.alpha)
        require_count("min_rows", self.min_rows)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SchemaLimits:
        """Read what :meth:`to_dict` made."""
        return cls(**data)
