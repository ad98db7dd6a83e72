"""Workers with the same rows, killed in the middle of calls: what they ask twice is what was in flight."""

from __future__ import annotations

import multiprocessing
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from paying_process import BUDGET, CHUNK_SIZES, MICROS_PER_ROW, identity, work
from steps import Database

from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.store import open_store

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

ROWS = 400
KILLS = (60, 150, 260)
"""Rows asked about when the worker that asked last is killed."""

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["pytest", "paying_process", "psycopg2", "alembic.command"])


def last_to_ask(calls: Path, rows: int) -> int:
    """Wait until some rows were asked about, and tell who asked last."""
    deadline = time.monotonic() + 60
    while len(lines := calls.read_text().split("\n")) <= rows:
        assert time.monotonic() < deadline, f"only {len(lines)} rows were asked about"
        time.sleep(0.002)
    return int(lines[-2].split()[0])


def test_workers_killed_in_flight_pay_twice_for_that_alone(urls: tuple[str, str], tmp_path: Path) -> None:
    url, store_url = urls
    calls = tmp_path / "calls"
    calls.touch()
    engine = sa.create_engine(url)
    database = Database(engine)
    database.flights(ROWS)
    open_store(store_url).close()
    tries = [1] * len(CHUNK_SIZES)

    def start(worker: int) -> BaseProcess:
        arguments = (worker, tries[worker], url, store_url, str(calls))
        process = processes.Process(target=work, args=arguments, daemon=True)
        process.start()
        return process

    workers = [start(worker) for worker in range(len(CHUNK_SIZES))]
    in_flight = 0
    try:
        for rows in KILLS:
            victim = last_to_ask(calls, rows)
            workers[victim].kill()
            workers[victim].join(60)
            assert workers[victim].exitcode == -signal.SIGKILL
            in_flight += CHUNK_SIZES[victim]
            tries[victim] += 1
            workers[victim] = start(victim)
        for process in workers:
            process.join(60)
    finally:
        for process in workers:
            process.kill()
    assert [process.exitcode for process in workers] == [0] * len(workers)

    table = database.rows("SELECT id, late, late__provenance, late__confidence FROM scored ORDER BY id")
    assert [(i, bool(late), *label) for i, late, *label in table] == [
        (i, i % 3 == 0, "ai_inferred", i / 1000) for i in range(1, ROWS + 1)
    ]
    asked = [int(line.split()[1]) for line in calls.read_text().splitlines()]
    assert set(asked) == set(range(1, ROWS + 1))
    assert len(asked) - ROWS <= in_flight
    with open_store(store_url) as store:
        states = sa.select(schema.result.c.state, sa.func.count()).group_by(schema.result.c.state)
        assert store._database.read(lambda conn: conn.execute(states).all()) == [("done", ROWS)]
        status = store.ledger.status(BUDGET, identity(0, 1), datetime.now(UTC))
    # The call of a worker that died after its last answer was kept may be none.
    assert status.held == 0
    assert status.spent >= MICROS_PER_ROW * len(asked)
