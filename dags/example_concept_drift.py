"""Labels arrive: measure how often the model was wrong in this run, and compare with the runs before it."""

# [START concept_drift]
from airflow.sdk import dag, task

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.operators.concept import ConceptDriftCheckOperator

month = {"where": "month = :month", "parameters": {"month": "{{ params.month }}"}}
flights = Table("flights", "warehouse", key="flight_id", **month)
guessed = Table("flights_guessed", "warehouse", key="flight_id", **month)
arrivals = Table("arrivals", "warehouse", key="flight_id", **month)


@dag(schedule=None, params={"month": 2}, tags=["aiguard"])
def example_concept_drift():
    @task.inference(rows=flights, into=guessed, outputs={"late": bool})
    def guess(batch):
        return {"late": batch["hour"] >= 18}, {"late": [0.86] * len(batch)}

    # The first runs are the baseline: until there are ten, the check is undecided.
    check = ConceptDriftCheckOperator(
        task_id="check", table=guessed, column="late", truth=arrivals, name="late", on_undecided="warn"
    )
    guess() >> check


example_concept_drift()
# [END concept_drift]
