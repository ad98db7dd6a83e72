"""Are the features a model is served the ones it was trained on?"""

# [START skew]
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import dag

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.operators.skew import SkewCheckOperator
from airflow_provider_aiguard.sensors.skew import SkewSensor

february = {"where": "month = :month", "parameters": {"month": 2}}
trained = Table("flights", "warehouse", key="flight_id", **february)
served = Table("flights_served", "warehouse", key="flight_id", **february)
columns = ["carrier", "origin", "distance", "hour"]


@dag(schedule=None, tags=["aiguard"])
def example_skew():
    # In your house: the log of what the model was asked.
    log = SQLExecuteQueryOperator(
        task_id="log",
        conn_id="warehouse",
        sql="CREATE OR REPLACE TABLE flights_served AS SELECT * REPLACE (distance + 0.0 AS distance) FROM flights",
    )
    arrived = SkewSensor(task_id="arrived", table=trained, serving=served, columns=columns, timeout=600)
    same = SkewCheckOperator(task_id="same", table=trained, serving=served, columns=columns, max_mismatch=0.001)
    log >> arrived >> same


example_skew()
# [END skew]
