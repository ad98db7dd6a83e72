from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile
from airflow_provider_aiguard.tables.arrays import Tally, tiles_of

COLUMN = ColumnProfile(name="x", kind=ColumnKind.NUMERIC, type="DOUBLE", edges=(-1.0, 0.0, 2.0), center=0.5)

VALUES = st.lists(
    st.floats(allow_nan=True, allow_infinity=True, width=64) | st.sampled_from([-1.0, 0.0, -0.0, 2.0, 1e140, 1e141]),
    max_size=60,
)


def counted(*chunks, nans=0):
    tally = Tally(COLUMN)
    for chunk in chunks:
        tally.add(np.array(chunk, dtype=float))
    return tally.profile(nans)


@given(VALUES, st.integers(0, 60))
def test_counts_are_those_of_a_search_value_by_value(values, at):
    found = counted(values[:at], values[at:])
    known = [x for x in values if not math.isnan(x)]
    expected = [0] * 4
    for x in known:
        expected[sum(edge < x for edge in COLUMN.edges)] += 1
    assert found.counts == tuple(expected)
    assert (found.rows, found.nulls) == (len(values), len(values) - len(known))
    finite = [x for x in known if abs(x) <= 1e140]
    assert found.finite == len(finite)
    assert (found.minimum, found.maximum) == (min(finite, default=None), max(finite, default=None))


def test_moments_are_around_the_centre():
    found = counted([1.0, 2.0], [], [4.5])
    assert (found.total, found.squares) == (6.0, 0.25 + 2.25 + 16.0)
    assert found.mean == pytest.approx(2.5)


def test_gaps_are_null_but_for_the_nan():
    found = counted([1.0, math.nan, math.nan, math.nan], nans=1)
    assert (found.nulls, found.nans, found.values) == (2, 1, 1)


def test_tiles_are_those_of_ntile():
    found = tiles_of(np.array([5.0, 1.0, 4.0, 2.0, 3.0, math.inf, math.nan]), 2)
    assert [(t.low, t.high, t.rows, t.total) for t in found] == [(1.0, 3.0, 3, 6.0), (4.0, 5.0, 2, 9.0)]
    assert tiles_of(np.array([math.nan]), 3) == []
    assert len(tiles_of(np.array([1.0, 2.0]), 5)) == 2
