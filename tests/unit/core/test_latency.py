from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.latency import LatencySummary, cell_of

durations = st.floats(0, 4_000, allow_nan=False)
calls = st.lists(st.tuples(durations, st.integers(1, 10_000)), max_size=60)


@given(durations)
def test_a_cell_is_never_too_low_and_at_most_a_tenth_too_high(seconds: float) -> None:
    edge = cell_of(seconds) / 1e6
    assert edge >= seconds - 1e-11
    assert edge <= max(seconds * 1.1, seconds + 1e-6) + 1e-11


@pytest.mark.parametrize("milliseconds", [1, 20, 50, 100, 250, 1_500])
def test_limits_of_two_digits_are_edges(milliseconds: int) -> None:
    took = LatencySummary.of([(milliseconds / 1000, 1), (milliseconds / 1000 * 1.0001, 1)])
    assert took.above(milliseconds / 1000) == (1, 1)


def test_a_limit_inside_a_cell_is_said_to_be_uncertain() -> None:
    took = LatencySummary.of([(0.0205, 1), (0.0201, 1), (0.5, 1), (0.01, 1)])
    assert took.above(0.0203) == (1, 3)


def test_round_edges_follow_the_cells_before_them() -> None:
    took = LatencySummary.of([(0.0001, 1), (0.001, 1)])
    assert took.calls == {100: 1, 1000: 1}
    assert took.above(0.000_099) == (2, 2)
    assert took.above(0.000_99) == (1, 1)


@given(calls, st.sampled_from([0.5, 0.95, 0.99]))
def test_quantiles_against_numpy(seen: list[tuple[float, int]], q: float) -> None:
    took = LatencySummary.of(seen)
    assert took.count == len(seen)
    found = took.quantile(q)
    if not seen:
        assert found is None
        return
    exact = float(np.quantile([seconds for seconds, _ in seen], q, method="inverted_cdf"))
    assert found == cell_of(exact) / 1e6


@given(calls, calls)
def test_merging_is_summarising_both(one: list[tuple[float, int]], other: list[tuple[float, int]]) -> None:
    merged, both = LatencySummary.of(one).merge(LatencySummary.of(other)), LatencySummary.of([*one, *other])
    assert (merged.calls, merged.per_row) == (both.calls, both.per_row)
    assert math.isclose(merged.seconds, both.seconds, abs_tol=1e-9)


@given(calls)
def test_summaries_round_trip(seen: list[tuple[float, int]]) -> None:
    took = LatencySummary.of(seen)
    assert LatencySummary.from_dict(json.loads(json.dumps(took.to_dict()))) == took


def test_a_row_has_its_share_of_a_call() -> None:
    took = LatencySummary.of([(0.1, 100), (0.1, 1)])
    assert took.quantile(0.5) == 0.1
    assert (took.quantile(0.5, "row"), took.quantile(1.0, "row")) == (0.001, 0.1)
    assert took.above(0.02, "row") == (1, 1)
