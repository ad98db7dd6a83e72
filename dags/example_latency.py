"""Stop when a model takes too long for its calls."""

# [START latency]
from airflow.sdk import dag, task

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.operators.latency import LatencyCheckOperator

march = {"where": "month = :month AND day <= 3", "parameters": {"month": 3}}
flights = Table("flights", "warehouse", key="flight_id", **march)


@dag(schedule=None, tags=["aiguard"])
def example_latency():
    @task.inference(rows=flights, into="flights_in_time", outputs={"late": bool}, chunk_size=5)
    def guess(batch):
        return {"late": batch["hour"] >= 18}, {"late": [0.8] * len(batch)}

    fast = LatencyCheckOperator(
        task_id="fast",
        table=Table("flights_in_time", "warehouse"),
        latency_class="bounded",
        per="row",  # a function answers a chunk at once
        min_calls=10,
    )
    guess() >> fast


example_latency()
# [END latency]
