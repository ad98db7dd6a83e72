"""Fill what is missing, in place: values that were there are labelled observed, the model's own ai_inferred."""

# [START fill_missing]
from airflow.sdk import dag, task

from airflow_provider_aiguard import Failure, Table

arrivals = Table("arrivals", "warehouse", key="flight_id", where="month = :month", parameters={"month": 2})


@dag(schedule=None, tags=["aiguard"])
def example_fill_missing():
    @task.inference(
        rows=arrivals, into=arrivals, outputs=["late"], inputs=["flight_id"], fill="missing", max_reject_share=0.1
    )
    def guess(batch):
        # A flight of the first day has no yesterday to learn from: that row is a reject, not a silent NULL.
        late = [Failure("no_history") if flight % 1000 == 0 else False for flight in batch["flight_id"]]
        return {"late": late}, {"late": [0.8] * len(batch)}

    guess()


example_fill_missing()
# [END fill_missing]
