"""Does a confidence of 0.9 mean nine in ten? Wait for labels, then compare."""

# [START calibration]
from airflow.sdk import dag, task

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.operators.calibration import CalibrationCheckOperator
from airflow_provider_aiguard.sensors.calibration import CalibrationSensor

march = {"where": "month = :month", "parameters": {"month": 3}}
flights = Table("flights", "warehouse", key="flight_id", **march)
guessed = Table("flights_calibrated", "warehouse", key="flight_id", **march)
arrivals = Table("arrivals", "warehouse", key="flight_id", **march)


@dag(schedule=None, tags=["aiguard"])
def example_calibration():
    @task.inference(rows=flights, into=guessed, outputs={"late": bool})
    def guess(batch):
        return {"late": batch["hour"] >= 18}, {"late": [0.97] * len(batch)}

    arrived = CalibrationSensor(
        task_id="arrived", table=guessed, column="late", truth=arrivals, max_brier=0.3, min_truth_share=0.9, timeout=600
    )
    check = CalibrationCheckOperator(
        task_id="check",
        table=guessed,
        column="late",
        truth=arrivals,
        max_ece=0.1,
        max_brier=0.25,
        min_truth_share=0.9,
        name="flights-late",  # kept for the next run's reference=, and for estimate_from= of a ground truth check
    )
    guess() >> arrived >> check


example_calibration()
# [END calibration]
