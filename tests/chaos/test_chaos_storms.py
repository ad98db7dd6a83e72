"""Many processes, few budgets, and death: the limit holds at every commit, and no charge is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storm import BUDGETS, PROCESSES, SECONDS, Storm, settle_the_dust, watch

from airflow_provider_aiguard.store.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_server import Server

LIMITS = {budget.name: budget.limit_amount for budget in BUDGETS}


def check(storm: Storm, url: str) -> None:
    books, charged = settle_the_dust(url), storm.charged()
    assert set(books) == set(LIMITS)
    for name, (spent, held, booked) in books.items():
        assert held == 0, name
        assert spent == booked, name
        assert charged[name] <= spent <= LIMITS[name], name
    print(f"{storm.killed} workers killed; charged {charged}; spent { ({n: b[0] for n, b in books.items()}) }")
    assert books["small"][0] > 0.5 * LIMITS["small"]


def test_postgres_with_workers_killed_at_random_and_the_server_twice(server: Server, tmp_path: Path) -> None:
    open_store(server.url).close()
    watch(server.url)

    def crash() -> None:
        server.kill()
        server.start()

    storm = Storm(server.url, tmp_path, PROCESSES)
    storm.rage(SECONDS, at=[(0.3, crash), (0.6, crash)])
    check(storm, server.url)


def test_sqlite_with_workers_killed_at_random(sqlite_url: str, tmp_path: Path) -> None:
    open_store(sqlite_url).close()
    watch(sqlite_url)
    bills = tmp_path / "bills"
    bills.mkdir()
    storm = Storm(sqlite_url, bills, 8)
    storm.rage(SECONDS)
    check(storm, sqlite_url)
