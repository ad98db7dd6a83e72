from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.stats.mover import weighted_sum


def test_one_part_keeps_its_interval():
    found = weighted_sum([1.0], [Interval(0.2, 0.1, 0.5)])
    assert (found.value, found.low, found.high) == (0.2, pytest.approx(0.1), pytest.approx(0.5))


def test_parts_add_up_as_independent_errors_do():
    parts = [Interval(1.0, 0.7, 1.3), Interval(2.0, 1.6, 2.4)]
    found = weighted_sum([1.0, 1.0], parts)
    assert (found.value, found.low, found.high) == (3.0, pytest.approx(2.5), pytest.approx(3.5))


def test_a_skewed_part_keeps_its_skew():
    found = weighted_sum([0.5, 0.5], [Interval(0.0, 0.0, 0.2), Interval(1.0, 0.8, 1.0)])
    assert (found.low, found.high) == (pytest.approx(0.4), pytest.approx(0.6))


def test_a_part_without_an_estimate_is_taken_in_the_middle():
    assert weighted_sum([1.0], [Interval(None, 0.0, 1.0)]) == Interval(0.5, 0.0, 1.0)
