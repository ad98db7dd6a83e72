from __future__ import annotations

import pytest

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.concept import ConceptLimits
from airflow_provider_aiguard.guards.questions.concept import ConceptQuestion
from airflow_provider_aiguard.operators.concept import ConceptDriftCheckOperator

TABLE = Table("scored", "rows", key="id")


def check(**kwargs):
    arguments = {"table": TABLE, "column": "late", "truth": "arrivals", "name": "late"}
    return ConceptDriftCheckOperator(task_id="c", **arguments | kwargs)


def test_the_question_is_that_of_the_arguments():
    operator = check(
        truth_column="was",
        since="2013-07-01",
        run_length=100,
        min_runs=5,
        min_labels=10,
        min_truth_share=0.9,
        min_change=0.02,
    )
    assert operator.question() == ConceptQuestion(
        table=TABLE,
        column="late",
        truth=Table("arrivals", "rows", key="id"),
        truth_column="was",
        name="late",
        since="2013-07-01",
        limits=ConceptLimits(run_length=100, min_runs=5, min_labels=10, min_truth_share=0.9, min_change=0.02),
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"table": "scored"}, "Table 'scored' has no connection"),
        ({"table": Table("scored", "rows")}, "Table 'arrivals' needs a key"),
        ({"truth": Table("arrivals", "elsewhere", key="id")}, "Truth is joined where the rows are"),
        ({"name": " "}, "name must be the name of a series, such as 'late'; got ' '"),
        ({"name": None}, "name must be the name of a series, such as 'late'; got None"),
        ({"run_length": 1}, "run_length must be a number of at least 10; got 1"),
        ({"min_truth_share": 90}, r"min_truth_share must be a number in \[0, 1\]; got 90"),
        ({"on_breach": "wait"}, "on_breach must be one of .*; got 'wait'"),
    ],
)
def test_bad_argument(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        check(**arguments)


def test_template_fields_are_attributes_and_may_be_templates():
    operator = check(since="{{ params.since }}", name="{{ dag.dag_id }}", conn_id="{{ params.place }}", table="scored")
    assert all(hasattr(operator, field) for field in operator.template_fields)


def test_an_unknown_argument_is_an_error():
    with pytest.raises(TypeError, match="min_accuracy"):
        check(min_accuracy=0.8)
