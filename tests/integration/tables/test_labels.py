"""The labels of one row, on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_aiguard.core.errors import NotRecordedError, TableKeyError, TableNotFoundError
from airflow_provider_aiguard.core.provenance import Label
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.labels import read_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa

SCORED = Table("scored")


@pytest.fixture
def conn(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as connection:
        with connection.begin():
            connection.exec_driver_sql(
                'CREATE TABLE scored (id INTEGER, part TEXT, "la te" BOOLEAN, "la te__provenance" TEXT, '
                '"la te__confidence" DOUBLE PRECISION, "la te__run" TEXT, dest TEXT, dest__provenance TEXT)'
            )
            connection.exec_driver_sql(
                "INSERT INTO scored VALUES (1, 'a', true, 'ai_inferred', 0.9, 'r-1', 'BOS', 'observed')"
            )
            connection.exec_driver_sql("INSERT INTO scored VALUES (2, 'a', NULL, NULL, NULL, NULL, NULL, NULL)")
            connection.exec_driver_sql(
                "INSERT INTO scored VALUES (2, 'b', true, 'human_annotated', NULL, 'r-2', '', '')"
            )
        yield connection


def test_a_row_is_found_by_its_key_as_text(conn: sa.Connection) -> None:
    assert read_labels(conn, SCORED, {"id": "1"}) == {"la te": Label("ai_inferred", 0.9, "r-1")}
    assert read_labels(conn, SCORED, {"part": "b"}) == {"la te": Label("human_annotated", None, "r-2")}
    assert read_labels(conn, SCORED, {"id": "2", "part": "a"}) == {"la te": Label(None, None, None)}


def test_a_row_that_is_not_one(conn: sa.Connection) -> None:
    with pytest.raises(NotRecordedError, match="has no row with that value of id"):
        read_labels(conn, SCORED, {"id": "7654321"})
    with pytest.raises(TableKeyError, match="Several rows of table 'scored'"):
        read_labels(conn, SCORED, {"part": "a"})


def test_no_value_of_a_key_is_in_a_message(conn: sa.Connection) -> None:
    with pytest.raises(NotRecordedError, match="no row") as caught:
        read_labels(conn, SCORED, {"part": "me@example.com"})
    assert "example.com" not in str(caught.value)


def test_a_value_is_no_sql(conn: sa.Connection) -> None:
    with pytest.raises(NotRecordedError, match="no row"):
        read_labels(conn, SCORED, {"part": "a' OR '1'='1"})


def test_what_is_not_there_is_said(conn: sa.Connection) -> None:
    with pytest.raises(TableNotFoundError, match="has no column 'nothing'"):
        read_labels(conn, SCORED, {"nothing": "1"})
    with conn.begin():
        conn.exec_driver_sql("CREATE TABLE plain (id INTEGER)")
    with pytest.raises(TableNotFoundError, match="has no AI-touched column"):
        read_labels(conn, Table("plain"), {"id": "1"})
