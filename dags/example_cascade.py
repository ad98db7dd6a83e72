"""A cheap model answers what it is sure of, a dear one the rest. The cheap one is a rule."""

# [START cascade]
import os
from pathlib import Path

from airflow.sdk import dag

from airflow_provider_aiguard import Budget, Cascade, Level, SklearnModel, Table
from airflow_provider_aiguard.demo.flights import FEATURES
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.operators.inference import InferenceOperator

folder = Path(os.environ.get("AIGUARD_DEMO_FOLDER", ".demo"))
pin = folder / "late.sha256"  # in your DAG: the sha256 itself, from your model registry


def by_hour(flights):
    """Flights before 9 are hardly ever late; of later ones this rule is not sure."""
    return {"late": [False] * len(flights)}, {"late": (0.95 - 0.3 * (flights["hour"] >= 9)).tolist()}


rule = FunctionModel(by_hour, outputs=["late"], name="by-hour", version="1")
gbm = SklearnModel(
    folder / "late.pkl",
    sha256=pin.read_text() if pin.exists() else "0" * 64,
    output="late",
    features=FEATURES,
    name="flights-gbm",
    version="2013-01",
)


@dag(schedule=None, params={"month": 2}, tags=["aiguard"])
def example_cascade():
    InferenceOperator(
        task_id="score",
        rows=Table("flights", "warehouse", key="flight_id", where="month = :m", parameters={"m": "{{ params.month }}"}),
        into="flights_scored_by_cascade",
        outputs={"late": bool},
        inputs=FEATURES,
        model=Cascade(
            [Level(rule, price_per_row="0.00001"), Level(gbm, price_per_row="0.0001")], accept=0.9, fallback=rule
        ),
        budget=Budget("cascade", limit="1.00"),
        on_budget="cheaper",
    )


example_cascade()
# [END cascade]
