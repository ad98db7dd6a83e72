"""A task killed with SIGKILL in the middle and tried again ends with the table of an undisturbed run."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from killed_process import BUDGET, CHUNK, MICROS_PER_ROW, MOMENTS, identity, main, run_step, score

from airflow_provider_aiguard.core.run import RunState

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    import sqlalchemy as sa
    from steps import Database

    from airflow_provider_aiguard.store.store import Store

ROWS = 2000
CHUNKS = ROWS // CHUNK
KILLS = [*(("by its parent", seed) for seed in range(2)), *((moment, 7) for moment in MOMENTS)]
TABLE = "SELECT id, late, late__provenance, late__confidence, late__run FROM scored ORDER BY id"

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["pytest", "killed_process", "duckdb_engine", "psycopg2", "alembic.command"])


@pytest.fixture(params=["all", "missing"])
def fill(request: pytest.FixtureRequest, database: Database) -> str:
    """What is filled, with its tables made: a third of the values to be filled in place are there."""
    database.run("CREATE TABLE flights (id BIGINT NOT NULL PRIMARY KEY)")
    database.run("CREATE TABLE scored (id BIGINT NOT NULL PRIMARY KEY, late BOOLEAN)")
    numbers = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < :rows) "
    if request.param == "all":
        database.run("DROP TABLE scored", f"INSERT INTO flights {numbers} SELECT id FROM n", rows=ROWS)
    else:
        there = "SELECT id, CASE WHEN id % 3 = 1 THEN id % 2 = 0 END FROM n"
        database.run(f"INSERT INTO scored {numbers} {there}", rows=ROWS)
    return str(request.param)


def undisturbed(fill: str) -> list[tuple[Any, ...]]:
    """The table a run that nobody disturbs makes, worked out without one. Run ids are left out."""
    table: list[tuple[Any, ...]] = []
    for i in range(1, ROWS + 1):
        if fill == "missing" and i % 3 == 1:
            table.append((i, i % 2 == 0, "observed", None))
        elif i % 100 != 17:
            table.append((i, i % 3 == 0, "ai_inferred", i % 100 / 100))
        elif fill == "missing":
            table.append((i, None, None, None))
    return table


def without_run(table: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row[:4] for row in table]


def start(fill: str, engine: sa.Engine, store_url: str, marks: Path, chunk: int | None, moment: str) -> BaseProcess:
    url = engine.url.render_as_string(hide_password=False)
    marks.touch()
    process = processes.Process(target=main, args=(fill, url, store_url, str(marks), chunk, moment), daemon=True)
    process.start()
    return process


def kill_in_the_middle(process: BaseProcess, marks: Path, seed: int) -> None:
    """Once some chunks are done, wherever in the next one it happens to be."""
    chance = random.Random(seed)
    enough = chance.randint(2, CHUNKS - 6)
    while marks.stat().st_size < enough:
        assert process.is_alive(), "the step ended before it could be killed"
        time.sleep(0.0005)
    for _ in range(chance.randint(0, 20_000)):  # within the chunk: some hundred microseconds at most
        pass
    process.kill()


@pytest.mark.parametrize(("moment", "seed"), KILLS)
def test_the_retry_of_a_killed_try_ends_with_the_table_of_an_undisturbed_run(
    database: Database, store: Store, fill: str, moment: str, seed: int, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    process = start(fill, database.engine, f"sqlite:///{tmp_path}/store.db", marks, seed, moment)
    try:
        if moment == "by its parent":
            kill_in_the_middle(process, marks, seed)
        process.join(60)
    finally:
        process.kill()
    assert process.exitcode == -signal.SIGKILL
    asked = marks.stat().st_size
    expected = undisturbed(fill)

    assert 0 < asked < CHUNKS
    written = whole_rows_after_the_kill(database, fill)
    # Chunks are written whole and in order; of the one it died in, all or nothing.
    assert written in (chunks_written(fill, asked - 1), chunks_written(fill, asked))
    assert store.runs.get("try-1").state is RunState.RUNNING

    summary = run_step(fill, database.engine, store, identity("try-2", 2))
    table = database.rows(TABLE)
    assert without_run(table) == expected
    assert {row[4] for row in table if row[2] == "ai_inferred"} <= {"try-1", "try-2"}
    assert all(row[4] is None for row in table if row[2] != "ai_inferred")
    if fill == "missing":
        assert [row[0] for row in table if row[4] == "try-1"] == written
    assert [store.runs.get(run_id).state for run_id in ("try-1", "try-2")] == [RunState.ABANDONED, RunState.SUCCESS]
    status = store.ledger.status(BUDGET, identity("try-2", 2), datetime.now(UTC))
    # Each call was paid once, the one nobody knows the end of too.
    assert status.held == 0
    assert status.spent == summary.cost_micros + MICROS_PER_ROW * rows_asked(fill, asked)
    assert len(store.runs.rejects("try-2")) == rejected(fill, CHUNKS)


def whole_rows_after_the_kill(database: Database, fill: str) -> list[int]:
    """Ids of the inferred rows; no row may have a value without companions or the other way round."""
    if fill == "all" and not database.has("scored"):
        return []
    table = [row for row in database.rows(TABLE) if row[2] == "ai_inferred"]
    everything = {row[0]: row for row in undisturbed(fill)}
    for row in database.rows(TABLE):
        label = row[2:]
        if label == (None, None, None):
            # Not reached yet: as it was before.
            assert fill == "missing"
            assert row[1] == (row[0] % 2 == 0 if row[0] % 3 == 1 else None)
        else:
            assert row[:4] == everything[row[0]]
            assert row[4] == ("try-1" if row[2] == "ai_inferred" else None)
    return [row[0] for row in table]


def chunks_written(fill: str, chunks: int) -> list[int]:
    return [row[0] for row in undisturbed(fill) if row[2] == "ai_inferred" and row[0] <= chunks * CHUNK]


def rows_asked(fill: str, chunks: int) -> int:
    return sum(1 for i in range(1, chunks * CHUNK + 1) if fill == "all" or i % 3 != 1)


def rejected(fill: str, chunks: int) -> int:
    return sum(1 for i in range(17, chunks * CHUNK + 1, 100) if fill == "all" or i % 3 != 1)


def test_the_undisturbed_table_is_what_a_run_makes(database: Database, store: Store, fill: str) -> None:
    run_step(fill, database.engine, store, identity("try-1", 1), score)
    table = database.rows(TABLE)
    assert without_run(table) == undisturbed(fill)
    assert {row[4] for row in table if row[2] == "ai_inferred"} == {"try-1"}
