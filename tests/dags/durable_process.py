"""A DAG whose lineage goes through our transport, in a process of its own. Started by tests."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from airflow.sdk import DAG, task
from airflow_home import run_dag, run_here

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.operators.confidence import ConfidenceCheckOperator
from airflow_provider_aiguard.operators.inference import InferenceOperator
from airflow_provider_aiguard.sensors.confidence import ConfidenceSensor

people, claims = Table("people", "rows", key="id"), Table("claims", "rows", key="id")


def sure(batch):
    return {"late": batch["age"] > 10}, {"late": [0.9] * len(batch)}


def durable():
    """An AI step, a check, a sensor that defers, mapped plain tasks, and one that fails with a row in its error."""
    with DAG("durable", schedule=None) as dag:
        model = FunctionModel(sure, outputs=["late"], name="rule", version="1")
        score = InferenceOperator(task_id="score", rows=people, into="claims", outputs={"late": bool}, model=model)
        score >> ConfidenceCheckOperator(task_id="check", table=claims, column="late", min_mean=0.8)
        score >> ConfidenceSensor(task_id="wait", table=claims, column="late", min_mean=0.8, deferrable=True)

        @task
        def plain(number):
            return number

        @task
        def fails():
            raise ValueError("no\nDETAIL:  Failing row contains (17, hunter2-planted, null).")

        plain.expand(number=[1, 2, 3])
        fails()
    return run_here(dag)


def replay():
    """The example DAG that replays."""
    from airflow.dag_processing.dagbag import DagBag

    return run_dag(DagBag().get_dag("example_lineage_replay"))


if __name__ == "__main__":
    ran = {"durable": durable, "replay": replay}[sys.argv[1]]()
    Path(sys.argv[2], "states.json").write_text(json.dumps({"states": ran.states}))
