"""Several processes at one table: killed, at the same time, or in each other's way."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import TableBusyError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.connection import connect
from airflow_provider_aiguard.tables.reader import count_rows, read_chunks

if TYPE_CHECKING:
    from sqlalchemy import Engine

SCRIPT = Path(__file__).with_name("tables_process.py")


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("tables_process", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


process = _load()


def start(task: str, engine: Engine, argument: float) -> subprocess.Popen[str]:
    url = engine.url.render_as_string(hide_password=False)
    engine.dispose()
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), task, url, str(argument)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )


def table_of(engine: Engine) -> pd.DataFrame:
    with connect(engine) as conn:
        return pd.concat(list(read_chunks(conn, process.SCORED, chunk_size=400)), ignore_index=True)


@pytest.mark.parametrize("doomed", [1, 4])
def test_killed_before_commit_leaves_nothing_of_the_chunk_and_a_retry_completes(engine: Engine, doomed: int) -> None:
    with start("kill", engine, doomed) as child:
        child.wait(60)
    assert child.returncode == -signal.SIGKILL
    with connect(engine) as conn:
        assert count_rows(conn, process.SCORED) == (doomed - 1) * 100
        made = process.writer(conn)
        for first in range(0, 1000, 100):
            made.write(process.claims(first, first + 100))
    expected = process.claims(0, 1000)
    pd.testing.assert_frame_equal(table_of(engine), expected, check_dtype=False)


@pytest.mark.parametrize("exists", [False, True], ids=["new", "existing"])
def test_eight_processes_prepare_and_write_one_target_at_once(engine: Engine, exists: bool) -> None:
    if exists:
        with engine.begin() as conn:
            conn.exec_driver_sql("CREATE TABLE scored (id BIGINT NOT NULL PRIMARY KEY)")
    with start("prepare", engine, 8) as parent:
        _, errors = parent.communicate(timeout=120)
    assert parent.returncode == 0, errors
    pd.testing.assert_frame_equal(table_of(engine), process.claims(0, 800), check_dtype=False)


def test_a_duckdb_file_held_by_another_process_is_waited_for(duckdb_engine: Engine) -> None:
    with start("hold", duckdb_engine, 1.0) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "holding\n"
        with connect(duckdb_engine, wait_seconds=60) as conn:
            assert count_rows(conn, Table("held")) == 0
        assert child.wait(60) == 0


def test_a_duckdb_file_that_stays_held_is_busy_and_the_error_names_the_remedy(duckdb_engine: Engine) -> None:
    with start("hold", duckdb_engine, 120) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "holding\n"
        expected = r"test\.duckdb' is held by another process; waited 0\.3 s\. DuckDB has a single writer.* one slot"
        with pytest.raises(TableBusyError, match=expected), connect(duckdb_engine, wait_seconds=0.3):
            raise AssertionError
        child.kill()


def test_a_closed_duckdb_connection_leaves_the_file_to_other_processes(duckdb_engine: Engine) -> None:
    with pytest.raises(KeyboardInterrupt, match="as Airflow kills"), connect(duckdb_engine) as conn:  # noqa: PT012
        conn.exec_driver_sql("CREATE TABLE mine (id INTEGER)")
        raise KeyboardInterrupt("as Airflow kills")
    url = duckdb_engine.url.render_as_string()
    code = f"import sqlalchemy as sa; sa.create_engine({url!r}).connect().exec_driver_sql('CREATE TABLE other (i INT)')"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_sqlite_file_that_stays_locked_is_busy(sqlite_engine: Engine) -> None:
    with connect(sqlite_engine) as conn:
        process.writer(conn).prepare()
    with start("hold", sqlite_engine, 120) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "holding\n"
        with connect(sqlite_engine, wait_seconds=0.2) as conn:
            made = process.writer(conn)
            with pytest.raises(TableBusyError, match=r"'scored' is held by another process: database is locked"):
                made.write(process.claims(0, 10))
        child.kill()
    with connect(sqlite_engine) as conn:
        assert count_rows(conn, process.SCORED) == 0


def test_a_pool_of_one_process_is_not_locked_out_by_itself(duckdb_engine: Engine) -> None:
    with connect(duckdb_engine) as first, connect(duckdb_engine) as second:
        with first.begin():
            first.execute(sa.text("CREATE TABLE shared AS SELECT 1 AS id"))
        assert count_rows(second, Table("shared")) == 1
