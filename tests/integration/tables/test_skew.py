"""Two sides of the same entities, joined and compared in one statement on three engines."""

from __future__ import annotations

import datetime as dt
import math

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import TableKeyError, TableNotFoundError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.skew import skew_evidence

KINDS = {"id": sa.Integer(), "n": sa.Double(), "i": sa.Integer(), "s": sa.Text(), "b": sa.Boolean(), "t": sa.DateTime()}
NOON = dt.datetime(2013, 7, 1, 12)  # noqa: DTZ001  the columns have no zone


def create(engine, name, rows, kinds=None):
    kinds = kinds or KINDS
    table = sa.Table(name, sa.MetaData(), *(sa.Column(c, kind) for c, kind in kinds.items()))
    with engine.begin() as conn:
        table.create(conn)
        if rows:
            conn.execute(sa.insert(table).values([dict(zip(kinds, row, strict=True)) for row in rows]))


def compare(engine, columns=None, *, table="train", serving="serve", **kwargs):
    left = table if isinstance(table, Table) else Table(table, key="id")
    right = serving if isinstance(serving, Table) else Table(serving, key="id")
    with engine.connect() as conn:
        return skew_evidence(conn, left, right, columns, **kwargs)


def test_cells_that_differ_are_counted(engine):
    same = (1.5, 3, "a", True, NOON)
    create(engine, "train", [(k, *same) for k in range(1, 7)] + [(7, None, None, None, None, None), (8, *same)])
    create(
        engine,
        "serve",
        [
            (1, *same),
            (2, 1.5000000001, 3, "a", True, NOON),
            (3, 1.6, 4, "A", False, NOON + dt.timedelta(seconds=1)),
            (4, None, 3, "a", True, None),
            (5, 1.5, None, None, None, NOON),
            (6, math.inf, 3, "a ", True, NOON),
            (7, None, None, None, None, None),
            (9, *same),
        ],
    )
    found = compare(engine, tolerance=1e-6)
    assert (found.rows, found.serving_rows, found.joined, found.keys, found.unmatched) == (8, 8, 7, 9, 2)
    assert found.mismatches == {"n": 3, "i": 2, "s": 3, "b": 2, "t": 2}
    assert compare(engine, ["n"]).mismatches == {"n": 4}
    assert compare(engine, ["n"], absolute_tolerance=0.11).mismatches == {"n": 2}
    assert compare(engine, ["n"], tolerance=0.07).mismatches == {"n": 2}
    assert found.types == {}


def test_one_statement_compares_all_columns(engine):
    create(engine, "train", [(1, 1.0, 1, "", True, NOON)])
    create(engine, "serve", [(1, 1.0, 1, "", True, NOON)])
    seen = []
    sa.event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    compare(engine, tolerance=0.1)
    assert sum("JOIN" in statement and "serve" in statement for statement in seen) == 1


def test_missing_numbers_of_both_kinds_are_equal(engine):
    nan = None if engine.dialect.name == "sqlite" else math.nan
    create(
        engine, "train", [(1, nan, 1, "", True, NOON), (2, nan, 1, "", True, NOON), (3, math.inf, 1, "", True, NOON)]
    )
    create(
        engine, "serve", [(1, None, 1, "", True, NOON), (2, 0.0, 1, "", True, NOON), (3, math.inf, 1, "", True, NOON)]
    )
    assert compare(engine, ["n"], tolerance=0.5).mismatches == {"n": 1}


def test_both_conditions_and_their_parameters_apply(engine):
    rows = [(k, float(k), k, "a", True, NOON) for k in range(20)]
    create(engine, "train", rows)
    create(engine, "serve", [(k, n, i + (k == 12), s, b, t) for k, n, i, s, b, t in rows])
    found = compare(
        engine,
        ["i"],
        table=Table("train", key="id", where="id < :edge", parameters={"edge": 15}),
        serving=Table("serve", key="id", where="id >= :edge", parameters={"edge": 10}),
    )
    assert (found.rows, found.serving_rows, found.joined, found.mismatches) == (15, 10, 5, {"i": 1})


