from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, kstest

from airflow_provider_aiguard.stats.jensen_shannon import jensen_shannon


def test_it_is_the_divergence_of_the_books_and_the_p_value_of_the_g_test():
    before, after = [400, 300, 200, 100], [350, 320, 240, 290]
    result = jensen_shannon(before, after)
    assert result.divergence == pytest.approx(jensenshannon(before, after) ** 2)
    g_test = chi2_contingency([before, after], lambda_="log-likelihood", correction=False)
    assert (result.p_value, result.df) == (pytest.approx(g_test.pvalue), g_test.dof)


def test_between_samples_of_one_distribution_it_has_no_effect_and_a_uniform_p_value():
    rng = np.random.default_rng(1)
    results = [jensen_shannon(*rng.multinomial(3_000, [0.05] * 20, size=2).tolist()) for _ in range(2_000)]
    assert kstest([r.p_value for r in results], "uniform").pvalue > 0.01
    assert np.mean([r.divergence - r.effect for r in results]) == pytest.approx(19 / 8 / 1_500, rel=0.3)
    assert np.median([r.effect for r in results]) < 0.0003


@pytest.mark.parametrize(("a", "b"), [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([5, 0], [7, 0])])
def test_nothing_to_compare_is_zero(a, b):
    result = jensen_shannon(a, b)
    assert (result.divergence, result.p_value, result.df) == (0.0, 1.0, 0)


def test_without_a_common_cell_it_is_the_logarithm_of_two():
    assert jensen_shannon([100, 0], [0, 50]).divergence == pytest.approx(np.log(2))
