"""Store a baseline, check a table against it, and wait for a table to match it."""

# [START drift]
from airflow.sdk import dag

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.operators.drift import DriftCheckOperator
from airflow_provider_aiguard.operators.profile import ProfileOperator
from airflow_provider_aiguard.sensors.drift import DriftSensor

columns = ["carrier", "distance", "hour"]
january = Table("flights", "warehouse", where="month = :month", parameters={"month": 1})
current = Table("flights", "warehouse", where="month = :month", parameters={"month": "{{ params.month }}"})


@dag(schedule=None, params={"month": 2}, tags=["aiguard"])
def example_drift():
    baseline = ProfileOperator(task_id="baseline", table=january, name="january", columns=columns)
    check = DriftCheckOperator(
        task_id="check",
        table=current,
        reference="january",
        min_effect={"ks": 0.05, "categories": 0.2},
        on_breach="warn",
    )
    wait = DriftSensor(
        task_id="wait",
        table=current,
        reference="january",
        min_effect={"ks": 0.05, "categories": 0.2},
        mode="reschedule",
        poke_interval=60,
        timeout=3600,
        soft_fail=True,
    )
    baseline >> [check, wait]


example_drift()
# [END drift]
