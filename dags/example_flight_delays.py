"""Predict which flights will be late, and notice when the predictions rot.

Every month a model that knows January scores the month's flights. It stays as confident as ever while it gets worse;
the guards see it. ``publish`` runs only if all of them pass.
"""

# [START flight_delays]
from airflow.sdk import dag, task

from airflow_provider_aiguard import Budget, Table
from airflow_provider_aiguard.demo.flights import FEATURES
from airflow_provider_aiguard.operators.confidence import ConfidenceCheckOperator
from airflow_provider_aiguard.operators.drift import DriftCheckOperator
from airflow_provider_aiguard.operators.ground_truth import GroundTruthCheckOperator
from airflow_provider_aiguard.operators.profile import ProfileOperator
from airflow_provider_aiguard.operators.provenance import TrainingStep

month = {"month": "{{ params.month }}"}
flights = Table("flights", "warehouse", key="flight_id", where="month = :month", parameters=month)
scored = Table("flights_scored", "warehouse", key="flight_id", where="month = :month", parameters=month)
arrivals = Table("arrivals", "warehouse", key="flight_id", where="month = :month", parameters=month)


@dag(schedule=None, params={"month": 1}, tags=["aiguard"])
def example_flight_baseline():
    ProfileOperator(
        task_id="january",
        table=flights,
        name="flights-january",
        columns=["carrier", "origin", "dest", "distance", "hour"],
    )

    @task(post_execute=TrainingStep(model_name="flights-gbm", model_version="2013-01", rows=[flights, arrivals]))
    def trained():
        print("The model learnt from January before Airflow started; a DAG of yours would train it here.")

    trained()


@dag(schedule=None, params={"month": 2, "price": "0.00002"}, tags=["aiguard"])
def example_flight_delays():
    drift = DriftCheckOperator(
        task_id="drift",
        table=flights,
        reference="flights-january",
        min_effect={"ks": 0.05, "categories": 0.25},
    )

    @task.inference(
        rows=flights,
        into=scored,
        outputs={"late": bool},
        inputs=FEATURES,  # flights that are alike in these are one question
        model_name="flights-gbm",
        model_version="2013-01",
        price_per_row="{{ params.price }}",
        budget=Budget("flights", limit="1.00", per="dag_run"),
    )
    def score(batch):
        from airflow_provider_aiguard.demo.model import load

        late = load().predict_proba(batch[FEATURES])[:, 1]
        return {"late": late > 0.5}, {"late": abs(late - 0.5) + 0.5}

    sure = ConfidenceCheckOperator(task_id="sure", table=scored, column="late", min_mean=0.8)
    right = GroundTruthCheckOperator(
        task_id="right", table=scored, column="late", truth=arrivals, min_accuracy=0.8, min_truth_share=0.9
    )

    @task
    def publish():
        print("The predictions may be used.")

    score() >> [sure, right] >> publish() << drift


example_flight_baseline()
example_flight_delays()
# [END flight_delays]
