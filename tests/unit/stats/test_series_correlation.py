"""Two series: what they share, which leads, and what no interval can be given for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from airflow_provider_aiguard.stats.series_correlation import SHORTEST, series_correlation


def walk(n, seed):
    return np.cumsum(np.random.default_rng(seed).standard_normal(n))


def test_the_same_series_is_found_to_be_so() -> None:
    series = walk(40, 1)
    found = series_correlation(series, 3 * series + 7)
    assert found is not None
    assert found.correlation == pytest.approx(1)
    assert found.low > 0.999
    opposite = series_correlation(series, -series)
    assert opposite is not None
    assert opposite.high < -0.999


def test_two_walks_that_look_alike_are_not_taken_for_related() -> None:
    alike = [s for s in range(40) if abs(np.corrcoef(walk(30, s), walk(30, s + 500))[0, 1]) > 0.7]
    assert len(alike) >= 5
    found = [series_correlation(walk(30, s), walk(30, s + 500)) for s in alike]
    assert sum(f is not None and f.low <= 0 <= f.high for f in found) >= len(alike) - 1


@pytest.mark.parametrize("lead", [0, 1, 3])
def test_the_lead_is_found(lead: int) -> None:
    series = walk(60, 5)
    late = np.concatenate([np.zeros(lead), series[: len(series) - lead]]) + 0.2 * walk(60, 6)
    found = series_correlation(series, late, max_lead=4)
    assert found is not None
    assert found.lead == lead
    assert found.low > 0.5


def test_searching_leads_widens_the_interval() -> None:
    x, y = walk(40, 7), walk(40, 8)
    one, many = series_correlation(x, y), series_correlation(x, y, max_lead=5)
    assert one is not None
    assert many is not None
    assert many.high > one.high


@pytest.mark.parametrize("other", [[1.0] * 20, [float("nan"), *range(19)], [float("inf"), *range(19)]])
def test_no_variance_and_no_number_have_no_correlation(other: list[float]) -> None:
    assert series_correlation(list(range(20)), other) is None


def test_short_series_have_no_interval() -> None:
    rng = np.random.default_rng(0)
    assert series_correlation(rng.random(SHORTEST - 1), rng.random(SHORTEST - 1)) is None
    assert series_correlation(rng.random(SHORTEST), rng.random(SHORTEST), max_lead=1) is None
    found = series_correlation(rng.random(SHORTEST), rng.random(SHORTEST))
    assert found is not None
    assert -1 <= found.low < found.high <= 1


def test_a_straight_line_leaves_no_surprise() -> None:
    found = series_correlation(range(20), walk(20, 1))
    assert found is not None
    assert found.low < 0 < found.high


def test_the_interval_pays_for_what_was_taken_off():
    """A point for the step before, three for Fisher's z, one for each of two regressors; the leads share alpha."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 25))
    for max_lead, level in ((0, 0.05), (2, 1 - 0.95 ** (1 / 3))):
        found = series_correlation(x, y, max_lead=max_lead)
        reach = np.arctanh(found.high) - np.arctanh(found.correlation)
        n = 24 - found.lead
        assert reach == pytest.approx(stats.t.ppf(1 - level / 2, n - 4) / (n - 5) ** 0.5)
