"""Do the predictions still move with the business?"""

# [START alignment]
from airflow.sdk import dag, task

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.operators.alignment import AlignmentCheckOperator

month = {"month": "{{ params.month }}"}
flights = Table("flights", "warehouse", key="flight_id", where="month = :month", parameters=month)
planned = Table("flights_planned", "warehouse", key="flight_id", where="month = :month", parameters=month)


@dag(schedule=None, params={"month": 2}, tags=["aiguard"])
def example_alignment():
    @task.inference(rows=flights, into=planned, outputs={"late": bool})
    def guess(batch):
        return {"late": batch["hour"] >= 18}, {"late": [0.8] * len(batch)}

    aligned = AlignmentCheckOperator(
        task_id="aligned",
        table=planned,
        column="late",
        aggregate="share_true",
        kpi="SELECT avg(CASE WHEN late THEN 1.0 ELSE 0.0 END) FROM arrivals WHERE month = :month",
        kpi_parameters=month,
        name="late_flights",
        min_correlation=0.3,
        on_undecided="warn",  # the first 19 runs are too few
    )
    guess() >> aligned


example_alignment()
# [END alignment]
