from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.stats.bounded_mean import bounded_mean


def test_it_stays_within_zero_and_one_and_holds_the_mean():
    for n, total in ((1, 0.0), (1, 1.0), (50, 0.0), (50, 50.0), (50, 3.0)):
        found = bounded_mean(n, total, total)
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_no_error_seen_is_not_no_error():
    assert bounded_mean(30, 0.0, 0.0).high > 0.1
    assert bounded_mean(3_000, 0.0, 0.0).high < 0.002


def test_many_numbers_leave_students_interval():
    found = bounded_mean(100_000, 20_000.0, 5_000.0)
    half = 1.96 * ((0.05 - 0.04) / 100_000) ** 0.5
    assert (found.low, found.high) == (pytest.approx(0.2 - half, abs=1e-4), pytest.approx(0.2 + half, abs=1e-4))


def test_without_numbers_everything_is_possible():
    assert bounded_mean(0, 0.0, 0.0) == Interval(None, 0.0, 1.0)


def test_where_students_interval_reaches_further_it_counts():
    """A hundred numbers, most of them near 0 or 1: Agresti and Coull's 0.4246 would blame more often than it says."""
    found = bounded_mean(100, 50.0, 40.0)
    student = 1.98422 * ((0.4 - 0.25) / 99) ** 0.5
    assert (found.low, found.high) == (pytest.approx(0.5 - student, abs=1e-5), pytest.approx(0.5 + student, abs=1e-5))
