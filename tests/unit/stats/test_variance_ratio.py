from __future__ import annotations

import math

import pytest

from airflow_provider_aiguard.core.diversity import Moments
from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.stats.variance_ratio import is_constant, variance_ratio


def normal(n, variance):
    return Moments(n=n, mean=0.0, second=n * variance, fourth=3 * n * variance**2)


def test_equal_samples_have_one_in_the_middle():
    found = variance_ratio(normal(1_000, 4), normal(1_000, 4))
    assert found.value == 1.0
    assert found.low * found.high == pytest.approx(1.0)
    assert found.high == pytest.approx(math.exp(1.96 * math.sqrt(4 / 1_000)), rel=0.01)


def test_heavy_tails_widen_it():
    heavy = Moments(n=1_000, mean=0.0, second=1_000.0, fourth=9_000.0)
    assert variance_ratio(heavy, normal(1_000, 1)).high > 1.05 * variance_ratio(normal(1_000, 1), normal(1_000, 1)).high


@pytest.mark.parametrize(("now", "then"), [(normal(1, 1), normal(9, 1)), (normal(9, 1), normal(1, 1))])
def test_one_number_has_no_variance(now, then):
    assert variance_ratio(now, then) == Interval(None, 0.0, math.inf)


def test_constants():
    constant = Moments(n=100, mean=0.1, second=1e-30, fourth=0.0)
    assert is_constant(constant)
    assert not is_constant(normal(100, 1e-9))
    assert variance_ratio(constant, normal(100, 1)) == Interval(0.0, 0.0, 0.0)
    assert variance_ratio(normal(100, 1), constant).value is None
    assert variance_ratio(constant, constant).value is None


def test_two_even_points_have_the_least_kurtosis_there_is():
    coin = Moments(n=1_000, mean=0.5, second=250.0, fourth=62.5)
    found = variance_ratio(coin, coin)
    assert found.low <= 1 <= found.high
