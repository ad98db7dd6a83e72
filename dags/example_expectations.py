"""A Great Expectations suite as a gate, and a checkpoint with its actions."""

# [START expectations]
from airflow.sdk import dag

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.operators.expectations import ExpectationsCheckOperator

flights = Table("flights", "warehouse", key="flight_id", where="month = :month", parameters={"month": 2})

suite = {
    "name": "flights",
    "expectations": [
        {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "flight_id"}},
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "hour", "min_value": 0, "max_value": 23}},
        {
            "type": "expect_column_mean_to_be_between",
            "kwargs": {"column": "distance", "min_value": 500, "max_value": 2000},
            "severity": "warning",
        },
    ],
}


def origins(batch_definition):
    """A checkpoint, with whatever actions: Great Expectations is imported when the task runs."""
    import great_expectations as gx
    import great_expectations.expectations as gxe

    known = gxe.ExpectColumnValuesToBeInSet(column="origin", value_set=["EWR", "JFK", "LGA"])
    expected = gx.ExpectationSuite(name="origins", expectations=[known])
    validation = gx.ValidationDefinition(name="origins", data=batch_definition, suite=expected)
    return gx.Checkpoint(name="origins", validation_definitions=[validation], actions=[])


@dag(schedule=None, tags=["aiguard"])
def example_expectations():
    check = ExpectationsCheckOperator(task_id="check", table=flights, suite=suite)
    checkpoint = ExpectationsCheckOperator(task_id="checkpoint", table=flights, checkpoint=origins)
    check >> checkpoint


example_expectations()
# [END expectations]
