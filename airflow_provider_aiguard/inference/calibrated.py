"""Confidences as their calibration says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.stats.platt import log_odds

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.calibration_map import CalibrationMap
    from airflow_provider_aiguard.inference.validate import ValidClaims


def calibrated(valid: ValidClaims, by: CalibrationMap) -> ValidClaims:
    """Replace the confidences of some claims by calibrated ones; a missing one stays missing.

    :param valid: the claims.
    :param by: what was learnt of their model.
    """
    confidences = {
        name: 1 / (1 + np.exp(-(by.slope * log_odds(numbers) + by.intercept)))
        for name, numbers in valid.confidences.items()
    }
    return replace(valid, confidences=confidences, sources=dict.fromkeys(valid.sources, ConfidenceSource.CALIBRATED))