def test_names_and_keys_may_be_anything(engine):
    kinds = {'k"1': sa.Integer(), "k; --": sa.Text(), "per%cent :x": sa.Integer(), "select": sa.Double()}
    create(engine, 'tr"ain', [(1, "x", 1, 1.0), (1, "y", 2, 2.0)], kinds)
    create(engine, "serve; DROP TABLE x", [(1, "x", 1, 1.0), (1, "y", 3, 2.0)], kinds)
    key = ('k"1', "k; --")
    found = compare(
        engine, table=Table('tr"ain', key=key), serving=Table("serve; DROP TABLE x", key=key), tolerance=0.1
    )
    assert found.mismatches == {"per%cent :x": 1, "select": 0}


def test_numbers_compare_across_types_and_other_types_do_not(engine):
    create(
        engine, "train", [(1, 2.0, "x", 5)], {"id": sa.Integer(), "a": sa.Double(), "b": sa.Text(), "c": sa.Integer()}
    )
    create(
        engine,
        "serve",
        [(1, 2, 7, 5)],
        {"id": sa.Integer(), "a": sa.Numeric(9, 2), "b": sa.Integer(), "c": sa.Double()},
    )
    found = compare(engine, tolerance=1e-9)
    assert found.mismatches == {"a": 0, "c": 0}
    assert found.types == {"b": ("TEXT", "BIGINT" if engine.dialect.name == "sqlite" else "INTEGER")}


def test_companions_and_keys_are_no_features(engine):
    kinds = {"id": sa.Integer(), "x": sa.Integer(), "x__confidence": sa.Double(), "only": sa.Integer()}
    create(engine, "train", [(1, 2, 0.5, 1)], kinds)
    create(engine, "serve", [(1, 2, 0.9)], {n: k for n, k in kinds.items() if n != "only"})
    assert compare(engine).mismatches == {"x": 0}
    with pytest.raises(TableNotFoundError, match="'serve' has no column 'only'"):
        compare(engine, ["only"])


@pytest.mark.parametrize("side", ["train", "serve"])
def test_a_key_that_is_there_twice_is_refused(engine, side):
    row = (1.0, 1, "a", True, NOON)
    for name in ("train", "serve"):
        create(engine, name, [(1, *row), (1 if name == side else 2, *row)])
    with pytest.raises(TableKeyError, match=rf"'{side}' has more than one row for 1 of its keys \('id',\)"):
        compare(engine)


def test_nothing_joined_is_counted_as_nothing(engine):
    create(engine, "train", [(None, 1.0, 1, "a", True, NOON), (1, 1.0, 1, "a", True, NOON)])
    create(engine, "serve", [])
    found = compare(engine)
    assert (found.rows, found.serving_rows, found.joined, found.mismatches["n"]) == (2, 0, 0, 0)


def test_nothing_in_common_is_said(engine):
    create(engine, "train", [(1, 1)], {"id": sa.Integer(), "a": sa.Integer()})
    create(engine, "serve", [(1, 1)], {"id": sa.Integer(), "b": sa.Integer()})
    with pytest.raises(TableNotFoundError, match="'train' and 'serve' have no column in common beside their keys"):
        compare(engine)


def test_sqlite_text_in_a_number_differs_from_everything(sqlite_engine):
    create(sqlite_engine, "train", [(1, 1.0, 5, "a", True, NOON)])
    create(sqlite_engine, "serve", [(1, 1.0, 5, "a", True, NOON)])
    with sqlite_engine.begin() as conn:
        conn.exec_driver_sql("UPDATE serve SET n = 'abc', t = 'soon'")
    assert compare(sqlite_engine, tolerance=1.0).mismatches == {"n": 1, "i": 0, "s": 0, "b": 0, "t": 1}
