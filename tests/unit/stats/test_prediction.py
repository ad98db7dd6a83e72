from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kstest

from airflow_provider_aiguard.stats.prediction import predict


def drawn(rng, k, between, noise, *, current=None):
    rows = [noise] * k + [current or noise]
    values = rng.normal(size=k + 1) * between + rng.normal(size=k + 1) * np.sqrt(rows)
    points = [*zip(values.tolist(), rows, strict=True)]
    return predict(points[:-1], points[-1])


@pytest.mark.parametrize("k", [5, 8, 20])
def test_the_p_value_is_uniform_when_batches_wobble(k):
    rng = np.random.default_rng(k)
    p_values = [drawn(rng, k, 1.0, 1e-6).p_value for _ in range(4_000)]
    assert kstest(p_values, "uniform").pvalue > 0.01


@pytest.mark.parametrize("current", [0.01, 0.3, 0.0001])
def test_without_wobble_the_rows_bound_the_error(current):
    """Also if the new batch has fewer or more rows than those before it."""
    rng = np.random.default_rng(1)
    p_values = np.array([drawn(rng, 8, 0.0, 0.01, current=current).p_value for _ in range(4_000)])
    assert (p_values <= 0.05).mean() <= 0.055
    assert (p_values <= 0.001).mean() <= 0.003


def test_a_visible_shift_is_found_four_times_in_five():
    """The shift called visible depends on the wobble as it was seen, so the power is .8 on average."""
    rng, alpha, found = np.random.default_rng(2), 0.001, []
    for _ in range(3_000):
        values = rng.normal(size=8).tolist()
        batches = [(value, 1e-9) for value in values]
        known = predict(batches, (0.0, 1e-9)).detectable(alpha)
        scale = float(np.std(values, ddof=1))
        new = rng.normal() + known / scale
        found.append(predict(batches, (new, 1e-9)).p_value <= alpha)
    assert 0.7 <= np.mean(found) <= 0.95


def test_the_wobble_is_what_rows_do_not_explain():
    batches = [(0.0, 0.02), (0.4, 0.02), (-0.4, 0.02), (0.2, 0.02), (-0.2, 0.02)]
    assert predict(batches, (0.0, 0.02)).between == pytest.approx(math.sqrt(0.1 - 0.02))
    assert predict([(y, 1.0) for y, _ in batches], (0.0, 1.0)).between == 0.0


def test_too_few_batches_see_nothing():
    result = predict([(0.0, 0.1)], (9.0, 0.1))
    assert (result.p_value, result.detectable(0.05)) == (1.0, math.inf)


def test_what_never_varied_is_certain():
    assert predict([(1.0, 0.0)] * 5, (1.0, 0.0)).p_value == 1.0
    assert predict([(1.0, 0.0)] * 5, (2.0, 0.0)).p_value == 0.0


def test_batches_that_agree_by_luck_leave_the_rows_their_chance():
    """Five batches of one value: without the rows' own variance the next one would be an alarm, however near."""
    result = predict([(0.0, 0.01)] * 5, (0.1, 0.01))
    assert result.error == pytest.approx(math.sqrt(0.01 * 1.2))
    assert result.p_value > 0.3


def test_the_effect_is_without_what_the_rows_add():
    batches = [(0.0, 0.05), (1.0, 0.05), (-1.0, 0.05), (0.5, 0.05), (-0.5, 0.05)]
    assert predict(batches, (2.0, 0.3)).effect == pytest.approx(math.sqrt(4 - 0.3 - 0.05 / 5))
    assert predict(batches, (0.5, 0.3)).effect == 0.0
