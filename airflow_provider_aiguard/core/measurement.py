"""Measurements: a few numbers a run leaves behind, so that runs can be compared with each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_aiguard.core.run import RunIdentity


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one task instance measured in one series.

    :param series: what was measured, such as ``concept/late``. The word before the slash is the guard's.
    :param identity: the task try that measured.
    :param measured_at: when, with zone.
    :param values: the numbers, as plain values that survive JSON.
    """

    series: str
    identity: RunIdentity
    measured_at: datetime
    values: Mapping[str, Any]
