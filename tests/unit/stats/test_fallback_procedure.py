from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.stats.fallback_procedure import fallback_procedure


def test_a_level_that_was_used_goes_on_and_one_that_was_not_is_lost():
    # .025 is used and goes on: .05 for the second, .05 for the third, which has none of its own.
    assert fallback_procedure([0.02, 0.04, 0.05], [0.5, 0.5, 0], 0.05) == [True, True, True]
    assert fallback_procedure([0.03, 0.03, 0.001], [0.5, 0.5, 0], 0.05) == [False, False, False]


def test_without_a_level_nothing_is_rejected():
    assert fallback_procedure([0.0], [0.0], 0.05) == [False]
    assert fallback_procedure([], [], 0.05) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_all_weight_on_the_first_is_the_fixed_sequence(p_values):
    expected = np.cumprod([p <= 0.05 for p in p_values]).astype(bool).tolist()
    assert fallback_procedure(p_values, [1, *[0] * (len(p_values) - 1)], 0.05) == expected


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_false_rejections_stay_below_delta(correlation):
    from scipy.special import ndtr

    rng = np.random.default_rng(7)
    shared = rng.standard_normal((4_000, 1))
    z = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * rng.standard_normal((4_000, 5))
    wrong = sum(any(fallback_procedure(row, [0.2] * 5, 0.1)) for row in ndtr(z).tolist())
    assert wrong / 4_000 <= 0.1 + 3 * 0.005
