from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind_from_stats

from airflow_provider_aiguard.stats.mean_shift import mean_shift


def test_it_is_welchs_test():
    result = mean_shift((40, 1.0, 2.0), (25, 2.0, 5.0))
    # Ours are standard deviations over n and large samples: theirs takes what is over n - 1.
    theirs = ttest_ind_from_stats(1.0, 2.0, 40, 2.0, 5.0, 25, equal_var=False)
    assert result.p_value == pytest.approx(theirs.pvalue)
    assert result.shift == 0.5


def test_it_is_students_test_where_the_smaller_sample_varies_less():
    result = mean_shift((4_000, 1.0, 2.0), (25, 2.0, 0.5))
    n, m = 4_000, 25
    sds = 2.0 * math.sqrt(n / (n - 1)), 0.5 * math.sqrt(m / (m - 1))
    expected = ttest_ind_from_stats(1.0, sds[0], n, 2.0, sds[1], m, equal_var=True).pvalue
    assert result.p_value == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("n", "m"), [(200, 20_000), (20_000, 200)])
def test_a_rare_event_in_few_rows_against_many_is_no_alarm(n, m):
    """One row in a hundred: Welch's test alone takes a sample without any for a change, in 14 of 100."""
    before, after = (np.random.default_rng(side).binomial(side, 0.01, 400) / side for side in (n, m))
    tests = [
        mean_shift((n, a, math.sqrt(a * (1 - a))), (m, b, math.sqrt(b * (1 - b)))).p_value
        for a, b in zip(before.tolist(), after.tolist(), strict=True)
    ]
    assert np.mean(np.array(tests) <= 0.001) <= 0.01


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


def test_a_constant_that_begins_to_vary_is_measured_by_the_new_spread():
    result = mean_shift((100, 5.0, 0.0), (100, 6.0, 1.0))
    assert (result.shift, result.p_value < 1e-9) == (1.0, True)


@pytest.mark.parametrize("rows", [1, 30, 1_000])
def test_a_few_rows_that_leave_a_constant_are_a_trifle(rows):
    """Of a million, each one higher: significant from some twenty on, and of no size before a quarter of a per cent."""
    n, share = 1_000_000, rows / 1_000_000
    result = mean_shift((n, 5.0, 0.0), (n, 5.0 + share, math.sqrt(share * (1 - share))))
    assert result.p_value == pytest.approx(min(1.0, 2 * 0.5**rows), rel=0.2, abs=1e-9)
    assert result.effect == pytest.approx(math.sqrt(share), rel=0.02, abs=1e-3)


def test_a_rare_value_that_a_small_reference_missed_is_no_news():
    assert mean_shift((100, 0.0, 0.0), (1_000_000, 0.005, math.sqrt(0.005 * 0.995))).p_value > 0.5


@pytest.mark.parametrize("unit", [1e-300, 1e-160, 1e-85, 1e100, 1e140])
def test_the_unit_of_the_numbers_makes_no_difference(unit):
    one, other = mean_shift((50, 0.0, 1.0), (60, 0.5, 2.0)), mean_shift((50, 0.0, unit), (60, unit / 2, 2 * unit))
    assert (other.shift, other.p_value) == pytest.approx((one.shift, one.p_value))
    assert mean_shift((50, 0.0, 1e-300), (60, 1e140, 1e140)).p_value < 1e-4
    assert mean_shift((50, 0.0, 0.0), (60, unit, unit)).shift == pytest.approx(1.0)
