"""Whatever two profiles hold, the guard answers: no error, and no pass where there are no rows."""

from __future__ import annotations

import copy
import math

import pytest
from channel_samples import N, number, table, text, times
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.drift import METHODS, DriftLimits
from airflow_provider_aiguard.core.profile import (
    BUCKETS,
    HOURS_OF_WEEK,
    LENGTH_EDGES,
    ColumnKind,
    ColumnProfile,
    TableProfile,
)
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.guards import drift, trailing

COUNT = st.integers(0, 3) | st.integers(0, 10**9)
EDGE = st.floats(-1e140, 1e140) | st.integers(-5, 5).map(float)
FACTOR = st.none() | st.floats(0, 1e6)


def counts(draw, n):
    return tuple(draw(st.lists(COUNT, min_size=n, max_size=n)))


@st.composite
def grids(draw):
    """A column before anything is counted."""
    kind = draw(st.sampled_from([ColumnKind.NUMERIC, ColumnKind.CATEGORICAL, ColumnKind.TEMPORAL, ColumnKind.SKIPPED]))
    edges = sorted(draw(st.sets(EDGE, max_size=6))) if kind is ColumnKind.NUMERIC else []
    levels = sorted(draw(st.sets(st.text(max_size=3), max_size=5))) if kind is ColumnKind.CATEGORICAL else []
    return ColumnProfile(
        name="x",
        kind=kind,
        type="T",
        edges=tuple(edges),
        center=edges[0] if edges else 0.0,
        levels=tuple(levels),
        cutoff=draw(st.integers(1, 5)),
        tail=draw(COUNT),
        tail_next=draw(COUNT),
        grid_values=draw(COUNT),
    )


@st.composite
def columns(draw, grid):
    """Counts on it, as odd as they come."""
    cells = {ColumnKind.NUMERIC: len(grid.edges) + 1, ColumnKind.CATEGORICAL: len(grid.levels)}
    cells |= {ColumnKind.TEMPORAL: HOURS_OF_WEEK, ColumnKind.SKIPPED: 0}
    filled = (0,) * HOURS_OF_WEEK if grid.kind is ColumnKind.TEMPORAL else counts(draw, cells[grid.kind])
    buckets = counts(draw, draw(st.sampled_from([0, 1, BUCKETS]))) if grid.kind is ColumnKind.CATEGORICAL else ()
    nulls, nans = draw(COUNT), draw(st.sampled_from([0, 0, 7]))
    values = sum(filled) + sum(buckets)
    finite = draw(st.integers(0, values)) if grid.kind is ColumnKind.NUMERIC else 0
    low, high = sorted((draw(EDGE), draw(EDGE)))
    factors = {part: e for part in ("values", "nulls") if (e := draw(FACTOR)) is not None}
    return ColumnProfile(
        **{part: getattr(grid, part) for part in ("name", "type", "kind", "edges", "center", "levels")},
        cutoff=grid.cutoff,
        tail=grid.tail,
        tail_next=grid.tail_next,
        grid_values=grid.grid_values,
        learnt=draw(st.booleans()),
        rows=values + nulls + nans,
        nulls=nulls,
        nans=nans,
        counts=filled,
        buckets=buckets,
        unseen=draw(st.sampled_from([(), ("HA",), ("A", "B")])),
        finite=finite,
        total=draw(EDGE) if finite else 0.0,
        squares=draw(st.floats(0, 1e280)) if finite else 0.0,
        minimum=low if finite else None,
        maximum=high if finite else None,
        lengths=counts(draw, draw(st.sampled_from([0, len(LENGTH_EDGES) + 1]))),
        design_effects=factors,
    )


@st.composite
def tables(draw, grid):
    column = draw(columns(grid)) if draw(st.integers(0, 9)) else draw(columns(draw(grids())))
    pairs = {("x", "x"): counts(draw, 4)} if draw(st.booleans()) else {}
    return TableProfile(
        table="t",
        rows=draw(st.sampled_from([column.rows, column.rows, 0])),
        columns={"x": column} if draw(st.integers(0, 9)) else {},
        sample=draw(st.sampled_from([1.0, 0.1])),
        clusters=draw(st.sampled_from([None, None, 0, 1, 2, 20, 5_000])),
        pairs=pairs,
    )


