from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile
from airflow_provider_aiguard.tables.arrays import Tally, tiles_of
from airflow_provider_aiguard.tables.grid import TILES, Tile, learnt, shortest, tiles_for

COLUMN = ColumnProfile(name="x", kind=ColumnKind.NUMERIC, type="DOUBLE")

NUMBERS = st.lists(st.floats(-1e140, 1e140) | st.integers(-3, 3).map(float), min_size=1, max_size=200)


def grid_of(values, tiles=None):
    values = np.array(values, dtype=float)
    return learnt(COLUMN, tiles_of(values, tiles or tiles_for(len(values))))


@given(NUMBERS)
def test_edges_ascend_and_nothing_of_the_sample_lies_outside(values):
    column = grid_of(values)
    assert all(a < b for a, b in pairwise(column.edges))
    assert all(math.isfinite(edge) for edge in column.edges)
    assert column.edges[0] < min(values) <= max(values) <= column.edges[-1]
    assert column.grid_values == len(values)


@given(NUMBERS)
def test_no_cell_of_several_values_holds_more_than_two_tiles(values):
    column = grid_of(values)
    tally = Tally(column)
    tally.add(np.array(values, dtype=float))
    counted = tally.profile(0)
    longest = -(-len(values) // tiles_for(len(values)))
    assert round(counted.resolution * len(values)) <= 2 * longest


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_the_shortest_decimal_lies_between(a, b):
    low, high = sorted((a, b))
    found = shortest(low, high)
    assert low <= found < high or found == low == high


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.123456, 0.129, 0.124), (-3.7, 2.0, 0.0), (1e-300, 1e300, 1e299), (99.5, 100.5, 100.0), (5.0, 5.0, 5.0)],
)
def test_it_is_short(low, high, expected):
    found = shortest(low, high)
    assert found == expected or len(repr(found)) <= len(repr(expected))


def test_a_value_that_fills_a_tile_has_a_cell_of_its_own():
    column = grid_of([0.1] * 8 + [0.2, 0.3, 0.4, 0.5], 3)
    assert 0.1 in column.edges
    assert math.nextafter(0.1, -math.inf) in column.edges


def test_a_single_row_has_no_heavy_value_but_cells_on_both_sides():
    column = learnt(COLUMN, [Tile(5.0, 5.0, 1, 5.0)])
    assert column.edges == (math.nextafter(5.0, -math.inf), 5.0)
    assert learnt(COLUMN, []) == COLUMN


def test_a_million_rows_take_1024_tiles():
    assert tiles_for(10**6) == TILES
