from __future__ import annotations

import pytest
from scipy.stats import binom

from airflow_provider_aiguard.stats.accept_threshold import Tested, lowest_certified, rows_needed

FIRST = [1, 0, 0]


def test_the_lowest_that_can_be_certified_in_a_row():
    seen = [Tested(300, 0), Tested(300, 9), Tested(300, 0)]
    assert lowest_certified(seen, FIRST, alpha=0.02, delta=0.05) == 0
    assert lowest_certified(seen, [0.5, 0, 0.5], alpha=0.02, delta=0.05) == 2


def test_too_few_rows_or_too_many_errors_certify_nothing():
    assert lowest_certified([Tested(58, 0)], [1], alpha=0.05, delta=0.05) is None
    assert lowest_certified([Tested(59, 0)], [1], alpha=0.05, delta=0.05) == 0
    assert lowest_certified([Tested(0, 0)], [1], alpha=0.05, delta=0.05) is None
    assert lowest_certified([Tested(10_000, 510)], [1], alpha=0.05, delta=0.05) is None


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.02, 0.04, 0.049])
def test_as_many_rows_as_are_said_are_enough_and_half_of_them_are_not(rate):
    needed = rows_needed(rate, alpha=0.05, level=0.01)
    bad = -(-int(rate * 1000 * needed) // 1000)
    assert binom.cdf(bad, needed, 0.05) <= 0.011
    assert lowest_certified([Tested(needed // 2, bad // 2)], [1], alpha=0.05, delta=0.01) is None


def test_claims_that_are_too_bad_need_no_labels():
    assert rows_needed(0.05, alpha=0.05, level=0.05) is None
    assert rows_needed(0.0499999, alpha=0.05, level=1e-9) is None
