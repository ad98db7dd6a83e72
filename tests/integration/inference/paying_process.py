"""One of several workers with the same rows, in a process of its own that others kill. Every call leaves its rows."""

from __future__ import annotations

import os
import time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import InferenceSummary, RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.store.store import open_store

BUDGET = Budget("shared", "100.00")
MICROS_PER_ROW = 10
CHUNK_SIZES = (20, 30, 50)
"""By worker: with different ones they meet in the middle of each other's chunks."""


def identity(worker: int, try_number: int) -> RunIdentity:
    """One try of one of the mapped siblings."""
    run_id = f"w{worker}t{try_number}"
    names = {"dag_id": "d", "dag_run_id": "r", "task_id": "t"}
    return RunIdentity(run_id=run_id, map_index=worker, try_number=try_number, **names)


def work(worker: int, try_number: int, url: str, store_url: str, calls: str) -> InferenceSummary:
    """Score all rows of ``flights``, writing ``worker id`` of each row asked about before it is answered."""

    def score(chunk: Any) -> Any:
        ids = chunk["id"].tolist()
        file = os.open(calls, os.O_WRONLY | os.O_APPEND)
        os.write(file, "".join(f"{worker} {i}\n" for i in ids).encode())
        os.close(file)
        time.sleep(0.05)  # in flight: long enough to be killed in it
        return {"late": [i % 3 == 0 for i in ids]}, {"late": chunk["id"] / 1000}

    engine = sa.create_engine(url)
    plan = InferencePlan(
        rows=Table("flights", key="id"),
        into=Table("scored"),
        outputs=parse_outputs({"late": bool}),
        inputs=("id",),
        chunk_size=CHUNK_SIZES[worker],
        price_per_row=Decimal(MICROS_PER_ROW) / 1_000_000,
        budgets=(BUDGET,),
    )
    model = FunctionModel(score, outputs=["late"], name="counted", version="1")
    with open_store(store_url) as store:
        return run_inference(
            plan, model, source=engine, target=engine, store=store, identity=identity(worker, try_number)
        )
