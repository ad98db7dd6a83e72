from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.calibration import CalibrationBin
from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.stats.performance_estimate import estimated_accuracy

NOTHING = CalibrationBin()


def bin_of(n, confidence, correct=0):
    return CalibrationBin(n=n, confidence=n * confidence, correct=correct)


def test_past_truth_corrects_what_confidence_claims():
    found = estimated_accuracy([bin_of(1_000, 0.9)], [bin_of(10_000, 0.9, 7_000)])
    assert found.value == pytest.approx(0.7)
    assert 0.66 < found.low < 0.68
    assert 0.72 < found.high < 0.74


def test_the_mix_of_today_is_what_counts():
    past = [bin_of(5_000, 0.6, 3_000), bin_of(5_000, 0.9, 4_500)]
    assert estimated_accuracy([bin_of(900, 0.6), bin_of(100, 0.9)], past).value == pytest.approx(0.63)


def test_confidence_that_moved_within_its_bin_moves_the_estimate():
    assert estimated_accuracy([bin_of(1_000, 0.92)], [bin_of(9_000, 0.90, 8_100)]).value == pytest.approx(0.92)


def test_little_past_truth_and_few_claims_both_widen():
    def width(claims, labels):
        found = estimated_accuracy([bin_of(claims, 0.9)], [bin_of(labels, 0.9, labels * 9 // 10)])
        return found.high - found.low

    assert width(10_000, 10_000) < width(10_000, 100)
    assert width(10_000, 10_000) < width(100, 10_000)


def test_a_bin_without_a_past_may_be_anything():
    found = estimated_accuracy([bin_of(100, 0.9)], [NOTHING])
    assert (found.value, found.low, found.high) == (pytest.approx(0.9), 0.0, 1.0)


def test_without_claims_there_is_none():
    assert estimated_accuracy([NOTHING], [bin_of(100, 0.9, 90)]) == Interval(None, 0.0, 1.0)
