"""Columns of dates and timestamps by hour of the week, on three engines."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from profiled import fill, profile

from airflow_provider_aiguard.core.errors import ColumnTypeError
from airflow_provider_aiguard.core.profile import ColumnKind
from airflow_provider_aiguard.core.table import Table


def test_times_by_hour_of_the_week(engine):
    monday = dt.datetime(2024, 1, 1, 5, 59, 59, 999_000)  # noqa: DTZ001  a column without zone
    rows = [{"stamp": monday, "on": monday.date()}, {"stamp": monday + dt.timedelta(days=6, hours=18), "on": None}]
    fill(engine, "t", {"stamp": sa.DateTime(), "on": sa.Date()}, [*rows, {"stamp": None, "on": dt.date(1969, 12, 31)}])
    found = profile(engine, Table("t")).columns
    at, on = found["stamp"], found["on"]
    assert at.kind is on.kind is ColumnKind.TEMPORAL
    assert {i: n for i, n in enumerate(at.counts) if n} == {5: 1, 6 * 24 + 23: 1}
    assert {i: n for i, n in enumerate(on.counts) if n} == {0: 1, 2 * 24: 1}
    assert (at.nulls, on.nulls, len(at.counts)) == (1, 1, 168)
    assert (at.minimum, at.maximum) == (1704088799, 1704088799 + 6 * 86_400 + 18 * 3_600)
    assert (on.minimum, on.maximum) == (-86_400, 1704067200)


def test_times_with_a_zone_count_in_utc(engine):
    if engine.dialect.name == "sqlite":
        stored = "2024-01-01 01:30:00+02:00"
    else:
        stored = dt.datetime.fromisoformat("2024-01-01 01:30:00+02:00")
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE t (stamp TIMESTAMPTZ)")
        conn.execute(sa.text("INSERT INTO t VALUES (:stamp)"), {"stamp": stored})
    column = profile(engine, Table("t")).columns["stamp"]
    assert column.counts[6 * 24 + 23] == 1
    assert column.minimum == 1704065400


@pytest.mark.parametrize("text", ["infinity", "-infinity"])
def test_an_infinite_time_is_no_time(duckdb_engine, postgres_engine, text):
    for engine in (duckdb_engine, postgres_engine):
        with engine.begin() as conn:
            conn.exec_driver_sql("CREATE TABLE t (stamp TIMESTAMP)")
            conn.exec_driver_sql(f"INSERT INTO t VALUES ('{text}'), ('2024-01-01')")
        column = profile(engine, Table("t")).columns["stamp"]
        assert (column.nans, column.counts[0], column.minimum) == (1, 1, 1704067200)


def test_a_text_in_a_sqlite_column_of_times_or_numbers(sqlite_engine):
    with sqlite_engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE t (stamp TIMESTAMP, x REAL)")
        conn.exec_driver_sql("INSERT INTO t VALUES ('soon', 'much')")
    assert profile(sqlite_engine, Table("t"), ["stamp"]).columns["stamp"].nans == 1
    with pytest.raises(ColumnTypeError, match="'x' is declared as number, but SQLite holds something else"):
        profile(sqlite_engine, Table("t"), ["x"])
