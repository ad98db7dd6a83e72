"""Rankings that are known from replicates: agreement, reversal, and what is not known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from airflow_provider_aiguard.stats.rank_correlation import rank_correlation


def replicates(means, spread=0.01, n=20, seed=0):
    return np.random.default_rng(seed).normal(np.asarray(means)[:, None], spread, (len(means), n))


def test_tau_is_kendalls_where_everything_is_known() -> None:
    before, now = [1, 2, 3, 4, 5, 6], [2, 1, 3, 6, 5, 4]
    found = rank_correlation(replicates(before), replicates(now, seed=1))
    assert found.pairs == 15
    assert found.low == found.tau == found.high == pytest.approx(kendalltau(before, now).statistic)
    assert found.reversed == 4


def test_noise_among_features_without_importance_is_no_change() -> None:
    before, now = [5, 3, 1, *[0.0] * 20], [5, 3, 1, *[0.0] * 20]
    found = rank_correlation(replicates(before, 0.1), replicates(now, 0.1, seed=1))
    assert 3 * 20 <= found.pairs <= 3 * 20 + 4
    assert found.low > 0.9
    plain = kendalltau(replicates(before, 0.1).mean(1), replicates(now, 0.1, seed=1).mean(1)).statistic
    assert plain < 0.7


def test_what_the_current_ranking_does_not_know_widens_the_interval() -> None:
    found = rank_correlation(replicates([3, 2, 1]), replicates([3, 2, 1], 50.0, seed=3))
    assert (found.low, found.high, found.pairs, found.reversed) == (-1.0, 1.0, 3, 0)


def test_the_numbers_of_replicates_may_differ() -> None:
    assert rank_correlation(replicates([1, 2], n=5), replicates([1, 2], n=50)).tau == 1


@pytest.mark.parametrize("items", [0, 1])
def test_too_few_items_have_no_pairs(items: int) -> None:
    nothing = np.zeros((items, 4))
    assert rank_correlation(nothing, nothing).pairs == 0


@pytest.mark.parametrize(("t", "pairs"), [(2.5, 0), (2.8, 1)])
def test_each_ranking_has_half_of_alpha(t, pairs):
    """Ten replicates: |t| > 2.69 at 0.025 two-sided, 2.26 at 0.05."""
    noise = np.linspace(-1, 1, 10)
    first = noise + t * noise.std(ddof=1) / 10**0.5
    assert rank_correlation([first, np.zeros(10)], [first, np.zeros(10)]).pairs == pairs
