"""Cells that compare the same way on three engines, whatever the database makes of NaN, times and enumerations."""

from __future__ import annotations

import math

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.columns import read_columns, rows_of
from airflow_provider_aiguard.tables.comparable import bound, comparable


def matching(engine, column, end, *, table="t"):
    """Ids of the rows whose cell is not above an end, and ids of those without a value."""
    with engine.connect() as conn, conn.begin():
        infos = read_columns(conn, Table(table))
        rows = rows_of(Table(table), infos.values()).subquery()
        cell = comparable(rows.c[column], infos[column], conn.dialect.name)
        low = sa.select(rows.c.id).where(cell.value <= bound(end, infos[column], conn.dialect.name))
        none = sa.select(rows.c.id).where(cell.missing)
        return sorted(conn.scalars(low)), sorted(conn.scalars(none))


@pytest.fixture
def filled(engine):
    """Rows 1 to 4: low, high, NULL, and what the database calls NaN (NULL on SQLite)."""
    table = sa.Table(
        "t",
        sa.MetaData(),
        sa.Column("id", sa.Integer()),
        sa.Column("x", sa.Double()),
        sa.Column("huge", sa.BigInteger()),
    )
    nan = None if engine.dialect.name == "sqlite" else math.nan
    with engine.begin() as conn:
        table.create(conn)
        values = [(1, 0.5, 2**53 + 1), (2, math.inf, 2**53 + 3), (3, None, None), (4, nan, 0)]
        conn.execute(sa.insert(table).values([dict(zip(("id", "x", "huge"), row, strict=True)) for row in values]))
        conn.exec_driver_sql("CREATE TABLE times (id INTEGER, a DATE, b TIMESTAMP)")
        conn.exec_driver_sql("INSERT INTO times VALUES (1, '2013-01-31', '2013-01-31 12:00:00.250'), (2, NULL, NULL)")
    return engine


def test_nan_is_missing_and_infinity_is_a_number(filled):
    assert matching(filled, "x", 5) == ([1], [3, 4])
    assert matching(filled, "x", math.inf) == ([1, 2], [3, 4])


def test_large_integers_are_compared_exactly(filled):
    assert matching(filled, "huge", 2**53 + 1) == ([1, 4], [3])
    assert matching(filled, "huge", 2**53 + 2) == ([1, 4], [3])
    assert matching(filled, "huge", 2**70) == ([1, 2, 4], [3])


@pytest.mark.parametrize(
    ("column", "end", "found"),
    [
        ("a", "2013-01-31", [1]),
        ("a", "2013-01-30", []),
        ("b", "2013-01-31T12:00:00.250", [1]),
        ("b", "2013-01-31T12:00:00.249", []),
        ("b", "2013-01-31T17:30:00.250+05:30", [1]),
        ("b", "2013-01-31T13:00:00+05:30", []),
    ],
)
def test_times_are_moments_and_utc_unless_they_say_otherwise(filled, column, end, found):
    assert matching(filled, column, end, table="times") == (found, [2])


def test_an_enumeration_is_a_text(postgres_engine):
    with postgres_engine.begin() as conn:
        conn.exec_driver_sql("CREATE TYPE mood AS ENUM ('z', 'a')")
        conn.exec_driver_sql("CREATE TABLE t (id INTEGER, m mood)")
        conn.exec_driver_sql("INSERT INTO t VALUES (1, 'a'), (2, 'z')")
    with postgres_engine.connect() as conn, conn.begin():
        infos = read_columns(conn, Table("t"))
        rows = rows_of(Table("t"), infos.values()).subquery()
        cell = comparable(rows.c.m, infos["m"], "postgresql")
        assert conn.scalars(sa.select(sa.func.length(cell.value))).all() == [1, 1]
        assert conn.scalars(sa.select(rows.c.id).where(cell.value.in_(["a", "none such"]))).all() == [1]


def test_decimals_kept_as_text_are_numbers(sqlite_engine):
    with sqlite_engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE t (id INTEGER, d DECIMAL_TEXT)")
        conn.exec_driver_sql("INSERT INTO t VALUES (1, '9.5'), (2, '10.5'), (3, NULL)")
    assert matching(sqlite_engine, "d", 10) == ([1], [3])
