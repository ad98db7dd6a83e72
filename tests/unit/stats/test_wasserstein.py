from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gamma, norm, wasserstein_distance

from airflow_provider_aiguard.stats.wasserstein import wasserstein

EDGES = norm.ppf(np.arange(1, 256) / 256)


def counted(sample):
    return np.bincount(np.searchsorted(EDGES, sample), minlength=len(EDGES) + 1).tolist()


def test_it_is_the_distance_of_the_samples():
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=5_000), rng.normal(0.4, 1.3, size=4_000)
    low, high = min(before.min(), after.min()), max(before.max(), after.max())
    result = wasserstein(EDGES, counted(before), counted(after), low=low, high=high)
    assert result.distance == pytest.approx(wasserstein_distance(before, after), rel=0.05)
    assert result.p_value < 1e-9


@pytest.mark.parametrize("shares", [np.full(256, 1 / 256), np.r_[0.95, np.full(255, 0.05 / 255)]])
def test_by_chance_alone_it_is_as_large_as_it_is_said_to_be(shares):
    """Moments to a few percent; the tail where a family of tests looks is no heavier than promised."""
    rng = np.random.default_rng(1)
    drawn = rng.multinomial(2_000, shares, size=(3_000, 2)).tolist()
    results = [wasserstein(EDGES, a, b, low=-4.0, high=4.0) for a, b in drawn]
    distances = np.array([r.distance for r in results])
    start, shape, scale = results[0].chance
    assert distances.mean() == pytest.approx(start + shape * scale, rel=0.05)
    assert distances.std() == pytest.approx(shape**0.5 * scale, rel=0.08)
    for alpha, most in ((0.05, 0.065), (0.01, 0.016), (0.001, 0.003)):
        assert np.mean([r.p_value <= alpha for r in results]) <= most
    assert np.mean([r.p_value <= 0.05 for r in results]) >= 0.03


def test_the_critical_distance_has_its_p_value():
    result = wasserstein([0.0, 1.0], [400, 300, 300], [390, 310, 300], low=-1.0, high=2.0)
    start, shape, scale = result.chance
    assert gamma.sf(result.critical(0.01), shape, loc=start, scale=scale) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("edges", "a", "b"), [([0.0], [0, 0], [1, 2]), ([0.0], [1, 2], [0, 0]), ([], [3], [4]), ([0.0], [5, 0], [7, 0])]
)
def test_nothing_to_compare_is_no_distance(edges, a, b):
    result = wasserstein(edges, a, b, low=-1.0, high=1.0)
    assert (result.p_value, result.effect, result.critical(0.05)) == (1.0, 0.0, 0.0)


def test_the_effect_is_the_distance_less_what_chance_adds():
    result = wasserstein([0.0, 1.0], [500, 500, 0], [450, 500, 50], low=-1.0, high=2.0)
    start, shape, scale = result.chance
    by_chance = (start + shape * scale) ** 2 + shape * scale**2
    assert 0 < result.effect**2 == pytest.approx(result.distance**2 - by_chance)
