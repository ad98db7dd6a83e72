"""How stable the importance of a model's features must be."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.checks import require_alpha, require_count

if TYPE_CHECKING:
    from collections.abc import Mapping

ImportanceReference = Literal["first", "previous"]


@dataclass(frozen=True, kw_only=True)
class ImportanceLimits:
    """When the ranking of the features has changed.

    :param min_rank_correlation: lowest rank correlation with the reference, in [-1, 1], over the pairs of features
        whose order the reference is sure of. Default 0.8: one sure pair in ten may turn.
    :param reference: the ranking to compare with: that of the ``"first"`` run (default), so that a slow change adds up,
        or of the ``"previous"`` one.
    :param min_rows: rows with truth that are needed, default 200.
    :param min_pairs: pairs of features whose order the reference must be sure of, default 3.
    :param alpha: share of the intervals that may miss, in (0, 1), default 0.05.
    """

    min_rank_correlation: float = 0.8
    reference: ImportanceReference = "first"
    min_rows: int = 200
    min_pairs: int = 3
    alpha: float = 0.05

    def __post_init__(self) -> None:
        value = self.min_rank_correlation
        if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 1:
            raise ConfigurationError(f"min_rank_correlation must be a number in [-1, 1]; got {value!r}.")
        if self.reference not in get_args(ImportanceReference):
            raise ConfigurationError(
                f"reference must be one of {get_args(ImportanceReference)!r}; got {self.reference!r}."
            )
        require_count("min_rows", self.min_rows)
        require_count("min_pairs", self.min_pairs)
        require_alpha(self.alpha)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ImportanceLimits:
        """Read what :meth:`to_dict` made."""
        return cls(**data)
