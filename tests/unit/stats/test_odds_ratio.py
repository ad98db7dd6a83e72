from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kstest

from airflow_provider_aiguard.stats.odds_ratio import odds_ratio, yule


def test_yules_coefficient():
    assert yule(0.0) == 0.0
    sides = [math.sqrt(300 * 300), math.sqrt(200 * 200)]
    assert yule(math.log(9 / 4)) == pytest.approx((sides[0] - sides[1]) / sum(sides))
    assert odds_ratio([500, 0, 0, 500], [0, 500, 500, 0]).before > 0.9


@pytest.mark.parametrize("shares", [[0.25] * 4, [0.4, 0.1, 0.1, 0.4]])
def test_the_p_value_is_uniform_while_the_dependence_stays(shares):
    rng = np.random.default_rng(3)
    results = [odds_ratio(*rng.multinomial(2_000, shares, size=2).tolist()) for _ in range(2_000)]
    assert kstest([r.p_value for r in results], "uniform").pvalue > 0.01
    assert np.median([r.effect for r in results]) < 0.02


def test_a_dependence_that_is_lost_is_found():
    result = odds_ratio([400, 100, 100, 400], [250, 250, 250, 250])
    assert result.p_value < 1e-9
    assert result.effect == pytest.approx(result.before, abs=0.01)


def test_empty_counts_are_no_error():
    result = odds_ratio([0, 0, 0, 0], [0, 0, 0, 0])
    assert (result.p_value, result.effect) == (1.0, 0.0)
