"""A step in a process of its own, to be killed by its parent or at a moment of its own choosing.

Imported by a fork server once, so that each process starts in milliseconds.
"""

from __future__ import annotations

import os
import signal
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import InferenceSummary, RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.store.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_aiguard.store.store import Store

CHUNK = 100
MICROS_PER_ROW = 10
BUDGET = Budget("kill", "100.00")

STEPS: dict[str, dict[str, Any]] = {
    "all": {"rows": Table("flights", key="id"), "into": Table("scored"), "fill": "all"},
    "missing": {"rows": Table("scored", key="id"), "into": Table("scored"), "fill": "missing"},
}
"""By ``fill``: claims about all rows into another table, or about those without a value in place."""

MOMENTS = ("in the model", "before the commit", "after the commit")
"""Where a process can kill itself."""


def identity(run_id: str, try_number: int) -> RunIdentity:
    """One try of one task."""
    return RunIdentity(run_id=run_id, dag_id="d", dag_run_id="r", task_id="t", try_number=try_number)


def score(chunk: Any) -> Any:
    """Answers that depend on the row alone. Every hundredth row has none."""
    values = [None if i % 100 == 17 else i % 3 == 0 for i in chunk["id"].tolist()]
    return {"late": values}, {"late": (chunk["id"] % 100) / 100}


def run_step(
    fill: str, engine: sa.Engine, store: Store, who: RunIdentity, function: Callable[[Any], Any] = score
) -> InferenceSummary:
    """Run a step to its end."""
    plan = InferencePlan(
        **STEPS[fill],
        outputs=parse_outputs({"late": bool}),
        inputs=("id",),
        chunk_size=CHUNK,
        # In place, the share of a retry is of the rows that were left to it.
        max_reject_share=1.0,
        price_per_row=Decimal(MICROS_PER_ROW) / 1_000_000,
        budgets=(BUDGET,),
    )
    model = FunctionModel(function, outputs=["late"], name="kill", version="1")
    return run_inference(plan, model, source=engine, target=engine, store=store, identity=who)


def main(fill: str, url: str, store_url: str, progress: str, chunk: int | None, moment: str | None) -> None:
    """Run the first try; mark each chunk by a byte; die at ``moment`` of ``chunk``, if they are given."""
    marks = Path(progress)

    def at(this: str) -> None:
        if moment == this and marks.stat().st_size == chunk:
            os.kill(os.getpid(), signal.SIGKILL)

    def marked(rows: Any) -> Any:
        with marks.open("ab") as file:
            file.write(b".")
        at("in the model")
        return score(rows)

    engine = sa.create_engine(url)
    store = open_store(store_url)
    report = store.runs.progress

    def die_and_report(summary: InferenceSummary) -> None:
        at("after the commit")
        report(summary)

    store.runs.progress = die_and_report  # type: ignore[method-assign]
    sa.event.listen(engine, "commit", lambda _: marks.exists() and at("before the commit"))
    run_step(fill, engine, store, identity("try-1", 1), marked)
