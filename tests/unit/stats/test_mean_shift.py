from __future__ import annotations

import math

import pytest
from scipy.stats import ttest_ind_from_stats

from airflow_provider_aiguard.stats.mean_shift import mean_shift


def test_it_is_welchs_test():
    result = mean_shift((40, 1.0, 2.0), (25, 2.0, 5.0))
    # Ours are standard deviations over n and large samples: theirs takes what is over n - 1.
    theirs = ttest_ind_from_stats(1.0, 2.0, 40, 2.0, 5.0, 25, equal_var=False)
    assert result.p_value == pytest.approx(theirs.pvalue)
    assert result.shift == 0.5


def test_chance_is_taken_off_the_effect():
    assert mean_shift((1_000, 0.0, 1.0), (1_000, 0.04, 1.0)).effect == 0.0
    assert mean_shift((1_000, 0.0, 1.0), (1_000, 0.3, 1.0)).effect == pytest.approx(math.sqrt(0.09 - 0.002))


@pytest.mark.parametrize(("n", "m"), [(1, 50), (50, 1), (0, 0)])
def test_one_row_says_nothing(n, m):
    assert mean_shift((n, 0.0, 0.0), (m, 5.0, 1.0)).p_value == 1.0


def test_constants_differ_by_their_rows():
    same, other, few = (mean_shift((n, 5.0, 0.0), (n, x, 0.0)) for n, x in ((100, 5.0), (100, 6.0), (2, 6.0)))
    assert (same.p_value, same.effect) == (1.0, 0.0)
    assert (other.p_value < 1e-20, other.effect) == (True, math.inf)
    assert few.p_value == pytest.approx(1 / 3)


def test_a_constant_that_begins_to_vary_has_moved_without_bound():
    result = mean_shift((100, 5.0, 0.0), (100, 6.0, 1.0))
    assert (result.shift, result.p_value < 1e-9) == (math.inf, True)
