"""One feature schema, learnt from the training rows, holds at training and at serving."""

# [START schema]
from airflow.sdk import dag

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.demo.flights import FEATURES
from airflow_provider_aiguard.operators.schema import SchemaCheckOperator, SchemaOperator
from airflow_provider_aiguard.sensors.schema import SchemaSensor

january = Table("flights", "warehouse", key="flight_id", where="month = :month", parameters={"month": 1})
current = Table(
    "flights", "warehouse", key="flight_id", where="month = :month", parameters={"month": "{{ params.month }}"}
)


@dag(schedule=None, params={"month": 2}, tags=["aiguard"])
def example_schema():
    # For a file that people edit and review: path=str(Path(__file__).parent / "flights.yaml") instead of name=.
    learn = SchemaOperator(task_id="learn", table=january, name="flights", columns=FEATURES)
    training = SchemaCheckOperator(task_id="training", table=january, schema="flights")
    arrived = SchemaSensor(task_id="arrived", table=current, schema="flights", min_rows=100, timeout=600)
    serving = SchemaCheckOperator(task_id="serving", table=current, schema="flights")
    learn >> training >> arrived >> serving


example_schema()
# [END schema]
