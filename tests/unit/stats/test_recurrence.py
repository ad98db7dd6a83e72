from __future__ import annotations

import numpy as np
import pytest

from airflow_provider_aiguard.stats.recurrence import MIN_P_VALUE, recognise, run_overdispersion

RNG = np.random.default_rng(2)
FIRST, SECOND = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.3, 0.3, 0.2, 0.2])


def test_the_most_similar_regime_is_named():
    current = RNG.multinomial(1_500, SECOND)
    regimes = [RNG.multinomial(1_500, FIRST).tolist(), RNG.multinomial(1_500, SECOND).tolist()]
    found = recognise(current.tolist(), regimes)
    assert found.regime == 1
    assert found.p_value >= MIN_P_VALUE


def test_like_none_is_new():
    found = recognise([100, 700, 300, 400], [[600, 450, 300, 150]])
    assert found.regime is None
    assert found.p_value < MIN_P_VALUE
    assert recognise([100, 700], []).regime is None


@pytest.mark.parametrize("current", [[0, 0, 0], [900, 0, 0]])
def test_what_cannot_be_compared_is_not_recognised(current):
    assert recognise(current, [[900, 0, 0]]).regime is None


def test_overdispersion_makes_a_difference_count_less():
    current, regime = [560, 440], [500, 500]
    assert recognise(current, [regime]).regime is None
    assert recognise(current, [regime], overdispersion=4.0).regime == 0


def test_runs_that_differ_by_chance_are_not_overdispersed():
    runs = [[RNG.multinomial(500, FIRST).tolist() for _ in range(60)] for _ in range(3)]
    assert run_overdispersion(runs) == pytest.approx(1, abs=0.25)


def test_runs_that_wobble_are():
    rates = np.clip(RNG.normal(0.2, 0.04, 200), 0.01, 0.99)
    runs = [[int(k), 500 - int(k)] for k in RNG.binomial(500, rates)]
    assert run_overdispersion([runs]) == pytest.approx(1 + 500 * 0.04**2 / 0.16, rel=0.3)


@pytest.mark.parametrize("regimes", [[], [[]], [[[3, 4]]], [[[0, 0], [0, 0]]], [[[1, 2], [2, 1]]]])
def test_too_little_to_tell_is_no_overdispersion(regimes):
    assert run_overdispersion(regimes) == 1
