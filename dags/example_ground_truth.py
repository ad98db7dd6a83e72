"""Labels arrive later: wait for them, then check how often the model was right."""

# [START ground_truth]
from airflow.sdk import dag, task

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.operators.ground_truth import GroundTruthCheckOperator
from airflow_provider_aiguard.sensors.ground_truth import GroundTruthSensor

june = {"where": "month = :month", "parameters": {"month": 6}}
flights = Table("flights", "warehouse", key="flight_id", **june)
guessed = Table("flights_guessed", "warehouse", key="flight_id", **june)
arrivals = Table("arrivals", "warehouse", key="flight_id", **june)


@dag(schedule=None, tags=["aiguard"])
def example_ground_truth():
    @task.inference(rows=flights, into=guessed, outputs={"late": bool})
    def guess(batch):
        return {"late": [False] * len(batch)}, {"late": [0.86] * len(batch)}

    arrived = GroundTruthSensor(
        task_id="arrived",
        table=guessed,
        column="late",
        truth=arrivals,
        min_accuracy=0.5,
        min_truth_share=0.9,
        timeout=600,
    )
    right = GroundTruthCheckOperator(
        task_id="right", table=guessed, column="late", truth=arrivals, min_accuracy=0.7, min_truth_share=0.9
    )
    guess() >> arrived >> right


example_ground_truth()
# [END ground_truth]
