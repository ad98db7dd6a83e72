"""How far confidence may be from the truth."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.checks import require_alpha, require_count, require_series, require_share

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class CalibrationLimits:
    """How far confidence may be from the truth. At least one of the first three must be given.

    :param max_ece: largest expected calibration error on 15 equal bins, in [0, 1].
    :param max_brier: largest Brier score, in [0, 1].
    :param max_rise: how much larger the calibration error may be than in the reference, in [0, 1].
    :param min_labels: labels with a confidence needed to decide, default 500.
    :param min_truth_share: share of the inferred cells that must have a truth and a confidence, in [0, 1]. Default
        half.
    :param alpha: share of the intervals that may miss, default 0.05.
    """

    max_ece: float | None = None
    max_brier: float | None = None
    max_rise: float | None = None
    min_labels: int = 500
    min_truth_share: float = 0.5
    alpha: float = 0.05

    def __post_init__(self) -> None:
        limits = {"max_ece": self.max_ece, "max_brier": self.max_brier, "max_rise": self.max_rise}
        given = {name: value for name, value in limits.items() if value is not None}
        if not given:
            raise ConfigurationError("A calibration check needs a limit: give max_ece=, max_brier= or max_rise=.")
        for name, value in (*given.items(), ("min_truth_share", self.min_truth_share)):
            require_share(name, value)
        require_count("min_labels", self.min_labels)
        require_alpha(self.alpha)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CalibrationLimits:
        """Read what :meth:`to_dict` made."""
        return cls(**data)


def check_series(limits: CalibrationLimits, name: str | None, reference: str | None) -> None:
    """Refuse a rise without a reference, a reference without a rise, and names that are none.

    :raises ConfigurationError: naming the parameter.
    """
    require_series("name", name)
    require_series("reference", reference)
    if (limits.max_rise is None) != (reference is None):
        raise ConfigurationError(
            f"max_rise= and reference= belong together: the error may rise by so much since then; got "
            f"max_rise={limits.max_rise!r}, reference={reference!r}."
        )
