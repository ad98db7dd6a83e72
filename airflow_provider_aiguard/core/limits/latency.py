"""How long a model may take."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.latency import Per
from airflow_provider_aiguard.core.limits.checks import require_alpha, require_count, require_positive

if TYPE_CHECKING:
    from collections.abc import Mapping

LatencyClass = Literal["bounded", "sophisticated", "interactive"]

CLASSES: Mapping[str, tuple[float, float]] = {
    "bounded": (0.0, 20.0),
    "sophisticated": (50.0, 100.0),
    "interactive": (0.0, 100.0),
}
"""From where a class is meant, and what 95 % of the calls may take at most; milliseconds."""


@dataclass(frozen=True, kw_only=True)
class LatencyLimits:
    """How long a model may take. At least one of the first four must be given.

    :param latency_class: ``"bounded"``: 95 % of the calls take at most 20 ms. ``"sophisticated"``: at most 100 ms, of a
        model that is meant to take 50 ms or more. ``"interactive"``: at most 100 ms. It stands for ``max_p95_ms``.
    :param max_p50_ms: milliseconds that half of the calls may take at most.
    :param max_p95_ms: the same for 95 % of them.
    :param max_p99_ms: the same for 99 %.
    :param per: ``"call"``: a request, or a chunk of a model in this process. ``"row"``: that divided by its rows.
    :param min_calls: calls needed to decide. Default 100.
    :param alpha: probability of any false alarm where the true latencies are at the limits, in (0, 1). Default 0.05.
    """

    latency_class: LatencyClass | None = None
    max_p50_ms: float | None = None
    max_p95_ms: float | None = None
    max_p99_ms: float | None = None
    per: Per = "call"
    min_calls: int = 100
    alpha: float = 0.05

    def __post_init__(self) -> None:
        self._check_class()
        if not self.quantiles:
            raise ConfigurationError(
                "A latency check needs a limit: give latency_class=, max_p50_ms=, max_p95_ms= or max_p99_ms=."
            )
        for name in ("max_p50_ms", "max_p95_ms", "max_p99_ms"):
            if (value := getattr(self, name)) is not None:
                require_positive(name, value)
        if self.per not in get_args(Per):
            raise ConfigurationError(f"per must be one of {get_args(Per)!r}; got {self.per!r}.")
        require_count("min_calls", self.min_calls)
        require_alpha(self.alpha)

    @property
    def quantiles(self) -> dict[int, float]:
        """Milliseconds by percent of the calls."""
        p95 = self.max_p95_ms if self.latency_class is None else CLASSES[self.latency_class][1]
        limits = {50: self.max_p50_ms, 95: p95, 99: self.max_p99_ms}
        return {percent: limit for percent, limit in limits.items() if limit is not None}

    def _check_class(self) -> None:
        if self.latency_class is None:
            return
        if self.latency_class not in CLASSES:
            raise ConfigurationError(f"latency_class must be one of {tuple(CLASSES)!r}; got {self.latency_class!r}.")
        if self.max_p95_ms is not None:
            raise ConfigurationError(
                f"latency_class={self.latency_class!r} and max_p95_ms={self.max_p95_ms!r} are two limits for one "
                "thing; give one."
            )

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LatencyLimits:
        """Read what :meth:`to_dict` made."""
        return cls(**data)
