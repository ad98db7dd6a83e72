"""A cascade in a process of its own that kills itself in the middle of a call. Every call leaves its rows."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import InferenceSummary, RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference.cascade import Cascade, Level
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.store.store import open_store

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.store import Store

BUDGET = Budget("killed", "100.00")
CHUNK = 10
MICROS = {"cheap": 10, "strong": 100}


def identity(try_number: int) -> RunIdentity:
    return RunIdentity(run_id=f"try-{try_number}", dag_id="d", dag_run_id="r", task_id="t", try_number=try_number)


def run(url: str, store: Store, calls: str, try_number: int, kill_in: tuple[str, int] | None) -> InferenceSummary:
    """Score all flights: the cheap model is sure of odd ids. ``kill_in`` names a model, and which of its calls dies."""
    made = {"cheap": 0, "strong": 0}

    def ask(who: str, chunk: Any) -> Any:
        ids = chunk["id"].tolist()
        file = os.open(calls, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, "".join(f"{who} {i}\n" for i in ids).encode())
        os.close(file)
        made[who] += 1
        if kill_in == (who, made[who]):
            os.kill(os.getpid(), signal.SIGKILL)
        return {"label": [who] * len(ids)}, {"label": [0.9 if i % 2 or who == "strong" else 0.1 for i in ids]}

    def cheap(chunk: Any) -> Any:
        return ask("cheap", chunk)

    def strong(chunk: Any) -> Any:
        return ask("strong", chunk)

    levels = [
        Level(FunctionModel(f, outputs=["label"], version="1"), price_per_row=f"{MICROS[f.__name__] / 1_000_000:f}")
        for f in (cheap, strong)
    ]
    engine = sa.create_engine(url)
    plan = InferencePlan(
        rows=Table("flights", key="id"),
        into=Table("scored"),
        outputs=parse_outputs({"label": str}),
        inputs=("id",),
        chunk_size=CHUNK,
        budgets=(BUDGET,),
    )
    cascade = Cascade(levels, accept=0.8)
    return run_inference(plan, cascade, source=engine, target=engine, store=store, identity=identity(try_number))


def main(url: str, store_url: str, calls: str, kill_in: tuple[str, int]) -> None:
    """The first try, which dies."""
    with open_store(store_url) as store:
        run(url, store, calls, 1, kill_in)
