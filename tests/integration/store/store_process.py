"""What another process does with a store: run as a script by the tests, with real races in mind."""

from __future__ import annotations

import gc
import json
import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import BudgetExceededError
from airflow_provider_aiguard.core.lineage import Edge, EdgeKind, Flow, dataset_node, job_node
from airflow_provider_aiguard.core.run import ModelIdentity, RunIdentity
from airflow_provider_aiguard.store.database import open_database
from airflow_provider_aiguard.store.store import open_store

HOUR = timedelta(hours=1)
MODEL = ModelIdentity(name="m", version="1", fingerprint="f")


def wait() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def open_and_use(url: str) -> None:
    wait()
    with open_store(url) as store:
        print(len(store.runs.list()), flush=True)


def open_current(url: str) -> None:
    open_store(url).close()
    print("alembic" in sys.modules, flush=True)


def race(url: str, seed: str, limit: str) -> None:
    """Hold from two budgets until refused three times in a row; settle, release, forfeit or keep at random."""
    chance = random.Random(int(seed))
    budgets = [Budget("a", limit), Budget("b", "1000.00")]
    if int(seed) % 2:
        budgets.reverse()
    identity = RunIdentity(run_id=f"run-{seed}", dag_id="d", dag_run_id="r")
    counts = {"booked": 0, "open": 0}
    with open_store(url) as store:
        wait()
        refused = 0
        while refused < 3:
            micros = chance.randint(1, 1000)
            try:
                hold = store.ledger.hold(budgets, identity, Amounts(micros=micros), ttl=HOUR)
            except BudgetExceededError:
                refused += 1
                continue
            refused = 0
            end = chance.choice(["settle", "settle", "half", "release", "forfeit", "keep"])
            if end == "keep":
                counts["open"] += micros
            elif end == "release":
                store.ledger.release(hold)
            elif end == "forfeit":
                store.ledger.forfeit(hold)
                counts["booked"] += micros
            else:
                actual = micros if end == "settle" else micros // 2
                store.ledger.settle(hold, Amounts(micros=actual))
                counts["booked"] += actual
    print(json.dumps(counts), flush=True)


def take_until_refused(url: str, limit: str) -> None:
    """Hold one dollar after another, with no end but refusal."""
    budget = Budget("a", limit)
    identity = RunIdentity(run_id=f"run-{os.getpid()}", dag_id="d", dag_run_id="r")
    taken = 0
    with open_store(url) as store:
        wait()
        while True:
            try:
                store.ledger.hold([budget], identity, Amounts(micros=1_000_000), ttl=HOUR)
            except BudgetExceededError:
                break
            taken += 1
    print(taken, flush=True)


def forever(url: str, limit: str) -> None:
    """Hold and settle until killed."""
    budget = Budget("a", limit)
    identity = RunIdentity(run_id=f"run-{os.getpid()}", dag_id="d", dag_run_id="r")
    with open_store(url) as store:
        wait()
        while True:
            hold = store.ledger.hold([budget], identity, Amounts(micros=1000), ttl=HOUR)
            store.ledger.settle(hold, Amounts(micros=1000))
            print("1", flush=True)


def first_try(url: str) -> None:
    """Start a run, hold two dollars, and wait to be killed."""
    identity = RunIdentity(run_id="first", dag_id="d", dag_run_id="r", task_id="t", try_number=1)
    with open_store(url) as store:
        store.runs.start(identity, MODEL, "a", "b")
        store.ledger.hold([Budget("a", "5.00")], identity, Amounts(micros=2_000_000), ttl=HOUR)
        wait()
        time.sleep(600)


def fork(url: str) -> None:
    """Use the store, fork, use it on both sides at once."""
    budget = Budget("a", "5.00")
    identity = RunIdentity(run_id="r", dag_id="d", dag_run_id="r")
    store = open_store(url)
    store.ledger.hold([budget], identity, Amounts(micros=1), ttl=HOUR)
    child = os.fork()
    for _ in range(50):
        hold = store.ledger.hold([budget], identity, Amounts(micros=100), ttl=HOUR)
        store.ledger.settle(hold, Amounts(micros=10))
    if not child:
        os._exit(0)
    _, status = os.waitpid(child, 0)
    spent = store.ledger.status(budget, identity, datetime.now(UTC)).spent
    print(status, spent, flush=True)


def inherit(url: str, end: str) -> None:
    """Use the store, fork, end it in the child in one of several ways, and use it again in the parent."""
    database = open_database(url)

    def say_backend() -> None:
        print(database.read(lambda conn: conn.scalar(sa.text("SELECT pg_backend_pid()"))), flush=True)

    say_backend()
    child = os.fork()
    if not child:
        if end == "use":
            say_backend()
        else:
            print("-", flush=True)
        if end == "close":
            database.close()
        if end == "collect":
            del say_backend, database
            gc.collect()
        if end == "exit":
            sys.exit()
        os._exit(0)
    os.waitpid(child, 0)
    say_backend()


def tell_lineage(url: str, seed: str) -> None:
    """Tell of ten tables, each made of all before it, in an order of one's own."""
    chance, tables = random.Random(int(seed)), [dataset_node("n", f"t{n}") for n in range(10)]
    job, now = job_node("n", "job"), datetime.now(UTC)
    edges = [Edge(a, b, job, EdgeKind.DATA) for n, b in enumerate(tables) for a in tables[:n]]
    with open_store(url) as store:
        wait()
        for n in range(30):
            some = tuple(chance.sample(edges, 20))
            store.graph.record(Flow(run_id=f"{seed}/{n}", at=now, complete=True, job=job, edges=some))
        store.graph.record(Flow(run_id=seed, at=now, complete=True, job=job, edges=tuple(edges)))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
