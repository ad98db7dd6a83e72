"""From the confidence a model gives to one that is right as often as it says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from airflow_provider_aiguard.core.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class CalibrationMap:
    """Two numbers, learnt from labelled rows: ``aiguard models calibrate``.

    The log-odds of the calibrated confidence are ``slope * log-odds + intercept``. It keeps the order of the rows.

    :param slope: above 0; below 1 where the model is too sure of itself.
    :param intercept: what is added.
    :param labels: labelled rows it was learnt from.
    :param learnt_on: full name of the labelled table.
    """

    slope: float
    intercept: float
    labels: int = 0
    learnt_on: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and math.isfinite(self.intercept) and self.slope > 0):
            raise ConfigurationError(
                f"A calibration needs a slope above 0 and a finite intercept; got slope={self.slope!r} and "
                f"intercept={self.intercept!r}. A slope of 0 or less means that the confidence says nothing about "
                "being right: use another source of confidence."
            )

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CalibrationMap:
        """Read what :meth:`to_dict` made."""
        return cls(**data)
