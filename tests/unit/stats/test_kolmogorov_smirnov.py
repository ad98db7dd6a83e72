from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from airflow_provider_aiguard.stats.kolmogorov_smirnov import kolmogorov_smirnov


def counts(edges, values):
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1).tolist()


def test_on_fine_cells_it_is_the_test_of_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=3_000), rng.normal(0.08, 1, size=2_000)
    edges = np.sort(np.concatenate([a, b]))
    ours, theirs = kolmogorov_smirnov(counts(edges, a), counts(edges, b)), ks_2samp(a, b, method="asymp")
    assert ours.distance == pytest.approx(theirs.statistic, abs=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=0.1)


def test_the_effect_of_unchanged_samples_is_near_zero_and_of_changed_ones_near_the_truth():
    rng = np.random.default_rng(1)
    same = [kolmogorov_smirnov(*rng.multinomial(2_000, [0.01] * 100, size=2).tolist()) for _ in range(300)]
    assert np.median([r.effect for r in same]) == 0
    assert np.median([r.distance for r in same]) > 0.015
    before, after = rng.multinomial(2_000, [0.5, 0.5], size=99), rng.multinomial(2_000, [0.3, 0.7], size=99)
    moved = [kolmogorov_smirnov(a, b) for a, b in zip(before.tolist(), after.tolist(), strict=True)]
    assert np.mean([r.effect for r in moved]) == pytest.approx(0.2, abs=0.01)
