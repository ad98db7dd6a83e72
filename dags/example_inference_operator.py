"""A pinned scikit-learn model over the rows of a table, without writing a function."""

# [START inference_operator]
import os
from pathlib import Path

from airflow.sdk import Asset, dag

from airflow_provider_aiguard import SklearnModel, Table
from airflow_provider_aiguard.demo.flights import FEATURES
from airflow_provider_aiguard.operators.inference import InferenceOperator

folder = Path(os.environ.get("AIGUARD_DEMO_FOLDER", ".demo"))
pin = folder / "late.sha256"  # in your DAG: the sha256 itself, from your model registry


@dag(schedule=None, params={"month": 2}, tags=["aiguard"])
def example_inference_operator():
    InferenceOperator(
        task_id="score",
        rows=Table("flights", "warehouse", key="flight_id", where="month = :m", parameters={"m": "{{ params.month }}"}),
        into="flights_scored_by_operator",
        outputs={"late": bool},
        inputs=FEATURES,
        carry=["month"],
        model=SklearnModel(
            folder / "late.pkl",
            sha256=pin.read_text() if pin.exists() else "0" * 64,
            output="late",
            name="flights-gbm",
            version="2013-01",
        ),
        outlets=[Asset("flights_scored_by_operator")],
    )


example_inference_operator()
# [END inference_operator]
