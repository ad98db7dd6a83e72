from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from airflow_provider_aiguard.stats.psi import merge_cells, psi


def test_it_is_the_index_of_the_books_less_its_bias():
    p, q = np.array([40_000, 60_000]), np.array([50_000, 50_000])
    book = np.sum((q / 1e5 - p / 1e5) * np.log(q / p))
    assert psi(p.tolist(), q.tolist()).effect == pytest.approx(book - 2 / 1e5, rel=1e-3)


def test_unchanged_samples_of_many_cells_have_none():
    rng = np.random.default_rng(0)
    drawn = [psi(*rng.multinomial(5_000, [0.01] * 100, size=2).tolist()).effect for _ in range(200)]
    assert np.mean(drawn) < 0.004  # without the correction 0.04


def test_an_emptied_cell_is_large_and_not_infinite():
    assert 1 < psi([500, 500], [1_000, 0]).effect < 10


@pytest.mark.parametrize(("a", "b"), [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([5, 0], [7, 0])])
def test_nothing_to_compare_is_zero(a, b):
    assert (psi(a, b).index, psi(a, b).p_value) == (0.0, 1.0)


def test_the_p_value_is_uniform_between_samples_of_one_distribution():
    rng = np.random.default_rng(1)
    drawn = [psi(*rng.multinomial(3_000, [0.1] * 10, size=2).tolist()).p_value for _ in range(2_000)]
    assert kstest(drawn, "uniform").pvalue > 0.01


def test_merged_cells_keep_every_row():
    rng = np.random.default_rng(0)
    a, b = rng.multinomial(999, [1 / 128] * 128), rng.multinomial(500, [1 / 128] * 128)
    first, second = merge_cells(a.tolist(), b.tolist())
    assert (sum(first), sum(second), len(first) == len(second) <= 10) == (999, 500, True)
    assert merge_cells([0, 0], [3, 4]) == ([0], [7])
