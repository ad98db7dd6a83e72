from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.connection import connect
from airflow_provider_aiguard.tables.dialects import base
from airflow_provider_aiguard.tables.reader import count_rows, read_chunks

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_a_database_without_a_leaf_is_read_in_standard_sql(
    sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_LEAVES", {})
    with connect(sqlite_engine) as conn:
        with conn.begin():
            conn.exec_driver_sql("CREATE TABLE t (a INTEGER, b VARCHAR(9), v FLOAT, PRIMARY KEY (a, b))")
            conn.exec_driver_sql("INSERT INTO t VALUES (2, 'b', 4), (1, 'b', 2), (2, 'a', 3), (1, 'a', 1)")
        chunks = list(read_chunks(conn, Table("t", key=("a", "b")), chunk_size=1))
        assert [chunk["v"].tolist() for chunk in chunks] == [[1.0], [2.0], [3.0], [4.0]]
        assert count_rows(conn, Table("t", where="a = :a", parameters={"a": 2})) == 2


def test_arguments_are_checked_at_the_call_not_at_the_first_chunk(sqlite_engine: Engine) -> None:
    with connect(sqlite_engine) as conn, pytest.raises(Exception, match=r"'nope' does not exist"):
        read_chunks(conn, Table("nope", key="id"), chunk_size=1)
