"""One mapped task per part of a table. A pool of one slot keeps them in line: DuckDB has one writer."""

# [START mapped_inference]
from airflow.sdk import dag, task

from airflow_provider_aiguard import Table

flights = Table(
    "flights",
    "warehouse",
    key="flight_id",
    where="carrier = :carrier",
    parameters={"carrier": "{{ task.op_kwargs['carrier'] }}"},
)


@dag(schedule=None, tags=["aiguard"])
def example_mapped_inference():
    @task
    def carriers():
        return ["HA", "OO"]

    @task.inference(rows=flights, into="flights_by_carrier", outputs={"long_haul": bool}, max_active_tis_per_dag=1)
    def label(batch, carrier):
        print(f"{len(batch)} flights of {carrier}")
        return {"long_haul": batch["distance"] > 2000}, {"long_haul": [0.9] * len(batch)}

    label.expand(carrier=carriers())


example_mapped_inference()
# [END mapped_inference]
