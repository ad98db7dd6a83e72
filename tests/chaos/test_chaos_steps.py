"""Real steps that die at any moment: the table ends whole, and no more is paid twice than was in flight."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from step_storm import BUDGETS, PRICE, StepStorm, identity, right
from storm import PROCESSES, SECONDS, watch

from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_server import Server


def check(storm: StepStorm, url: str, store_url: str) -> None:
    asked = storm.asked()
    duplicates, calls = sum(asked.values()) - len(asked), sum(asked.values())
    print(
        f"{storm.killed} workers killed, {storm.crashed} crashed; {storm.rows} rows, {calls} asked about, {duplicates} "
        f"twice, {storm.in_flight()} in flight at a death"
    )
    assert set(asked) == set(range(storm.rows))
    assert duplicates <= storm.in_flight()
    check_table(url, storm.rows)
    check_books(store_url, calls)


def check_table(url: str, rows: int) -> None:
    engine = sa.create_engine(url)
    query = "SELECT id, late, late__provenance, late__confidence FROM scored WHERE late__run IS NOT NULL ORDER BY id"
    with engine.connect() as conn:
        table = [tuple(row) for row in conn.exec_driver_sql(query)]
        everything = conn.exec_driver_sql("SELECT count(*) FROM scored").scalar()
    engine.dispose()
    assert [(i, bool(late), *label) for i, late, *label in table] == [
        (i, right(i), "ai_inferred", i % 100 / 100) for i in range(rows)
    ]
    assert everything == rows


def check_books(store_url: str, calls: int) -> None:
    engine = sa.create_engine(store_url)
    with engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT * FROM too_much").all() == []
        assert conn.exec_driver_sql("SELECT count(*) FROM aiguard_hold WHERE state = 'held'").scalar() == 0
        states = conn.execute(sa.select(schema.result.c.state).distinct()).scalars().all()
    engine.dispose()
    assert states == ["done"]
    with open_store(store_url) as store:
        for budget in BUDGETS:
            status = store.ledger.status(budget, identity(0, 1), datetime.now(UTC))
            charged = calls * (1 if budget.unit == "calls" else PRICE)
            assert status.held == 0, budget
            assert charged <= status.spent <= status.limit, budget


def test_postgres_with_workers_killed_at_random_and_the_server_twice(server: Server, tmp_path: Path) -> None:
    open_store(server.url).close()
    watch(server.url)

    def crash() -> None:
        server.kill()
        server.start()

    kills = int(6 * SECONDS)
    storm = StepStorm(server.url, server.url, tmp_path, workers=PROCESSES, rows=int(80 * SECONDS))
    storm.rage(kills, at={kills // 3: crash, 2 * kills // 3: crash})
    check(storm, server.url, server.url)


def test_sqlite_with_workers_killed_at_random(sqlite_url: str, tmp_path: Path) -> None:
    open_store(sqlite_url).close()
    watch(sqlite_url)
    bills = tmp_path / "bills"
    bills.mkdir()
    url = f"sqlite:///{tmp_path}/rows.db"
    storm = StepStorm(url, sqlite_url, bills, workers=8, rows=int(40 * SECONDS))
    storm.rage(int(4 * SECONDS))
    check(storm, url, sqlite_url)
