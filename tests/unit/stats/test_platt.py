from __future__ import annotations

import numpy as np
import pytest

from airflow_provider_aiguard.stats.platt import log_odds, platt


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.4, 0.0), (2.0, -0.5), (0.7, 1.0)])
def test_the_two_numbers_are_found_again(slope, intercept):
    rng = np.random.default_rng(3)
    confidences = rng.uniform(0.3, 0.999, 40_000)
    chance = 1 / (1 + np.exp(-(slope * log_odds(confidences) + intercept)))
    found = platt(confidences, rng.random(40_000) < chance)
    assert found == pytest.approx((slope, intercept), abs=0.08)


def test_it_ends_where_right_and_wrong_can_be_told_apart():
    confidences = np.r_[np.full(50, 0.2), np.full(50, 0.95)]
    slope, intercept = platt(confidences, confidences > 0.5)
    assert slope > 1
    assert np.isfinite(intercept)


@pytest.mark.parametrize("right", [True, False])
def test_all_right_and_all_wrong(right):
    slope, intercept = platt(np.array([0.5, 0.9, 1.0, 0.0]), np.full(4, right))
    assert np.isfinite([slope, intercept]).all()
