from __future__ import annotations

import pytest
from scipy.stats import fisher_exact

from airflow_provider_aiguard.stats import proportions
from airflow_provider_aiguard.stats.proportions import more_in_second, two_proportions


@pytest.mark.parametrize(
    ("k", "n", "l", "m"), [(0, 10, 5, 10), (20, 1_000, 40, 900), (990, 1_000, 890, 900), (3, 5, 3, 5)]
)
def test_one_side_is_fishers_exact_test(k, n, l, m):  # noqa: E741
    exact = fisher_exact([[l, m - l], [k, n - k]], alternative="greater").pvalue
    assert more_in_second(k, n, l, m) == pytest.approx(exact)


@pytest.mark.parametrize(("k", "l"), [(20_000, 20_500), (500_000, 501_500), (980_000, 980_500)])
def test_the_normal_tail_agrees_where_it_stands_in(monkeypatch, k, l):  # noqa: E741
    quick = more_in_second(k, 1_000_000, l, 1_000_000)
    monkeypatch.setattr(proportions, "NORMAL_FROM", float("inf"))
    assert quick == pytest.approx(more_in_second(k, 1_000_000, l, 1_000_000), rel=0.02)


def test_two_sides_are_symmetric_and_never_above_one():
    assert two_proportions(20, 1_000, 40, 900) == pytest.approx(two_proportions(40, 900, 20, 1_000))
    assert two_proportions(5, 10, 5, 10) == 1.0
    assert two_proportions(3, 4, 0, 0) == 1.0
