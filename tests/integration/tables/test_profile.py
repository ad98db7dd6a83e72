"""Profiles by SQL against an exact numpy oracle, on three engines."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ConfigurationError, TableNotFoundError
from airflow_provider_aiguard.core.profile import ColumnKind, TableProfile
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.guards.drift import evaluate
from airflow_provider_aiguard.tables.grid import ROWS_IN_TILE
from airflow_provider_aiguard.tables.profile import profile_table

HOSTILE = ("\"drop\"; 'select'", 'we"ird', "naïve ☂", "a b", "per%cent", "co:lon", "select", "at")


def fill(engine, name, columns, rows):
    """Create a table and insert rows (dicts)."""
    made = (sa.Column(sa.quoted_name(c, quote=True), kind) for c, kind in columns.items())
    table = sa.Table(name, sa.MetaData(), *made)
    with engine.begin() as conn:
        table.create(conn)
        for start in range(0, len(rows), 100):
            conn.execute(sa.insert(table).values(rows[start : start + 100]))


def profile(engine, table, columns=None, **options):
    with engine.connect() as conn:
        return profile_table(conn, table, columns, **options)


def oracle(edges, values):
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    return tuple(counts.tolist())


SHAPES = {
    "normal": lambda rng, n: rng.normal(50, 10, n),
    "lognormal": lambda rng, n: rng.lognormal(0, 2, n),
    "one heavy value": lambda rng, n: np.where(rng.random(n) < 0.95, 0.1 + 0.2, rng.normal(size=n)),
    "integers": lambda rng, n: rng.integers(0, 24, n).astype(float),
    "constant": lambda rng, n: np.full(n, 0.1),
    "huge": lambda rng, n: rng.normal(size=n) * 1e120,
    "infinite": lambda rng, n: np.where(rng.random(n) < 0.1, math.inf, rng.normal(size=n)),
}


@pytest.fixture
def shapes(engine):
    rng = np.random.default_rng(1)
    data = {name: make(rng, 1_500) for name, make in SHAPES.items()}
    later = {name: make(rng, 800) * 1.1 for name, make in SHAPES.items()}
    for table, columns in (("before", data), ("after", later)):
        rows = [dict(zip(columns, map(float, row), strict=True)) for row in zip(*columns.values(), strict=True)]
        fill(engine, table, dict.fromkeys(columns, sa.Double()), rows)
    return data, later


def test_numbers_are_counted_as_numpy_counts_them(engine, shapes):
    reference = profile(engine, Table("before"))
    current = profile(engine, Table("after"), reference=reference)
    for data, found in zip(shapes, (reference, current), strict=True):
        for name, values in data.items():
            column = found.columns[name]
            assert column.edges == reference.columns[name].edges
            assert column.counts == oracle(column.edges, values), name
            assert (column.rows, column.nulls, column.nans) == (len(values), 0, 0)
            finite = values[np.isfinite(values)]
            assert (column.minimum, column.maximum) == (finite.min(), finite.max())
            assert column.mean == pytest.approx(finite.mean(), rel=1e-12, abs=1e-12 * finite.std())
            assert column.std == pytest.approx(finite.std(), rel=1e-9, abs=1e-12)


def test_cells_have_equal_mass_and_heavy_values_their_own(engine, shapes):
    columns = profile(engine, Table("before")).columns
    assert max(columns["normal"].counts) <= 2 * ROWS_IN_TILE
    assert columns["normal"].resolution <= 2 * ROWS_IN_TILE / 1_500
    heavy = columns["one heavy value"]
    value = 0.1 + 0.2
    assert value in heavy.edges
    assert heavy.counts[heavy.edges.index(value)] == (shapes[0]["one heavy value"] == value).sum()
    assert columns["constant"].counts == (0, 1_500, 0)
    for column in columns.values():
        # Nothing in the reference lies below its lowest value or above its highest; infinities do.
        assert column.counts[0] == 0
        assert column.counts[-1] == (np.isinf(shapes[0][column.name]).sum())
        assert column.learnt


def test_a_profile_survives_json_and_takes_a_few_kilobytes_a_column(engine, shapes):
    found = profile(engine, Table("before"))
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert TableProfile.from_dict(json.loads(text)) == found
    assert len(text) / len(found.columns) < 6_000


def test_null_and_nan_are_told_apart_where_the_database_does(engine):
    rows = [{"x": x} for x in (1.0, None, math.nan, None, 2.0)]
    fill(engine, "t", {"x": sa.Double()}, rows)
    column = profile(engine, Table("t")).columns["x"]
    stored_as_null = engine.dialect.name == "sqlite"
    assert (column.nulls, column.nans) == ((3, 0) if stored_as_null else (2, 1))
    assert column.values == sum(column.counts) == 2
    assert column.mean == 1.5


def test_columns_without_a_value_and_tables_without_a_row(engine):
    fill(engine, "t", {"x": sa.Double(), "c": sa.Text(), "k": sa.Integer()}, [{"x": None, "c": None, "k": 1}] * 3)
    found = profile(engine, Table("t"), ["x", "c"])
    assert [c.nulls for c in found.columns.values()] == [3, 3]
    assert (found.columns["x"].mean, found.columns["x"].std, found.columns["x"].minimum) == (None, None, None)
    assert found.columns["c"].levels == ()
    empty = profile(engine, Table("t", where="k > :k", parameters={"k": 5}), ["x", "c"], reference=found)
    assert (empty.rows, empty.columns["x"].rows, empty.columns["c"].nulls) == (0, 0, 0)


def test_texts_booleans_integers_and_decimals(engine):
    texts = ["UA"] * 5 + ["AA"] * 3 + ["it's 100 % \\ ☂"] * 2 + [None]
    kinds = {"c": sa.Text(), "b": sa.Boolean(), "i": sa.BigInteger(), "d": sa.Numeric(12, 2)}
    rows = [{"c": c, "b": None if i == 0 else i % 3 == 0, "i": i - 5, "d": i} for i, c in enumerate(texts)]
    fill(engine, "t", kinds, rows)
    reference = profile(engine, Table("t"))
    found = reference.columns
    assert found["c"].levels == ("UA", "AA", "it's 100 % \\ ☂")
    assert (found["c"].counts, found["c"].other, found["c"].nulls) == ((5, 3, 2), 0, 1)
    assert (found["b"].levels, found["b"].counts, found["b"].nulls) == (("false", "true"), (7, 3), 1)
    assert (found["i"].minimum, found["i"].maximum, found["i"].mean) == (-5, 5, 0)
    assert (found["d"].kind, found["d"].mean) == (ColumnKind.NUMERIC, 5)
    texts = ["UA", "HA", "ZZ", "HA"] + [None] * 7
    fill(engine, "u", kinds, [{**row, "c": c} for row, c in zip(rows, texts, strict=True)])
    later = profile(engine, Table("u"), reference=reference).columns["c"]
    assert (later.levels, later.counts, later.other, later.nulls) == (found["c"].levels, (1, 0, 0), 3, 7)
    assert later.unseen == ("HA", "ZZ")


def test_levels_stop_where_there_are_too_many(engine):
    counts = {f"v{i}": 1 + i // 50 for i in range(400)}  # 50 values for each of 1 to 8 occurrences
    fill(engine, "t", {"c": sa.Text()}, [{"c": v} for v, n in counts.items() for _ in range(n)])
    column = profile(engine, Table("t")).columns["c"]
    assert (len(column.levels), column.cutoff) == (200, 5)
    assert column.other == 50 * (1 + 2 + 3 + 4)
    assert (column.tail, column.tail_next) == (50 * (1 + 2 + 3 + 4 + 5), 50)
    assert min(column.counts) == 5


def test_long_texts_are_cut(engine):
    long = "x" * 150
    fill(engine, "t", {"c": sa.Text()}, [{"c": long}, {"c": long + "y"}, {"c": "z"}])
    assert profile(engine, Table("t")).columns["c"].levels == ("x" * 100, "z")


def test_hostile_names(engine):
    for name in HOSTILE:
        number, text = name, f"{name} text"
        rows = [{number: float(i), text: "abc"[i % 3]} for i in range(30)]
        fill(engine, sa.quoted_name(name, quote=True), {number: sa.Double(), text: sa.Text()}, rows)
        reference = profile(engine, Table(name))
        assert profile(engine, Table(name), reference=reference).columns[text].counts == (10, 10, 10)
        assert reference.columns[number].mean == 14.5


def test_only_the_rows_meant_are_counted(engine):
    fill(engine, "t", {"m": sa.Integer(), "x": sa.Double()}, [{"m": i % 3, "x": float(i)} for i in range(30)])
    reference = profile(engine, Table("t", where="m = :m", parameters={"m": 1}), ["x"])
    current = profile(engine, Table("t", where="m = :m", parameters={"m": 2}), reference=reference)
    assert (reference.rows, reference.columns["x"].minimum) == (10, 1)
    assert (current.rows, current.columns["x"].minimum, list(current.columns)) == (10, 2, ["x"])


def test_what_is_profiled_without_being_named(engine):
    columns = {"id": sa.Integer(), "late": sa.Boolean(), "late__confidence": sa.Double(), "late__run": sa.Text()}
    fill(engine, "t", columns, [{"id": 1, "late": True, "late__confidence": 0.5, "late__run": "r"}])
    assert list(profile(engine, Table("t", key="id")).columns) == ["late", "late__confidence"]
    assert list(profile(engine, Table("t", key="id"), ["id"]).columns) == ["id"]


def test_what_cannot_be_compared_says_why(engine):
    fill(engine, "t", {"x": sa.Double(), "picture": sa.LargeBinary()}, [{"x": 1.0, "picture": b"1"}])
    reference = profile(engine, Table("t"))
    assert reference.columns["picture"].kind is ColumnKind.SKIPPED
    assert "are not compared" in reference.columns["picture"].reason
    assert reference.columns["picture"].rows == 1
    only = profile(engine, Table("t"), ["picture"])
    assert (only.rows, only.columns["picture"].kind) == (1, ColumnKind.SKIPPED)
    fill(engine, "u", {"x": sa.Text()}, [{"x": "one"}])
    changed = profile(engine, Table("u"), reference=reference)
    assert changed.columns["x"].reason.startswith("it was numeric")
    assert changed.columns["picture"].reason == "the table no longer has the column"


def test_what_is_not_there_is_an_error(engine):
    fill(engine, "t", {"x": sa.Double()}, [{"x": 1.0}])
    with pytest.raises(TableNotFoundError, match="'y'"):
        profile(engine, Table("t"), ["x", "y"])
    with pytest.raises(TableNotFoundError, match="nowhere"):
        profile(engine, Table("nowhere"))
    with pytest.raises(ConfigurationError, match="month"):
        profile(engine, Table("t", where="x = :month"))


def statements(engine, action):
    seen = []

    def remember(conn, cursor, statement, *_):
        if "UNION ALL" in statement or "GROUP BY" in statement:
            seen.append(statement)

    sa.event.listen(engine, "before_cursor_execute", remember)
    result = action()
    sa.event.remove(engine, "before_cursor_execute", remember)
    return seen, result


def counts(found):
    """A profile without the note of who made the grid."""
    return replace(found, columns={name: replace(column, learnt=False) for name, column in found.columns.items()})


def test_two_hundred_columns_are_counted_in_one_statement_and_on_postgresql_in_two(engine):
    kinds = {f"x{i}": sa.Integer() for i in range(150)} | {f"c{i}": sa.Text() for i in range(50)}
    rows = [{name: k if name[0] == "x" else f"L{k % 2}" for name in kinds} for k in range(4)]
    fill(engine, "wide", kinds, rows)
    reference = profile(engine, Table("wide"))
    seen, current = statements(engine, lambda: profile(engine, Table("wide"), reference=reference))
    assert len(seen) == (2 if engine.dialect.name == "postgresql" else 1)
    assert current == counts(reference)
    assert current.columns["c49"].counts == (2, 2)


def test_the_weight_of_a_statement_is_bounded(engine, monkeypatch):
    for name in ("WEIGHT", "WEIGHT_ON_SQLITE"):
        monkeypatch.setattr(f"airflow_provider_aiguard.tables.source.{name}", 10)
    fill(engine, "t", {f"c{i}": sa.Text() for i in range(3)}, [{f"c{i}": f"L{k}" for i in range(3)} for k in range(6)])
    reference = profile(engine, Table("t"))
    seen, current = statements(engine, lambda: profile(engine, Table("t"), reference=reference))
    assert (len(seen), current) == (3, counts(reference))


def test_many_columns_take_as_few_statements_as_the_limits_allow(engine, monkeypatch):
    monkeypatch.setattr("airflow_provider_aiguard.tables.source.BRANCHES", 2)
    fill(engine, "t", {f"c{i}": sa.Text() for i in range(5)}, [{f"c{i}": f"L{i}" for i in range(5)}] * 2)
    seen, found = statements(engine, lambda: profile(engine, Table("t")))
    assert len(seen) == 3 + 3
    assert [c.levels for c in found.columns.values()] == [("L0",), ("L1",), ("L2",), ("L3",), ("L4",)]


def test_a_shift_breaches_and_the_same_rows_pass(engine):
    rng = np.random.default_rng(4)
    data = {"before": rng.normal(size=3_000), "after": rng.normal(0.5, 1, size=3_000)}
    for name, values in data.items():
        fill(engine, name, {"x": sa.Double(), "c": sa.Text()}, [{"x": float(v), "c": "ab"[int(v > 0)]} for v in values])
    reference = profile(engine, Table("before"))

    def verdict(name):
        checks = evaluate(reference, profile(engine, Table(name), reference=reference))
        return Verdict(guard="drift", subject=name, checks=tuple(checks))

    assert verdict("before").outcome is Outcome.PASS
    assert {(c.check, c.column) for c in verdict("after").of(Outcome.BREACH)} == {
        ("drift.ks", "x"),
        ("drift.categories", "c"),
    }
