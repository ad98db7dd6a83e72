from __future__ import annotations

import math

import numpy as np
import pytest

from airflow_provider_aiguard.stats.bootstrap import bootstrap


def test_of_a_mean_it_is_near_students():
    x = np.random.default_rng(2).normal(3, 1, 500)
    found = bootstrap(lambda rows: float(x[rows].mean()), len(x))
    half = 1.965 * x.std(ddof=1) / math.sqrt(500)
    assert found.value == pytest.approx(x.mean())
    assert (found.low, found.high) == (
        pytest.approx(x.mean() - half, abs=0.02),
        pytest.approx(x.mean() + half, abs=0.02),
    )


def test_a_skewed_statistic_has_a_skewed_interval():
    x = np.random.default_rng(2).exponential(size=200)
    found = bootstrap(lambda rows: float(x[rows].var()), len(x))
    assert found.high - found.value > 1.2 * (found.value - found.low)


def test_the_seed_makes_it_the_same():
    x = np.random.default_rng(2).normal(size=100)

    def mean(rows):
        return float(x[rows].mean())

    assert bootstrap(mean, 100) == bootstrap(mean, 100)
    assert bootstrap(mean, 100) != bootstrap(mean, 100, seed=1)


def test_what_is_not_finite_is_left_out():
    x = np.array([0.0] * 95 + [1.0] * 5)

    def odd(rows):
        return float(x[rows].mean()) if x[rows].any() else math.nan

    found = bootstrap(odd, 100)
    assert 0 < found.low < found.value < found.high < 0.2


@pytest.mark.parametrize("statistic", [lambda rows: math.nan, lambda rows: math.inf])
def test_without_a_value_there_are_no_ends(statistic):
    found = bootstrap(statistic, 100)
    assert (found.value, found.low, found.high) == (None, -math.inf, math.inf)
    assert bootstrap(statistic, 0).value is None


def test_a_constant_has_no_width():
    found = bootstrap(lambda rows: 0.5, 100)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
    assert bootstrap(lambda rows: 1.0, 1).low == 1.0
