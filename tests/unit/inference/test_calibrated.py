from __future__ import annotations

import numpy as np
import pytest

from airflow_provider_aiguard.core.calibration_map import CalibrationMap
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.inference.calibrated import calibrated
from airflow_provider_aiguard.inference.validate import ValidClaims


def test_the_log_odds_are_stretched_and_what_is_missing_stays_missing() -> None:
    valid = ValidClaims(
        values={}, confidences={"y": np.array([0.9, 0.5, np.nan, 1.0])}, sources={"y": ConfidenceSource.LOGPROB},
        answered=np.ones(4, dtype=bool), failures={},
    )  # fmt: skip
    found = calibrated(valid, CalibrationMap(slope=0.5, intercept=0.0))
    assert found.confidences["y"][:2].tolist() == pytest.approx([0.75, 0.5])
    assert np.isnan(found.confidences["y"][2])
    assert 0.99 < found.confidences["y"][3] < 1
    assert found.sources == {"y": ConfidenceSource.CALIBRATED}
