"""A process of its own: a DAG with OpenLineage on, or one that waits to be killed. Started by tests."""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, TriggerRule
from airflow_home import run_dag, run_here

from airflow_provider_aiguard import Budget, Table
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.operators.budget import BudgetCheckOperator
from airflow_provider_aiguard.operators.confidence import ConfidenceCheckOperator
from airflow_provider_aiguard.operators.ground_truth import GroundTruthCheckOperator
from airflow_provider_aiguard.operators.inference import InferenceOperator
from airflow_provider_aiguard.operators.profile import ProfileOperator
from airflow_provider_aiguard.operators.provenance import TrainingStep
from airflow_provider_aiguard.sensors.confidence import ConfidenceSensor

people = Table("people", "rows", key="id")
claims = Table("claims", "rows", key="id")


class Mute(InferenceOperator):
    """Cannot tell its lineage."""

    def _lineage_builder(self, *args, **kwargs):
        raise RuntimeError("no lineage today")


class Stammers(InferenceOperator):
    """Leaves a lineage that cannot be built."""

    def _lineage_builder(self, *args, **kwargs):
        return lambda: 1 / 0


def sure(batch):
    return {"late": batch["age"] > 10}, {"late": [0.9] * len(batch)}


def refuses(batch):
    raise RuntimeError(f"the model is ill of {'SEC'}RET {batch['age'].iloc[0]}")


def inference(task_id, into, function=sure, kind=InferenceOperator, **kwargs):
    model = FunctionModel(function, outputs=["late"], name="rule", version="1")
    return kind(task_id=task_id, rows=people, into=into, outputs={"late": bool}, model=model, **kwargs)


def lineage():
    with DAG("lineage", schedule=None, default_args={"trigger_rule": TriggerRule.ALL_DONE}) as dag:
        money = {"price_per_row": "0.01", "budget": Budget("lineage", "5.00")}
        inference("score", "claims", **money) >> [
            ConfidenceCheckOperator(task_id="passes", table=claims, column="late", min_mean=0.8),
            ConfidenceCheckOperator(task_id="breaches", table=claims, column="late", min_mean=0.95),
            ConfidenceCheckOperator(task_id="warns", table=claims, column="late", min_mean=0.95, on_breach="warn"),
            ConfidenceCheckOperator(task_id="skips", table=claims, column="late", min_mean=0.95, on_breach="skip"),
            GroundTruthCheckOperator(task_id="truth", table=claims, column="late", truth="truth", min_accuracy=0.5),
            ConfidenceSensor(task_id="sensor", table=claims, column="late", min_mean=0.8),
            ProfileOperator(task_id="profiled", table=claims, name="claims"),
            BudgetCheckOperator(task_id="money", budget=Budget("lineage", "5.00")),
        ]
        ProfileOperator(task_id="profile", table=people, name="people")
        inference("ill", "nowhere", refuses)
        inference("mute", "mute", kind=Mute)
        inference("stammers", "stammers", kind=Stammers)
    return run_here(dag)


def examples():
    """Every example DAG, and the months of the main one that end in each colour."""
    from airflow.dag_processing.dagbag import DagBag

    months = [{"month": 2}, {"month": 7}, {"month": 8}, {"month": 6, "price": "0.01"}]
    bag = DagBag()
    names = sorted(bag.dags, key=lambda name: (name != "example_flight_baseline", name))
    ran = {}
    for name in names:
        for conf in months if name == "example_flight_delays" else [None]:
            done = run_dag(bag.get_dag(name), conf)
            ran.setdefault(name, []).append({"run_id": done.run_id, "states": done.states})
    return ran


def flights():
    """The main example, in a month that passes."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag()
    run_dag(bag.get_dag("example_flight_baseline"))
    return run_dag(bag.get_dag("example_flight_delays"), {"month": 2})


def foreign():
    import foreign_tasks

    return run_here(foreign_tasks.foreign())


def feedback():
    """A model's work becomes a training set: of the model, of another, and of neither."""

    def trains(task_id, table, name="rule", **store):
        step = TrainingStep(rows=Table(table, "rows"), model_name=name, model_version="2", **store)
        return PythonOperator(task_id=task_id, python_callable=lambda: None, post_execute=step)

    with DAG("feedback", schedule=None) as dag:
        inference("score", "claims") >> [
            trains("again", "claims"),
            trains("raw", "people"),
            trains("other", "claims", "another"),
            trains("fresh", "fresh"),
            trains("storeless", "claims", aiguard_conn_id="nowhere"),
        ]
    return run_here(dag)


class Counts(ConfidenceSensor):
    """Leaves a mark for each question it asks, and changes nothing else."""

    def _ask(self, context):
        with Path(sys.argv[2], self.task_id).open("a") as marks:
            marks.write("x")
        return super()._ask(context)


def waiting():
    """A sensor in every mode that asks at least twice before the data is there."""
    import sqlalchemy as sa
    from airflow_home import ROWS, write_claims
    from arrival import Arrival

    from airflow_provider_aiguard.store.location import embedded_url
    from airflow_provider_aiguard.store.store import open_store

    engine = sa.create_engine(f"sqlite:///{ROWS}", poolclass=sa.pool.NullPool)
    modes = {"poke": {}, "reschedule": {"mode": "reschedule"}, "deferrable": {"deferrable": True}}
    marks = {}
    with open_store(embedded_url()) as store:
        for mode, arguments in modes.items():
            write_claims(engine, mode, [0.5] * 10)
            wait = {"table": Table(mode, "rows"), "column": "late", "min_mean": 0.8, "poke_interval": 0.05}
            with DAG(mode, schedule=None) as dag:
                Counts(task_id=f"wait_{mode}", timeout=60, **wait, **arguments)
            Arrival(store, f"wait_{mode}", partial(write_claims, engine, mode, [0.9] * 20)).start()
            states = run_here(dag).states
            marks[mode] = {"states": states, "asked": len(Path(sys.argv[2], f"wait_{mode}").read_text())}
    return marks


def killed():
    here = Path(sys.argv[2])

    def waits(batch):
        if batch["age"].iloc[0]:
            (here / "in the second chunk").touch()
            time.sleep(120)
        return sure(batch)

    with DAG("killed_for_real", schedule=None) as dag:
        budget = Budget("killed", "5.00")
        inference("guess", "killed_for_real", waits, chunk_size=10, price_per_row="0.01", budget=budget)
    return run_here(dag)


if __name__ == "__main__":
    made = (lineage, examples, flights, foreign, feedback, waiting, killed)
    ran = {function.__name__: function for function in made}[sys.argv[1]]()
    answer = ran if isinstance(ran, dict) else {"run_id": ran.run_id, "states": ran.states}
    Path(sys.argv[2], "states.json").write_text(json.dumps(answer))
