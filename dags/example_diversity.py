"""Stop when a model says the same thing too often."""

# [START diversity]
from airflow.sdk import dag, task

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.operators.diversity import DiversityCheckOperator
from airflow_provider_aiguard.sensors.diversity import DiversitySensor

flights = Table("flights", "warehouse", key="flight_id", where="month = :month", parameters={"month": 2})
guessed = Table("flights_varied", "warehouse", key="flight_id", where="month = :month", parameters={"month": 2})


@dag(schedule=None, tags=["aiguard"])
def example_diversity():
    @task.inference(rows=flights, into=guessed, outputs={"haul": ["short", "long"], "miles": float})
    def guess(batch):
        haul = (batch["distance"] > 1000).map({True: "long", False: "short"})
        sure = [0.8] * len(batch)
        return {"haul": haul, "miles": 0.9 * batch["distance"]}, {"haul": sure, "miles": sure}

    classes = DiversityCheckOperator(
        task_id="classes", table=guessed, column="haul", min_entropy=0.5, classes=2, max_dominant_share=0.9
    )
    numbers = DiversitySensor(
        task_id="numbers",
        table=guessed,
        column="miles",
        reference=flights,
        reference_column="distance",
        min_variance_ratio=0.5,
        timeout=600,
    )
    guess() >> [classes, numbers]


example_diversity()
# [END diversity]
