from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile
from airflow_provider_aiguard.guards.distribution import CELLS, LEVELS, distributions


def numeric(values, edges):
    values = np.asarray(values, dtype=float)
    counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
    return ColumnProfile(
        name="x", kind=ColumnKind.NUMERIC, type="DOUBLE", edges=tuple(edges), rows=len(values),
        counts=tuple(map(int, counts)), minimum=float(values.min()), maximum=float(values.max()), finite=len(values),
    )  # fmt: skip


def named(kind, counts, *, name="c", **more):
    return ColumnProfile(
        name=name, kind=kind, type="TEXT", rows=sum(counts) + sum(more.get("buckets", ())), counts=tuple(counts), **more
    )


def drawn(before, after):
    tables = [TableProfile(table="t", rows=c.rows, columns={c.name: c}) for c in (before, after)]
    found = distributions(*tables)
    return found[0] if found else None


def test_a_reference_without_a_finite_value_is_one_bar():
    infinite = ColumnProfile(name="x", kind=ColumnKind.NUMERIC, type="DOUBLE", rows=9, counts=(9,))
    found = drawn(infinite, infinite)
    assert (found.labels, found.reference, found.current) == (("no finite value",), (1.0,), (1.0,))


def test_numbers_are_drawn_as_a_histogram_of_the_rows_would_be():
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=50_000), rng.normal(0.5, 1, size=50_000)
    edges = np.quantile(before, np.arange(1, 1024) / 1024)
    found = drawn(numeric(before, edges), numeric(after, edges))
    assert len(found.labels) == CELLS + 2
    for values, shares in ((before, found.reference), (after, found.current)):
        exact = np.histogram(values, bins=[-math.inf, *found.borders[1:-1], math.inf])[0] / 50_000
        assert np.abs(np.array(shares) - exact).max() < 0.002
    assert found.borders[0] == min(before.min(), after.min())
    assert found.borders[-1] == max(before.max(), after.max())


@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=50),
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50),
    st.lists(st.floats(-10, 10), min_size=1, max_size=8, unique=True),
)
def test_shares_of_any_numbers_add_up(before, after, edges):
    found = drawn(numeric(before, sorted(edges)), numeric(after, sorted(edges)))
    for shares in (found.reference, found.current):
        assert math.fsum(shares) == pytest.approx(1)
        assert min(shares) >= 0
    assert list(found.borders) == sorted(found.borders)
    assert not found.borders or len(found.borders) == len(found.labels) + 1


def test_a_constant_is_one_cell():
    edges = [math.nextafter(3.0, -math.inf), 3.0]
    found = drawn(numeric([3.0] * 5, edges), numeric([3.0] * 9, edges))
    assert (found.labels, found.reference, found.current) == (("3",), (1.0,), (1.0,))
    found = drawn(numeric([3.0] * 5, [2.5, 3.5]), numeric([3.0] * 9, [2.5, 3.5]))
    assert (found.labels, found.reference, found.current) == (("3 to 3",), (1.0,), (1.0,))


def test_few_values_are_drawn_one_by_one():
    edges = sorted({edge for hour in (5, 7, 9) for edge in (math.nextafter(hour, -math.inf), float(hour))})
    found = drawn(numeric([5, 5, 9, 9], edges), numeric([5, 7, 7, 9], edges))
    assert (found.labels, found.borders) == (("5", "7", "9"), ())
    assert (found.reference, found.current) == ((0.5, 0, 0.5), (0.25, 0.5, 0.25))
    assert drawn(numeric([5, 9], edges), numeric([5, 8], edges)).borders


def test_the_frequent_categories_and_those_that_moved_are_named():
    levels = tuple(f"l{i}" for i in range(LEVELS + 3))
    before = named(ColumnKind.CATEGORICAL, [100] * (LEVELS + 2) + [0], levels=levels, buckets=(0, 0))
    after = named(ColumnKind.CATEGORICAL, [10] * (LEVELS + 2) + [500], levels=levels, buckets=(5, 5))
    found = drawn(before, after)
    assert found.labels == (*levels[: LEVELS - 1], f"l{LEVELS + 2}", "3 more", "rare or unseen")
    assert found.labels[found.together] == "3 more"
    assert math.fsum(found.reference) == pytest.approx(1)
    assert found.current[-1] == pytest.approx(10 / 650)
    assert found.borders == ()


def test_a_rare_category_that_moved_is_named():
    levels = tuple(f"l{i}" for i in range(40))
    counts = [100 - i for i in range(40)]
    before = named(ColumnKind.CATEGORICAL, counts, levels=levels)
    after = named(ColumnKind.CATEGORICAL, [*counts[:35], 5, *counts[36:]], levels=levels)
    assert "l35" in drawn(before, after).labels
    assert "l20" not in drawn(before, after).labels


def test_times_are_drawn_by_hour_and_dates_by_weekday():
    counts = [0] * 168
    counts[5], counts[24 + 5] = 3, 1
    clock = named(ColumnKind.TEMPORAL, counts)
    found = drawn(clock, clock)
    assert found.labels[5] == "05:00"
    assert found.reference[5] == 1.0
    days = [0] * 168
    days[0], days[6 * 24] = 3, 1
    found = drawn(named(ColumnKind.TEMPORAL, days), named(ColumnKind.TEMPORAL, days))
    assert dict(zip(found.labels, found.reference, strict=True))["Sun"] == 0.25


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (named(ColumnKind.CATEGORICAL, [1], levels=("a",)), named(ColumnKind.CATEGORICAL, [1], levels=("b",))),
        (named(ColumnKind.CATEGORICAL, [1], levels=("a",)), named(ColumnKind.CATEGORICAL, [0], levels=("a",))),
        (named(ColumnKind.SKIPPED, []), named(ColumnKind.SKIPPED, [])),
        (named(ColumnKind.CATEGORICAL, [1], levels=("a",)), named(ColumnKind.CATEGORICAL, [1], name="other")),
    ],
)
def test_what_cannot_be_compared_is_not_drawn(before, after):
    assert drawn(before, after) is None


def test_few_categories_are_none_together():
    few = named(ColumnKind.CATEGORICAL, [5, 4], levels=("a", "b"))
    assert drawn(few, few).together is None
