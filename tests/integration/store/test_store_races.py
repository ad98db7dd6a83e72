"""Many processes, one ledger: nothing is overspent, nothing is lost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.run import ModelIdentity, RunIdentity, RunState
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.revision import HEAD
from airflow_provider_aiguard.store.store import Store

Spawn = Callable[..., subprocess.Popen[str]]
Go = Callable[[list[subprocess.Popen[str]]], None]

ANYBODY = RunIdentity(run_id="-", dag_id="d", dag_run_id="r")


def books(url: str) -> dict[str, tuple[int, int, int, int]]:
    """By budget: spent, held, booked on holds, open holds."""
    engine = sa.create_engine(url)
    hold, budget = schema.hold.c, schema.budget.c
    with engine.connect() as conn:
        rows = conn.execute(sa.select(budget.name, budget.spent, budget.held)).all()
        result = {}
        for name, spent, held in rows:
            holds = conn.execute(sa.select(hold.state, hold.amount, hold.booked).where(hold.budget_name == name))
            ends = holds.all()
            booked = sum(row.booked for row in ends)
            result[name] = spent, held, booked, sum(row.amount for row in ends if row.state == "held")
    engine.dispose()
    return result


def test_racing_holds_never_exceed_the_limit_and_lose_nothing(
    store: Store, store_url: str, spawn: Spawn, go: Go
) -> None:
    limit = 40_000
    workers = [spawn("race", store_url, seed, "0.04") for seed in range(8)]
    go(workers)
    seen = []
    while any(worker.poll() is None for worker in workers):
        status = store.ledger.status(Budget("a", "0.04"), ANYBODY, datetime.now(UTC))
        seen.append(status.spent + status.held)
    counts = [json.loads(worker.communicate()[0]) for worker in workers]
    assert max(seen) <= limit
    booked, still_open = sum(c["booked"] for c in counts), sum(c["open"] for c in counts)
    assert books(store_url) == dict.fromkeys("ab", (booked, still_open, booked, still_open))
    # Whoever was refused last saw less than 1000 left; the seven others may have given back one hold each after that.
    assert limit - 8 * 1000 < booked + still_open <= limit


def test_exactly_the_limit_is_given_out(store: Store, store_url: str, spawn: Spawn, go: Go) -> None:
    workers = [spawn("take_until_refused", store_url, "50.00") for _ in range(8)]
    go(workers)
    assert sum(int(worker.communicate()[0]) for worker in workers) == 50
    assert books(store_url) == {"a": (0, 50_000_000, 0, 50_000_000)}


def test_the_books_balance_when_processes_are_killed_at_any_moment(
    store: Store, store_url: str, spawn: Spawn, go: Go
) -> None:
    workers = [spawn("forever", store_url, "100.00") for _ in range(5)]
    go(workers)
    settled = 0
    for worker in workers:  # while the others go on
        assert worker.stdout is not None
        assert worker.stdout.readline() == "1\n"
        worker.kill()
    for worker in workers:
        assert worker.stdout is not None
        settled += 1 + len(worker.stdout.read().split())
    spent, held, booked, still_open = books(store_url)["a"]
    assert (spent, held) == (booked, still_open)
    # A worker may die between the commit and its word about it, or between hold and settle.
    assert settled * 1000 <= spent <= (settled + 5) * 1000
    assert held <= 5 * 1000


def test_the_next_try_forfeits_what_a_killed_try_held(store: Store, store_url: str, spawn: Spawn) -> None:
    worker = spawn("first_try", store_url)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    worker.kill()
    worker.wait()
    assert store.runs.get("first").state is RunState.RUNNING
    second = RunIdentity(run_id="second", dag_id="d", dag_run_id="r", task_id="t", try_number=2)
    store.runs.start(second, ModelIdentity(name="m", version="1", fingerprint="f"), "a", "b")
    assert store.runs.get("first").state is RunState.ABANDONED
    status = store.ledger.status(Budget("a", "5.00"), second, datetime.now(UTC))
    assert (status.spent, status.held) == (2_000_000, 0)


def test_a_fork_opens_its_own_connections(store_url: str, spawn: Spawn) -> None:
    output = spawn("fork", store_url).communicate()[0]
    assert output.split() == ["0", "1000"]


def test_sixteen_processes_may_open_a_new_store_at_once(store_url: str, spawn: Spawn, go: Go) -> None:
    workers = [spawn("open_and_use", store_url) for _ in range(16)]
    go(workers)
    outputs = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 16
    assert outputs == ["0\n"] * 16
    engine = sa.create_engine(store_url)
    with engine.connect() as conn:
        assert conn.scalars(sa.text("SELECT version_num FROM aiguard_alembic_version")).all() == [HEAD]
    engine.dispose()


@pytest.mark.usefixtures("store")
def test_a_current_store_opens_without_alembic(store_url: str, spawn: Spawn) -> None:
    assert spawn("open_current", store_url).communicate()[0] == "False\n"
