"""Tasks that were there before AI Guard: one argument more, and their events say what a model learnt and wrote."""

# [START provenance]
from airflow.sdk import dag, task

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.operators.provenance import AIStep, TrainingStep

flights = Table("flights", "warehouse", key="flight_id")
arrivals = Table("arrivals", "warehouse", key="flight_id")
guessed = Table("flights_by_hour", "warehouse", key="flight_id")
model = {"model_name": "late-from-hour", "model_version": "1"}


@dag(schedule=None, tags=["aiguard"])
def example_provenance():
    @task(post_execute=TrainingStep(rows=[flights, arrivals], **model))
    def train():
        from airflow.providers.duckdb.hooks.duckdb import DuckDBHook

        late = "SELECT hour FROM flights JOIN arrivals USING (flight_id) GROUP BY hour HAVING avg(late::INT) > 0.4"
        hours = DuckDBHook("warehouse").get_records(late)
        return min((hour for (hour,) in hours), default=24)

    @task(post_execute=AIStep(rows=flights, inputs=["hour"], into=guessed, outputs=["late"], **model))
    def guess(hour):
        from airflow.providers.duckdb.hooks.duckdb import DuckDBHook

        guess = "SELECT flight_id, hour >= $1 AS late FROM flights WHERE month = 2"
        DuckDBHook("warehouse").run(f"CREATE OR REPLACE TABLE flights_by_hour AS {guess}", parameters=[hour])

    guess(train())


example_provenance()
# [END provenance]
