"""Compare each batch with those before it: no baseline to make, and ordinary wobble is no alarm."""

# [START drift_trailing]
from airflow.sdk import dag

from airflow_provider_aiguard import Reference, Table
from airflow_provider_aiguard.operators.drift import DriftCheckOperator
from airflow_provider_aiguard.sensors.drift import DriftSensor

month = Table("flights", "warehouse", where="month = :month", parameters={"month": "{{ params.month }}"})
columns = ["carrier", "distance", "hour"]


@dag(schedule=None, params={"month": 2}, tags=["aiguard"])
def example_drift_trailing():
    batches = DriftCheckOperator(
        task_id="batches",
        table=month,
        reference=Reference.trailing("flights-by-month", batches=8),
        columns=columns,
        on_undecided="warn",  # the first five batches have too few before them
    )
    same_weekday = DriftCheckOperator(
        task_id="same_weekday",
        table=month,
        reference=Reference.seasonal("flights-by-weekday", by="weekday"),
        columns=columns,
        on_undecided="warn",
    )
    previous = DriftSensor(
        task_id="previous",
        table=month,
        reference=Reference.previous("flights-last"),
        columns=columns,
        methods={"*": ["ks", "nulls", "categories", "unseen"], "distance": ["wasserstein", "mean", "nulls"]},
        design_effect=2.0,
        poke_interval=1,
        timeout=3,
        on_undecided="warn",
    )
    batches >> same_weekday >> previous


example_drift_trailing()
# [END drift_trailing]
