"""A storm of real steps: workers that read, pay, store and write, and die at any moment.

Each worker is one try of a mapped task. Workers of one slice have the same rows, as a backfill and its cleared task
have: one of them asks about a row, the others wait for the answer, and all write it.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference import once
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.store.store import open_store

CHUNK = 10
PRICE = 20
"""Micro-dollars a row."""

PATIENCE = 400
"""Seconds until the last must have come to its end."""

SHARED = 4
"""Workers with the same rows."""

BUDGETS = (
    Budget("run", "1000"),
    Budget("day", "1000", per="day"),
    Budget("team", "1000", per="team"),
    Budget("calls", 10**9, per="team", unit="calls"),
)

fork = multiprocessing.get_context("fork")


def identity(worker: int, attempt: int) -> RunIdentity:
    """One try of one mapped task."""
    return RunIdentity(
        run_id=f"w{worker}t{attempt}",
        dag_id="storm",
        dag_run_id="r",
        task_id="label",
        map_index=worker,
        try_number=attempt,
    )


def prepare(url: str, rows: int, slices: int) -> None:
    """Make the table: ids from 0, each in a slice."""
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE flights (id BIGINT NOT NULL PRIMARY KEY, slice BIGINT NOT NULL)")
        values = [{"id": i, "slice": i % slices} for i in range(rows)]
        conn.execute(sa.text("INSERT INTO flights VALUES (:id, :slice)"), values)
    engine.dispose()


def right(i: int) -> bool:
    """What the model says about a row."""
    return i % 3 == 0


def work(url: str, store_url: str, bill: Path, slice_: int, who: RunIdentity) -> None:
    """Run the step to its end. Whatever the provider is asked is on the bill before it answers."""
    logging.disable(logging.CRITICAL)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # those whose server is killed say so
    once.LONGEST_PAUSE = 0.2
    paper = os.open(bill, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def provider(chunk: Any) -> Any:
        ids = chunk["id"].tolist()
        os.write(paper, f"asked {','.join(map(str, ids))}\n".encode())
        time.sleep(0.02)  # in flight: long enough to be killed in it
        return {"late": [right(i) for i in ids]}, {"late": [i % 100 / 100 for i in ids]}

    plan = InferencePlan(
        rows=Table("flights", key="id", where="slice = :slice", parameters={"slice": slice_}),
        into=Table("scored"),
        outputs=parse_outputs({"late": bool}),
        inputs=("id",),
        chunk_size=CHUNK,
        price_per_row=Decimal(PRICE) / 1_000_000,
        budgets=BUDGETS,
    )
    engine = sa.create_engine(url, pool_pre_ping=True)
    model = FunctionModel(provider, outputs=["late"], name="provider", version="1")
    with open_store(store_url) as store:
        report, chunks = store.runs.progress, 0

        def done(summary: Any) -> None:
            nonlocal chunks
            if summary.chunks > chunks:
                os.write(paper, b"done\n")
            chunks = summary.chunks
            report(summary)

        store.runs.progress = done  # type: ignore[method-assign]
        run_inference(plan, model, source=engine, target=engine, store=store, identity=who)


class StepStorm:
    """Workers that are killed and start again, as Airflow does, until all have come to their end.

    :param url: where the rows are.
    :param store_url: the store.
    :param bills: an empty folder for what the provider is asked.
    :param workers: how many.
    :param rows: rows of the table.
    """

    def __init__(self, url: str, store_url: str, bills: Path, *, workers: int, rows: int) -> None:
        self._slices = max(1, workers // SHARED)
        self._urls, self._bills, self.rows = (url, store_url), bills, rows
        prepare(url, rows, self._slices)
        self._chance = random.Random(2013)
        self._tries = dict.fromkeys(range(workers), 0)
        self._running: dict[int, Any] = {}
        self.killed = self.crashed = 0

    def rage(self, kills: int, *, at: Mapping[int, Callable[[], None]] = MappingProxyType({})) -> None:
        """Kill workers at random, and let all come to their end. One that is done before is cleared, and begins again.

        :param kills: how often.
        :param at: what else happens, by the number of kills before it.
        """
        for worker in self._tries:
            self._start(worker)
        until = time.monotonic() + PATIENCE
        for kill in range(kills):
            at.get(kill, lambda: None)()
            time.sleep(self._chance.uniform(0.05, 0.2))
            self._kill(self._chance.choice(list(self._running)))
            self._restart_the_dead(clear=True)
        while self._running:
            assert time.monotonic() < until, f"{len(self._running)} workers do not come to their end"
            time.sleep(0.1)
            self._restart_the_dead(clear=False)

    def asked(self) -> Counter[int]:
        """How often the provider was asked about each row."""
        lines = (line for bill in self._bills.iterdir() for line in bill.read_text().splitlines())
        return Counter(int(i) for line in lines if line.startswith("asked") for i in line[6:].split(","))

    def in_flight(self) -> int:
        """Rows of calls that were under way when their worker died."""
        last = [(bill.read_text().splitlines() or [""])[-1] for bill in self._bills.iterdir()]
        return sum(line.count(",") + 1 for line in last if line.startswith("asked"))

    def _start(self, worker: int) -> None:
        self._tries[worker] += 1
        who = identity(worker, self._tries[worker])
        target = partial(work, *self._urls, self._bills / who.run_id, worker % self._slices, who)
        process = fork.Process(target=target, daemon=True)
        process.start()
        self._running[worker] = process

    def _kill(self, worker: int) -> None:
        process = self._running[worker]
        process.kill()  # nothing to do for one that has just come to its end
        process.join()
        self.killed += process.exitcode == -signal.SIGKILL

    def _restart_the_dead(self, *, clear: bool) -> None:
        for worker, process in list(self._running.items()):
            if process.is_alive():
                continue
            del self._running[worker]
            self.crashed += process.exitcode > 0
            if clear or process.exitcode != 0:
                self._start(worker)
