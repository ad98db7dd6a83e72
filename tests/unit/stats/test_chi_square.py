from __future__ import annotations

import pytest
from scipy.stats import chi2_contingency

from airflow_provider_aiguard.stats.chi_square import NOTHING, chi_square, merge_rare


def test_it_is_the_two_sample_test_of_scipy():
    a, b = [400, 250, 150, 120, 80, 0], [380, 250, 170, 110, 90, 0]
    ours, theirs = chi_square(a, b), chi2_contingency([a[:-1], b[:-1]])
    assert (ours.statistic, ours.df) == (pytest.approx(theirs.statistic), theirs.dof)
    assert ours.p_value == pytest.approx(theirs.pvalue)


def test_rare_cells_go_into_the_last_one():
    a, b = [900, 60, 3, 2, 4, 31], [890, 70, 4, 1, 2, 33]
    merged = chi2_contingency([[900, 60, 40], [890, 70, 40]])
    assert (chi_square(a, b).statistic, chi_square(a, b).df) == (pytest.approx(merged.statistic), 2)


def test_a_rest_too_small_to_stand_goes_to_the_smallest_cell():
    merged = chi2_contingency([[900, 62], [890, 71]], correction=False)
    assert chi_square([900, 60, 2], [890, 70, 1]).statistic == pytest.approx(merged.statistic)


def test_cells_that_may_owe_their_place_to_luck_are_not_tested_alone():
    a, b = [500, 300, 21, 179], [500, 300, 3, 197]
    assert chi_square(a, b).p_value < 0.01
    assert chi_square(a, b, cutoff=20).p_value == 1.0


def test_the_effect_is_cohens_w_less_what_chance_adds():
    result = chi_square([4_000, 6_000, 0], [5_000, 5_000, 0])
    size = 5_000
    assert result.effect == pytest.approx(((result.statistic - 1) / size) ** 0.5)
    assert result.total_variation == pytest.approx(0.1)


@pytest.mark.parametrize(("a", "b"), [([5, 0], [0, 0]), ([0, 0], [5, 1]), ([100, 0], [90, 0]), ([1, 1, 1], [1, 1, 1])])
def test_nothing_to_compare(a, b):
    assert chi_square(a, b) == NOTHING


def test_what_is_rare_in_the_smaller_sample_is_not_tested_alone():
    """4 of 100 rows are expected in the second cell: too few, however many the reference has."""
    before, after = [95_000, 4_000, 1_000], [90, 9, 1]
    assert chi_square(before, after).df == 1
    assert chi_square(before, [1_900, 80, 20]).df == 2


def test_levels_that_owe_their_place_to_luck_are_tested_together():
    """15 where 10 made a level: the next sample has fewer of each, by regression to the mean, and of their sum."""
    cells = merge_rare([100, 15, 16, 0], [100, 14, 12, 5], cutoff=10)
    assert [side.tolist() for side in cells] == [[100, 31], [100, 31]]
    sure = merge_rare([100, 35, 36, 0], [100, 34, 32, 5], cutoff=10)
    assert len(sure[0]) == 3
