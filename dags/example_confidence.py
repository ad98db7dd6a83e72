"""Gate on confidence: after an inference, or wait until claims are there and sure enough."""

# [START confidence]
from airflow.sdk import dag, task

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.operators.confidence import ConfidenceCheckOperator
from airflow_provider_aiguard.sensors.confidence import ConfidenceSensor

flights = Table("flights", "warehouse", key="flight_id", where="month = :month", parameters={"month": 3})
labelled = Table("flights_labelled", "warehouse", key="flight_id", where="month = :month", parameters={"month": 3})


@dag(schedule=None, tags=["aiguard"])
def example_confidence():
    @task.inference(rows=flights, into=labelled, outputs={"haul": ["short", "long"]})
    def label(batch):
        long = batch["distance"] > 1000
        return {"haul": long.map({True: "long", False: "short"})}, {"haul": 0.7 + 0.3 * long}

    check = ConfidenceCheckOperator(
        task_id="check", table=labelled, column="haul", min_mean=0.75, max_share_below=(0.6, 0.10)
    )
    wait = ConfidenceSensor(
        task_id="wait", table=labelled, column="haul", min_mean=0.75, deferrable=True, poke_interval=30, timeout=600
    )
    label() >> [check, wait]


example_confidence()
# [END confidence]
