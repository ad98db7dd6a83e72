from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from airflow_provider_aiguard.core.errors import ColumnTypeError
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.columns import read_columns
from airflow_provider_aiguard.tables.connection import connect
from airflow_provider_aiguard.tables.dialects.sqlite import SQLiteDialect
from airflow_provider_aiguard.tables.reader import read_chunks

if TYPE_CHECKING:
    from sqlalchemy import Engine


def stored(engine: Engine, declared: str, *values: Any) -> list[Any]:
    with connect(engine) as conn:
        with conn.begin():
            conn.exec_driver_sql(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})")
            for value in values:
                conn.exec_driver_sql("INSERT INTO t (v) VALUES (?)", (value,))
        return next(read_chunks(conn, Table("t", key="id"), chunk_size=99))["v"].tolist()


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("BOOL", OutputType.BOOLEAN),
        ("boolean", OutputType.BOOLEAN),
        ("INT", OutputType.INTEGER),
        ("UNSIGNED BIG INT", OutputType.INTEGER),
        ("VARCHAR(30)", OutputType.TEXT),
        ("NATIVE CHARACTER(70)", OutputType.TEXT),
        ("CLOB", OutputType.TEXT),
        ("DOUBLE PRECISION", OutputType.NUMBER),
        ("FLOAT", OutputType.NUMBER),
        ("DECIMAL(10,5)", OutputType.DECIMAL),
        ("NUMERIC", OutputType.DECIMAL),
        ("DECIMAL_TEXT", OutputType.DECIMAL),
        ("DATE", OutputType.DATE),
        ("DATETIME", OutputType.TIMESTAMP),
        ("TIMESTAMP WITH  TIME ZONE", OutputType.TIMESTAMP),
        ("BLOB", None),
        ("", None),
        ("WHATEVER", None),
    ],
)
def test_declared_types(sqlite_engine: Engine, declared: str, kind: OutputType | None) -> None:
    with connect(sqlite_engine) as conn:
        with conn.begin():
            conn.exec_driver_sql(f"CREATE TABLE t (v {declared})")
        column = read_columns(conn, Table("t"))["v"]
    assert column.kind is kind
    assert column.zoned is ("ZONE" in declared)


def test_only_an_integer_primary_key_is_never_null(sqlite_engine: Engine) -> None:
    with connect(sqlite_engine) as conn:
        with conn.begin():
            conn.exec_driver_sql("CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT NOT NULL)")
            conn.exec_driver_sql("CREATE TABLE b (id TEXT PRIMARY KEY)")
        assert not read_columns(conn, Table("a"))["id"].nullable
        assert not read_columns(conn, Table("a"))["x"].nullable
        assert read_columns(conn, Table("b"))["id"].nullable


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        ("BOOLEAN", [0, 1], [False, True]),
        ("DECIMAL(10,2)", [1.1, 3, "2.50"], [Decimal("1.1"), Decimal(3), Decimal("2.5")]),
        ("DECIMAL_TEXT", ["1.10", "12345678901234567890.5"], [Decimal("1.10"), Decimal("12345678901234567890.5")]),
        ("REAL", [1, 0.5], [1.0, 0.5]),
        ("DATE", ["2020-01-02"], [dt.date(2020, 1, 2)]),
        ("TIMESTAMP", ["2020-01-02T03:04:05", "2020-01-02 05:04:05+02:00"], [pd.Timestamp("2020-01-02 03:04:05")] * 2),
        ("TIMESTAMPTZ", ["2020-01-02 03:04:05"], [pd.Timestamp("2020-01-02 03:04:05", tz="UTC")]),
        ("", [1, "x", 0.5], [1, "x", 0.5]),
    ],
)
def test_what_is_stored_becomes_what_was_declared(
    sqlite_engine: Engine, declared: str, given: list[Any], expected: list[Any]
) -> None:
    assert stored(sqlite_engine, declared, *given) == expected


@pytest.mark.parametrize(
    ("declared", "value", "held"),
    [
        ("BOOLEAN", 2, "int"),
        ("BOOLEAN", 0.5, "float"),
        ("BIGINT", "seven", "str"),
        ("BIGINT", 1.5, "float"),
        ("REAL", "fast", "str"),
        ("DECIMAL(10,2)", "much", "str"),
        ("TEXT", b"bytes", "bytes"),
        ("DATE", "02.01.2020", "str"),
        ("TIMESTAMP", 1577934245, "int"),
    ],
)
def test_what_is_stored_against_the_declaration_is_refused(
    sqlite_engine: Engine, declared: str, value: Any, held: str
) -> None:
    expected = rf"Column 'v' is declared as \w+, but SQLite holds something else in it \({held}"
    with pytest.raises(ColumnTypeError, match=expected):
        stored(sqlite_engine, declared, value)


def test_timestamps_as_text_page_by_what_is_stored(sqlite_engine: Engine) -> None:
    with connect(sqlite_engine) as conn:
        with conn.begin():
            conn.exec_driver_sql("CREATE TABLE t (k TIMESTAMP PRIMARY KEY)")
            conn.exec_driver_sql("INSERT INTO t VALUES ('2020-01-01T05:00'), ('2020-01-01T06:00'), ('2020-01-02')")
        chunks = list(read_chunks(conn, Table("t", key="k"), chunk_size=1))
    assert [len(chunk) for chunk in chunks] == [1, 1, 1]


def test_an_attached_database_is_a_schema(sqlite_engine: Engine) -> None:
    with connect(sqlite_engine) as conn:
        conn.exec_driver_sql("ATTACH ':memory:' AS other")
        conn.exec_driver_sql("CREATE TABLE other.t (id INTEGER)")
        assert list(read_columns(conn, Table("t", schema="other"))) == ["id"]


def test_the_write_lock_is_taken_once(sqlite_engine: Engine) -> None:
    with connect(sqlite_engine) as conn, conn.begin():
        for _ in range(2):
            SQLiteDialect().serialise(conn, Table("t"))
        assert conn.connection.dbapi_connection.in_transaction  # type: ignore[union-attr]
