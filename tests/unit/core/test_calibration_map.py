from __future__ import annotations

import json
import math

import pytest

from airflow_provider_aiguard.core.calibration_map import CalibrationMap
from airflow_provider_aiguard.core.errors import ConfigurationError


@pytest.mark.parametrize(("slope", "intercept"), [(0.0, 0.0), (-1.0, 0.0), (math.nan, 0.0), (1.0, math.inf)])
def test_a_map_that_says_nothing_is_refused(slope: float, intercept: float) -> None:
    with pytest.raises(ConfigurationError, match=r"slope above 0 and a finite intercept; got slope="):
        CalibrationMap(slope=slope, intercept=intercept)


def test_a_map_survives_json() -> None:
    learnt = CalibrationMap(slope=0.8, intercept=-0.1, labels=500, learnt_on="labelled")
    assert CalibrationMap.from_dict(json.loads(json.dumps(learnt.to_dict()))) == learnt
