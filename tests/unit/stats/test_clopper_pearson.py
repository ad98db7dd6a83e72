from __future__ import annotations

import pytest
from scipy.stats import binomtest

from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson


@pytest.mark.parametrize(("hits", "n", "alpha"), [(86, 100, 0.05), (0, 30, 0.05), (30, 30, 0.01), (1, 2, 0.1)])
def test_it_is_the_interval_of_scipy(hits, n, alpha):
    exact = binomtest(hits, n).proportion_ci(1 - alpha, method="exact")
    assert clopper_pearson(hits, n, alpha) == pytest.approx((exact.low, exact.high))
