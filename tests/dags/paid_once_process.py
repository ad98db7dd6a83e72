"""AI steps over the same rows in DAG runs that others share, one task at a time. Run by tests, also as a process."""

from __future__ import annotations

import logging
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from airflow.sdk import DAG
from airflow_home import Ran, keep

from airflow_provider_aiguard import Budget, Table
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.operators.inference import InferenceOperator

ROWS = 30
PRICE = 10_000
"""Micro-dollars a row."""


def counts(batch):
    """Leave the ids asked about in a file. Where a file says so, answer only when another worker waits for it."""
    folder = Path(os.environ["PAID_ONCE_FOLDER"])
    with (folder / "asked").open("a") as asked:
        asked.write("".join(f"{i}\n" for i in batch["id"]))
    deadline = time.monotonic() + 60
    while (folder / "meet").exists() and not (folder / "waits").exists():
        if time.monotonic() > deadline:
            raise TimeoutError("nobody waits for these rows")
        time.sleep(0.01)
    return {"late": batch["id"] % 3 == 0}, {"late": batch["id"] / 1000}


def budget(name):
    """The budget of a DAG, for all its runs."""
    return Budget(name, "100.00", per="team")


def dag(name, *, mapped=False, **arguments):
    """A DAG of one step over all rows; mapped, of two instances with the same rows and tables of their own."""
    with DAG(name, schedule=None) as made:
        step = {
            "task_id": "guess",
            "outputs": {"late": bool},
            "inputs": ["id"],
            "model": FunctionModel(counts, outputs=["late"], name=name, version="1"),
            "chunk_size": 15,
            "price_per_row": "0.01",
            "budget": budget(name),
            **arguments,
        }
        people = Table("people", "rows", key="id")
        if mapped:
            both = [{"rows": people, "into": f"{name}_{i}"} for i in range(2)]
            InferenceOperator.partial(**step).expand_kwargs(both)
        else:
            InferenceOperator(**{"rows": people, "into": name, **step})
    return made


def begin(made, run_id="manual__1", *, kind="manual", day=1):
    """Make a DAG run, as the scheduler does."""
    keep(made)
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    moment = datetime(2026, 1, day, tzinfo=UTC)
    run = _serialized(made).create_dagrun(
        run_id=run_id,
        logical_date=moment,
        data_interval=(moment, moment),
        run_after=moment,
        run_type=DagRunType(kind),
        triggered_by=DagRunTriggeredByType.TEST,
        state=DagRunState.RUNNING,
        start_date=moment,
    )
    return Ran(run)


def clear(made, ran):
    """Clear all tasks of a DAG run, as a person does in the UI."""
    from airflow.utils.state import DagRunState

    _serialized(made).clear(run_id=ran.run_id, dag_run_state=DagRunState.RUNNING)


def finish(made, run_id, map_index=None):
    """Run the tasks of a DAG run that can run, or one of them. ``dag.test()`` would begin a DAG run of its own."""
    from airflow.models.dagrun import DagRun
    from airflow.sdk.definitions.dag import _run_task
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState

    with create_session() as session:
        run = session.query(DagRun).filter_by(dag_id=made.dag_id, run_id=run_id).one()
        run.dag = _serialized(made)
        ready, _ = run.update_state(session=session)
        ready = [ti for ti in ready if map_index is None or ti.map_index == map_index]
        for ti in ready:
            ti.try_number += 1
            ti.state = TaskInstanceState.SCHEDULED
        session.commit()
        for ti in ready:
            _run_task(ti=ti, task=made.task_dict[ti.task_id])
        session.commit()
        run.update_state(session=session)
        return Ran(run)


def _serialized(made):
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.deserialize_dag(DagSerialization.serialize_dag(made))


class Waits(logging.Handler):
    """Leaves a file when this worker waits for another's rows."""

    def emit(self, record):
        if record.getMessage().startswith("Waiting for"):
            Path(os.environ["PAID_ONCE_FOLDER"], "waits").touch()


if __name__ == "__main__":
    name, run_id, map_index = sys.argv[1], sys.argv[2], int(sys.argv[3])
    once = logging.getLogger("airflow_provider_aiguard.inference.once")
    once.setLevel(logging.INFO)
    once.addHandler(Waits())
    ran = finish(dag(name, mapped=map_index >= 0), run_id, map_index)
    assert ran.task("guess", map_index).state == "success", ran.states
