from __future__ import annotations

import numpy as np
import pytest

from airflow_provider_aiguard.stats.detectable import detectable_ks, detectable_share, detectable_tv, shift_in_sd
from airflow_provider_aiguard.stats.proportions import two_proportions


@pytest.mark.parametrize(("n", "ks", "share"), [(500, 0.149, 0.056), (1_000, 0.106, 0.035)])
def test_the_figures_of_34_columns(n, ks, share):
    """47 tests at alpha 0.05; NULLs from 2 %."""
    assert detectable_ks(n, n, 0.05 / 47) == pytest.approx(ks, abs=0.001)
    assert detectable_share(0.02, n, n, 0.05 / 47) == pytest.approx(share, abs=0.002)


def test_a_visible_share_is_found_four_times_in_five():
    rng = np.random.default_rng(0)
    n, alpha = 5_000, 0.001
    rise = detectable_share(0.05, n, n, alpha)
    drawn = zip(rng.binomial(n, 0.05, 500).tolist(), rng.binomial(n, 0.05 + rise, 500).tolist(), strict=True)
    found = sum(two_proportions(before, n, after, n) <= alpha for before, after in drawn)
    assert 0.72 <= found / 500 <= 0.88


def test_more_rows_see_less():
    assert detectable_tv(4_000, 4_000, 9, 0.01) == pytest.approx(detectable_tv(1_000, 1_000, 9, 0.01) / 2)


@pytest.mark.parametrize(
    "smallest",
    [
        detectable_ks(0, 10, 0.05),
        detectable_ks(2, 2, 0.001),
        detectable_tv(0, 10, 3, 0.05),
        detectable_tv(10, 10, 0, 0.05),
        detectable_share(0.5, 0, 10, 0.05),
        detectable_share(1.0, 10, 10, 0.05),
        detectable_share(0.5, 3, 3, 0.001),
    ],
)
def test_where_no_change_can_be_seen_it_is_one(smallest):
    assert smallest == 1.0


def test_a_distance_of_one_is_many_standard_deviations():
    assert 10 < shift_in_sd(1.0) < 20
