from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kstest

from airflow_provider_aiguard.stats.spread import centres, log_sd, spread


def cells(sample, edges):
    return np.bincount(np.searchsorted(edges, sample), minlength=len(edges) + 1).tolist()


def test_a_wider_distribution_is_wider_by_that_much():
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=100_000), 1.2 * rng.normal(size=100_000)
    edges = np.quantile(before, np.arange(1, 256) / 256)
    result = spread(edges, cells(before, edges), cells(after, edges))
    assert result.shift == pytest.approx(math.log(1.2), abs=0.02)
    assert result.p_value < 1e-12


@pytest.mark.parametrize("draw", [lambda r, n: r.standard_t(3, n), lambda r, n: r.lognormal(0, 1, n)])
def test_heavy_tails_give_no_false_alarm(draw):
    rng = np.random.default_rng(1)
    edges = np.quantile(draw(rng, 100_000), np.arange(1, 256) / 256)
    drawn = [spread(edges, cells(draw(rng, 2_000), edges), cells(draw(rng, 2_000), edges)) for _ in range(600)]
    p_values = [r.p_value for r in drawn]
    assert kstest(p_values, "uniform").pvalue > 0.005
    shifts = [r.shift for r in drawn]
    assert np.var(shifts) == pytest.approx(np.mean([r.variance for r in drawn]), rel=0.2)


@pytest.mark.parametrize("counts", [[0, 0], [0, 1], [0, 50]])
def test_what_does_not_vary_is_not_compared(counts):
    for sides in ((counts, [50, 50]), ([50, 50], counts)):
        result = spread([0.0], *sides)
        assert (result.p_value, result.effect, result.variance) == (1.0, 0.0, math.inf)


def test_huge_values_do_not_overflow():
    assert log_sd(np.array([-1e200, 1e200]), [50, 50]) == (pytest.approx(math.log(1e200)), pytest.approx(5e-5))
    assert log_sd(np.array([-1e308, 1e308]), [50, 50]) == (pytest.approx(math.log(1e308)), pytest.approx(5e-5))


def test_a_reference_without_rows_clips_nothing():
    assert centres([0.0, 1.0], [0, 0, 0]).tolist() == [0.0, 0.5, 1.0]
    assert centres([], [5]).tolist() == [0.0]


def test_values_beyond_the_outer_half_per_cent_count_as_their_border():
    assert centres([0.0, 1.0, 2.0, 3.0], [10, 4_980, 4_980, 10, 20]).tolist() == [0.0, 0.5, 1.5, 2.0, 2.0]