limits = st.builds(
    DriftLimits,
    alpha=st.sampled_from([0.05, 1e-12, 0.999]),
    columns=st.sampled_from([(), ("x",), ("x", "y")]),
    methods=st.dictionaries(st.sampled_from(["*", "x"]), st.lists(st.sampled_from(METHODS), min_size=1), max_size=2),
    design_effect=st.sampled_from([1.0, 3.7, 1e9]),
    show_levels=st.booleans(),
)


def answered(checks, *sides):
    found = Verdict(guard="drift", subject="t", checks=tuple(checks))
    if any(not side.rows for side in sides):
        assert found.outcome is not Outcome.PASS
    assert checks
    for check in checks:
        assert check.message
        assert "nan" not in check.message.replace("nans", "").replace("NaNs", "").split()
        numbers = [check.value, check.limit, *(check.detail or {}).values()]
        assert all(math.isfinite(n) for n in numbers if isinstance(n, float)), check


@pytest.mark.filterwarnings("error")
@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_two_profiles_always_get_an_answer(data):
    grid = data.draw(grids())
    reference, current = data.draw(tables(grid)), data.draw(tables(grid))
    answered(drift.evaluate(reference, current, data.draw(limits)), reference, current)


@pytest.mark.filterwarnings("error")
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_batches_always_get_an_answer(data):
    grid = data.draw(grids())
    batches = [data.draw(tables(grid)) for _ in range(data.draw(st.sampled_from([0, 2, 5, 6])))]
    current = data.draw(tables(grid))
    answered(trailing.evaluate(batches, current, data.draw(limits)), current)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 1}, "The profile is of version 1; this release reads version 2"),
        ({"rows": -5}, "column 'x' cannot be one: rows is -5"),
        ({"nulls": 7}, "column 'x' cannot be one: its counts add up to 17 rows, not to 10"),
    ],
)
def test_a_forged_reference_is_refused_by_name(change, message):
    column = ColumnProfile(name="x", kind=ColumnKind.NUMERIC, type="T", edges=(0.0,), rows=10, counts=(4, 6))
    data = TableProfile(table="t", rows=10, columns={"x": column}).to_dict()
    if "version" in change:
        data |= change
    else:
        data["columns"][0] |= change
    with pytest.raises(ConfigurationError, match=message):
        TableProfile.from_dict(data)


JUNK = ["gone", None, "x", "9", -1, 1.5, True, [], {}, [1], {"a": 1}, math.nan, math.inf, 10**400]


def stored():
    """A profile of every kind of column, with a pair."""
    columns = [
        number((1_000, 8_000, 1_000), edges=(-1.0, 1.0)),
        text(learnt=True, lengths=(N, *(0,) * len(LENGTH_EDGES)), patterns={"upper": N}),
        times((N, *(0,) * (HOURS_OF_WEEK - 1)), design_effects={"values": 2.0}),
        ColumnProfile(name="doc", kind=ColumnKind.SKIPPED, type="JSON", rows=N, reason="no"),
    ]
    return table(*columns, pairs={("x", "y"): (1, 2, 3, 4)}, splits={"x": 0.0})


def places(data, path=()):
    """Where something can be forged: each field, and the first of each list."""
    items = data.items() if isinstance(data, dict) else list(enumerate(data))[: 4 if path == ("columns",) else 1]
    for key, held in items:
        yield (*path, key)
        if isinstance(held, dict | list):
            yield from places(held, (*path, key))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("place", [*places(stored().to_dict())], ids=str)
def test_whatever_is_forged_in_a_stored_profile_there_is_an_answer(place):
    """Refused by name, or judged like any other profile: never an error of another kind."""
    for junk in JUNK:
        data = copy.deepcopy(stored().to_dict())
        *above, key = place
        holder = data
        for step in above:
            holder = holder[step]
        if junk == "gone":
            del holder[key]
        else:
            holder[key] = junk
        try:
            reference = TableProfile.from_dict(data)
        except ConfigurationError as error:
            assert "The stored profile of " in str(error) or "The profile is of version" in str(error)  # noqa: PT017
        else:
            answered(drift.evaluate(reference, stored()), reference)
