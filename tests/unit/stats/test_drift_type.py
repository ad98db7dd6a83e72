from __future__ import annotations

import itertools

import numpy as np
import pytest

from airflow_provider_aiguard.core.concept import DriftType
from airflow_provider_aiguard.stats.drift_type import (
    MAX_RUNS,
    MIN_DWELL,
    MIN_WIDTH,
    _places,
    drift_type,
    fit_shapes,
    probabilities,
)

N = 400


def series(share):
    """Errors by run: a tenth wrong at the old level, a fifth at the new one, and a little chance."""
    chance = np.random.default_rng(4).normal(size=len(share))
    rate = 0.1 + 0.1 * np.asarray(share, dtype=float)
    return np.round(N * rate + chance * np.sqrt(N * rate * (1 - rate))).astype(int).tolist()


RAMP = np.clip((np.arange(120) - 40) / 40, 0, 1)
SHAPES = {
    DriftType.ABRUPT: np.arange(120) >= 50,
    DriftType.INCREMENTAL: RAMP,
    DriftType.GRADUAL: np.random.default_rng(7).random(120) < RAMP,
    DriftType.RECURRING: (np.arange(120) >= 40) & (np.arange(120) < 80),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_each_shape_is_named(kind):
    found = drift_type(series(SHAPES[kind]), [N] * 120)
    assert (found.type, found.settled) == (kind, True)
    assert found.probability == max(found.probabilities.values()) > 0.9
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert set(found.probabilities) == set(DriftType)


@pytest.mark.parametrize(
    ("kind", "start", "end"),
    [(DriftType.ABRUPT, 50, 50), (DriftType.INCREMENTAL, 40, 80), (DriftType.RECURRING, 40, 80)],
)
def test_where_the_transition_lies(kind, start, end):
    found = drift_type(series(SHAPES[kind]), [N] * 120)
    assert found.start == pytest.approx(start, abs=5)
    assert found.end == pytest.approx(end, abs=8)


def test_a_transition_that_goes_on_is_not_settled():
    assert not drift_type(series(RAMP[:70]), [N] * 70).settled
    step = series(np.arange(30) >= 30 - MIN_DWELL)
    assert drift_type(step, [N] * 30).settled
    assert not drift_type(step[:-1], [N] * 29).settled


def test_a_short_ramp_is_abrupt():
    short = np.clip((np.arange(100) - 50 + 1) / (MIN_WIDTH // 2), 0, 1)
    assert drift_type(series(short), [N] * 100).type is DriftType.ABRUPT


def test_a_fall_is_typed_like_a_rise():
    found = drift_type(series(1 - RAMP), [N] * 120)
    assert found.type is DriftType.INCREMENTAL


def test_many_runs_are_cut_and_positions_are_of_the_whole_series():
    for at in (30, MAX_RUNS + 50, 2 * MAX_RUNS + 170):
        share = np.arange(2 * MAX_RUNS + 200) >= at
        found = drift_type(series(share), [N] * len(share), around=at + 3)
        assert (found.type, found.start, found.settled) == (DriftType.ABRUPT, at, True)


@pytest.mark.parametrize("errors", [[0] * 12, [N] * 12, [0, N] * 6, list(range(12)), [0] * 11 + [N]])
def test_odd_series_have_an_answer(errors):
    with np.errstate(all="raise", under="ignore"):
        found = drift_type(errors, [N] * 12)
    assert 0 < found.probability <= 1


def test_switches_are_placed_best():
    """Against trying every pair of places."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        cost = np.pad(np.cumsum(rng.random((2, 30)), axis=1), ((0, 0), (1, 0)))
        starts = [0, *range(MIN_DWELL, 30)]
        pairs = [(a, b) for a, b in itertools.combinations(starts, 2) if min(a, b - a, 30 - b) >= MIN_DWELL]
        best = min(pairs, key=lambda p: cost[0, p[0]] + cost[1, p[1]] - cost[1, p[0]] + cost[0, 30] - cost[0, p[1]])
        assert _places(cost, 2) == list(best)
    assert _places(np.zeros((2, 3 * MIN_DWELL)), 2) == []


def test_sureness_grows_with_the_criterion():
    near = probabilities({DriftType.ABRUPT: 10.0, DriftType.RECURRING: 11.0})
    far = probabilities({DriftType.ABRUPT: 10.0, DriftType.RECURRING: 30.0})
    assert 0.5 < near[DriftType.ABRUPT] < far[DriftType.ABRUPT] < 1


def test_all_shapes_are_fitted():
    fits = fit_shapes(series(RAMP), [N] * 120)
    assert set(fits) == set(DriftType)
    assert all(0 < fit.start <= fit.end for fit in fits.values())
