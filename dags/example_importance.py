"""Does the model still lean on the features it leant on?"""

# [START importance]
import os
from pathlib import Path

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import dag

from airflow_provider_aiguard import SklearnModel, Table
from airflow_provider_aiguard.demo.flights import FEATURES
from airflow_provider_aiguard.operators.importance import ImportanceCheckOperator

folder = Path(os.environ.get("AIGUARD_DEMO_FOLDER", ".demo"))
pin = folder / "late.sha256"  # in your DAG: the sha256 itself, from your model registry


@dag(schedule=None, params={"month": 2}, tags=["aiguard"])
def example_importance():
    join = SQLExecuteQueryOperator(
        task_id="join",
        conn_id="warehouse",
        sql="CREATE OR REPLACE VIEW flights_with_truth AS "
        "SELECT flights.*, arrivals.late FROM flights JOIN arrivals USING (flight_id)",
    )
    stable = ImportanceCheckOperator(
        task_id="stable",
        table=Table(
            "flights_with_truth",
            "warehouse",
            key="flight_id",
            where="month = :month",
            parameters={"month": "{{ params.month }}"},
        ),
        model=SklearnModel(
            folder / "late.pkl", sha256=pin.read_text() if pin.exists() else "0" * 64, output="late", name="flights-gbm"
        ),
        truth_column="late",
        features=FEATURES,
        name="flights",
        on_undecided="warn",  # the first run has nothing to be compared with
    )
    join >> stable


example_importance()
# [END importance]
