from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.columns import read_columns
from airflow_provider_aiguard.tables.connection import connect
from airflow_provider_aiguard.tables.dialects.duckdb import Declared, DuckDBDialect, _indexed

if TYPE_CHECKING:
    from sqlalchemy import Engine


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("[a]", {"a"}),
        ("[a, b]", {"a", "b"}),
        ("""['"b c"', a]""", {"b c", "a"}),
        ('["b c"]', {"b c"}),
        ("""['"b "" c"']""", {'b " c'}),
    ],
)
def test_columns_of_an_index(printed: str, expected: set[str]) -> None:
    assert _indexed(printed) == expected


def test_types_without_an_equal_are_kept_as_declared(duckdb_engine: Engine) -> None:
    with connect(duckdb_engine) as conn:
        with conn.begin():
            conn.exec_driver_sql("CREATE TABLE t (u UUID, s STRUCT(a INTEGER), t TIME, d DECIMAL(9,2), e ENUM('a,b'))")
        columns = read_columns(conn, Table("T"))
        made = {name: str(c.type.compile(dialect=conn.dialect)) for name, c in columns.items()}
    assert made == {"u": "UUID", "s": "STRUCT(a INTEGER)", "t": "TIME", "d": "NUMERIC(9, 2)", "e": "TEXT"}
    assert isinstance(columns["u"].type, Declared)


def test_a_temporary_table_hides_one_of_the_same_name(duckdb_engine: Engine) -> None:
    with connect(duckdb_engine) as conn:
        with conn.begin():
            conn.exec_driver_sql("CREATE TABLE t (a INTEGER, b INTEGER)")
            conn.exec_driver_sql("CREATE TEMPORARY TABLE t (c INTEGER)")
        assert list(read_columns(conn, Table("t"))) == ["c"]


def test_wide_decimals_get_the_widest() -> None:
    made = DuckDBDialect().decimal_type(None, None)
    assert isinstance(made, sa.Numeric)
    assert (made.precision, made.scale) == (38, 18)
