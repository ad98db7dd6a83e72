from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.calibration import CalibrationBin
from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.stats.calibration import expected_calibration_error, reliability


def test_bins_count_by_their_labels():
    bins = [CalibrationBin(n=100, confidence=50, correct=60), CalibrationBin(n=300, confidence=270, correct=240)]
    assert expected_calibration_error(bins).value == pytest.approx((10 + 30) / 400)


def test_a_calibrated_model_has_zero_in_its_interval():
    found = expected_calibration_error([CalibrationBin(n=1_000, confidence=900, correct=893)])
    assert found.low == 0
    assert 0.007 < found.high < 0.04


def test_more_bins_make_each_interval_wider():
    one = CalibrationBin(n=100, confidence=90, correct=90)
    ((_, low, high),) = reliability([one])
    (_, low15, high15), *_ = reliability([one] * 15)
    assert low15 < low < high < high15


def test_empty_bins_cost_nothing():
    one = CalibrationBin(n=100, confidence=90, correct=90)
    assert expected_calibration_error([one, *[CalibrationBin()] * 14]) == expected_calibration_error([one])


def test_without_labels_everything_is_possible():
    assert expected_calibration_error([CalibrationBin()]) == Interval(None, 0.0, 1.0)
    assert reliability([]) == []
