"""What we add to a model that takes its time: 1 ms a row, 10,000 rows, on SQLite, with a budget."""

from __future__ import annotations

import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_provider_aiguard import Budget, Table
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.store.store import open_store

ROWS = 10_000
LIMIT = 0.05

asleep = 0.0


def slow(batch: pd.DataFrame) -> tuple[dict[str, Any], dict[str, Any]]:
    global asleep  # noqa: PLW0603
    started = time.perf_counter()
    for _ in range(len(batch)):
        time.sleep(0.001)
    asleep += time.perf_counter() - started
    return {"y": [True] * len(batch)}, {"y": [0.9] * len(batch)}


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = sa.create_engine(f"sqlite:///{folder}/rows.db", poolclass=NullPool)
        pd.DataFrame({"id": range(ROWS), "x": 1.5}).to_sql("rows", engine, index=False)
        plan = InferencePlan(
            rows=Table("rows", key="id"),
            into=Table("scored", key="id"),
            outputs=parse_outputs({"y": bool}),
            chunk_size=1000,
            price_per_row=Decimal("0.0001"),
            budgets=(Budget("bench", limit="100"),),
        )
        model = FunctionModel(slow, outputs=["y"])
        # A store is made once an installation, not once a task.
        open_store(f"sqlite:///{folder}/store.db").close()
        started = time.perf_counter()
        with open_store(f"sqlite:///{folder}/store.db") as store:
            run_inference(plan, model, source=engine, target=engine, store=store, identity=RunIdentity(run_id="bench"))
        total = time.perf_counter() - started
    share = total / asleep - 1
    print(
        f"Overhead over {ROWS:,} rows at 1 ms: model {asleep:.2f} s, all {total:.2f} s: {share:.1%} (limit {LIMIT:.0%})"
    )
    return int(share > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
