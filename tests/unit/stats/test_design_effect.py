from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from airflow_provider_aiguard.stats.design_effect import TAIL, widened


@pytest.mark.parametrize("clusters", [20, 50, 200])
def test_an_estimated_variance_keeps_the_level_of_a_test_among_fifty(clusters):
    rng = np.random.default_rng(clusters)
    estimates = rng.chisquare(clusters - 1, 200_000) / (clusters - 1)
    factor = widened(10.0, clusters) / 10
    z = rng.normal(size=200_000) / np.sqrt(estimates * factor)
    assert np.mean(2 * norm.sf(np.abs(z)) <= 2 * TAIL) == pytest.approx(2 * TAIL, rel=0.25)


def test_more_clusters_widen_less_and_independence_nothing():
    assert widened(3.0, 20) > widened(3.0, 200) > 3.0
    assert widened(3.0, None) == 3.0
    assert widened(0.8, 20) == widened(1.0, None) == 1.0
