"""Look before the work whether the money is there, and wait until it is."""

# [START budget]
from airflow.sdk import dag

from airflow_provider_aiguard import Budget
from airflow_provider_aiguard.operators.budget import BudgetCheckOperator
from airflow_provider_aiguard.sensors.budget import BudgetSensor

team = Budget("team-data", limit="20.00", per="month")


@dag(schedule=None, tags=["aiguard"])
def example_budget():
    check = BudgetCheckOperator(task_id="check", budget=team, needed="2.50", on_breach="skip")
    wait = BudgetSensor(task_id="wait", budget=team, needed="2.50", mode="reschedule", poke_interval=600, timeout=86400)
    check >> wait


example_budget()
# [END budget]
