"""Profiles add up: associative, commutative, counts exactly."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.profile import (
    BUCKETS,
    HOURS_OF_WEEK,
    LENGTH_EDGES,
    PATTERNS,
    ColumnKind,
    ColumnProfile,
    TableProfile,
)

EDGES = (0.0, 1.0, 2.5)
COUNT = st.integers(0, 10**12)


def numbers(values, nulls, nans):
    """A numeric column as a table's rows give it."""
    counts = [0] * (len(EDGES) + 1)
    for x in values:
        counts[sum(edge < x for edge in EDGES)] += 1
    d = [x - 0.5 for x in values]
    return ColumnProfile(
        name="x",
        kind=ColumnKind.NUMERIC,
        type="DOUBLE",
        edges=EDGES,
        center=0.5,
        rows=len(values) + nulls + nans,
        nulls=nulls,
        nans=nans,
        counts=tuple(counts),
        finite=len(values),
        total=math.fsum(d),
        squares=math.fsum(x * x for x in d),
        minimum=min(values, default=None),
        maximum=max(values, default=None),
    )


NUMBERS = st.builds(numbers, st.lists(st.floats(-1e6, 1e6), max_size=20), st.integers(0, 9), st.integers(0, 9))


@st.composite
def texts(draw):
    counts = draw(st.lists(COUNT, min_size=2, max_size=2))
    buckets = draw(st.just([]) | st.lists(COUNT, min_size=BUCKETS, max_size=BUCKETS))
    unseen = tuple(sorted(draw(st.sets(st.text(max_size=2), max_size=2)))) if buckets else ()
    nulls = draw(COUNT)
    return ColumnProfile(
        name="c",
        kind=ColumnKind.CATEGORICAL,
        type="TEXT",
        levels=("a", "b"),
        rows=sum(counts) + sum(buckets) + nulls,
        nulls=nulls,
        counts=tuple(counts),
        buckets=tuple(buckets),
        unseen=unseen,
        lengths=tuple(draw(st.lists(COUNT, min_size=len(LENGTH_EDGES) + 1, max_size=len(LENGTH_EDGES) + 1))),
        length_sum=draw(COUNT),
        length_squares=draw(COUNT),
        patterns={name: draw(COUNT) for name in PATTERNS},
        design_effects=draw(st.sampled_from([{}, {"values": 1.5, "nulls": 2.0}, {"values": 3.0}])),
    )


@st.composite
def tables(draw):
    columns = {"x": draw(NUMBERS), "c": draw(texts())}
    pairs = {("x", "y"): tuple(draw(st.lists(COUNT, min_size=4, max_size=4)))}
    return TableProfile(
        table="t",
        rows=draw(COUNT),
        columns=columns,
        sample=draw(st.sampled_from([1.0, 0.1])),
        clusters=draw(st.none() | st.integers(0, 9)),
        splits={"x": 0.0, "y": 1.0},
        pairs=pairs,
    )


def exact(profile):
    """All of a profile but what rounds."""
    plain = {"total": 0.0, "squares": 0.0}
    return replace(
        profile, sample=1.0, columns={name: replace(column, **plain) for name, column in profile.columns.items()}
    )


@given(tables(), tables(), tables())
def test_merging_is_associative_and_commutative(a, b, c):
    ways = [reduce(TableProfile.merge, order) for order in permutations((a, b, c))]
    ways += [a.merge(b.merge(c)), c.merge(b).merge(a)]
    size = sum(abs(t.columns["x"].squares) for t in (a, b, c))
    for way in ways[1:]:
        assert exact(way) == exact(ways[0])
        assert way.sample == pytest.approx(ways[0].sample, rel=1e-12)
        mine, first = way.columns["x"], ways[0].columns["x"]
        assert mine.squares == pytest.approx(first.squares, rel=1e-12)
        assert mine.total == pytest.approx(first.total, rel=1e-12, abs=1e-12 * math.sqrt(size * 60) + 1e-300)


@given(st.lists(st.floats(-1e6, 1e6), max_size=30), st.integers(0, 30))
def test_partitions_add_up(values, at):
    whole, parts = numbers(values, 3, 2), (numbers(values[:at], 1, 2), numbers(values[at:], 2, 0))
    added = parts[0].merge(parts[1])
    plain = {"total": 0.0, "squares": 0.0}
    assert replace(added, **plain) == replace(whole, **plain)
    assert added.squares == pytest.approx(whole.squares, rel=1e-12)


@given(tables())
def test_it_survives_json(profile):
    assert TableProfile.from_dict(json.loads(json.dumps(profile.to_dict(), allow_nan=False))) == profile


def test_the_first_and_last_of_the_others_stay():
    def other(*unseen):
        return ColumnProfile(name="c", kind=ColumnKind.CATEGORICAL, type="TEXT", unseen=unseen)

    assert other("b", "d").merge(other("a")).unseen == ("a", "d")
    assert other("b").merge(other("b")).unseen == ("b",)
    assert other().merge(other()).unseen == ()


@pytest.mark.parametrize(
    "changed",
    [{"edges": (0.0, 1.0)}, {"center": 0.0}, {"name": "y"}, {"kind": ColumnKind.TEMPORAL}, {"grid_values": 7}],
)
def test_another_grid_does_not_add_up(changed):
    column = numbers([1.0], 0, 0)
    with pytest.raises(ConfigurationError, match="counted on two grids"):
        column.merge(replace(column, **changed))


def test_another_split_does_not_add_up():
    with pytest.raises(ConfigurationError, match="around different medians"):
        TableProfile(table="a", rows=1, splits={"x": 1.0}).merge(TableProfile(table="b", rows=1, splits={"x": 2.0}))


# ---------------------------------------------------------------- what it says of itself


def test_the_resolution_is_the_heaviest_cell_of_many_values():
    atom = (math.nextafter(5.0, -math.inf), 5.0, 9.0)
    column = replace(numbers([], 0, 0), edges=atom, counts=(0, 80, 15, 5), rows=100)
    assert column.resolution == 0.15
    assert replace(column, counts=(0, 0, 0, 0), rows=0).resolution == 0.0
    times = ColumnProfile(name="at", kind=ColumnKind.TEMPORAL, type="DATE", counts=(5,) * HOURS_OF_WEEK, rows=840)
    assert times.resolution == 0.0


def test_distinct_values_are_known_if_all_are_levels():
    column = ColumnProfile(name="c", kind=ColumnKind.CATEGORICAL, type="TEXT", levels=("a", "b", "c"), counts=(2, 0, 1))
    assert column.distinct == 2
    assert replace(column, buckets=(1,)).distinct is None
    assert numbers([1.0], 0, 0).distinct is None


def test_moments():
    column = numbers([1.0, 2.0, 3.0], 0, 0)
    assert (column.mean, column.std) == (2.0, pytest.approx(math.sqrt(2 / 3)))
    assert numbers([], 0, 0).mean is numbers([], 0, 0).std is None
    assert numbers([1e6 + 0.1] * 3, 0, 0).std == 0.0
