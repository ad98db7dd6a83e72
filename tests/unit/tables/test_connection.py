from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import TableBusyError
from airflow_provider_aiguard.tables.connection import connect, transaction

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses asked for; time passes by them alone."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: sum(pauses))
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def failing(engine: Engine, monkeypatch: pytest.MonkeyPatch, message: str, times: int) -> list[int]:
    attempts: list[int] = []
    real = engine.connect

    def open_or_fail() -> sa.Connection:
        attempts.append(1)
        if len(attempts) <= times:
            raise sa.exc.OperationalError("", None, OSError(message))
        return real()

    monkeypatch.setattr(engine, "connect", open_or_fail)
    return attempts


def test_waiting_is_bounded_and_its_pauses_grow(
    duckdb_engine: Engine, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    failing(duckdb_engine, monkeypatch, "Could not set lock on file", 1000)
    with pytest.raises(TableBusyError, match=r"waited 10 s"), connect(duckdb_engine, wait_seconds=10):
        raise AssertionError
    assert sum(clock) == pytest.approx(10)
    assert clock[:3] == [0.05, 0.1, 0.2]
    assert max(clock) == 2.0


def test_a_lock_that_goes_away_is_waited_for(
    duckdb_engine: Engine, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    attempts = failing(duckdb_engine, monkeypatch, "Could not set lock on file", 3)
    with connect(duckdb_engine) as conn:
        assert conn.exec_driver_sql("SELECT 1").scalar_one() == 1
    assert len(attempts) == 4


def test_a_file_that_another_process_is_creating_is_waited_for_briefly(
    duckdb_engine: Engine, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    message = 'The file "x" exists, but it is not a valid DuckDB database file!'
    failing(duckdb_engine, monkeypatch, message, 2)
    with connect(duckdb_engine) as conn:
        assert not conn.closed
    failing(duckdb_engine, monkeypatch, message, 1000)
    with pytest.raises(sa.exc.OperationalError, match=r"not a valid DuckDB"), connect(duckdb_engine):
        raise AssertionError
    assert sum(clock) < 5


def test_another_error_is_not_waited_for(tmp_path: Path, clock: list[float]) -> None:
    engine = sa.create_engine(f"duckdb:///{tmp_path / 'no' / 'such' / 'folder.duckdb'}")
    with pytest.raises(sa.exc.DBAPIError, match=r"Cannot open file"), connect(engine):
        raise AssertionError
    assert clock == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_a_connection_is_closed_and_rolled_back_whatever_happens(engine: Engine, error: type[BaseException]) -> None:
    with connect(engine) as conn, conn.begin():
        conn.exec_driver_sql("CREATE TABLE t (id INTEGER)")
    with pytest.raises(error, match="cut off"), connect(engine) as conn:  # noqa: PT012
        conn.exec_driver_sql("INSERT INTO t VALUES (1)")
        raise error("cut off")
    assert conn.closed
    with connect(engine) as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0


def test_a_database_in_memory_survives_the_connection() -> None:
    for url in ("duckdb:///:memory:", "sqlite://"):
        engine = sa.create_engine(url)
        with connect(engine) as conn, conn.begin():
            conn.exec_driver_sql("CREATE TABLE t (id INTEGER)")
        with connect(engine) as conn:
            assert conn.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0
        engine.dispose()


def test_a_transaction_of_the_caller_is_used(engine: Engine) -> None:
    with connect(engine) as conn:
        with transaction(conn):
            assert conn.in_transaction()
        assert not conn.in_transaction()
        with conn.begin():
            for _ in itertools.repeat(None, 2):
                with transaction(conn):
                    conn.exec_driver_sql("SELECT 1")
            assert conn.in_transaction()
