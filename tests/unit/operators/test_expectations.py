"""Arguments of the expectations check."""

from __future__ import annotations

import pytest

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.operators.expectations import ExpectationsCheckOperator

table = Table("t", "rows", where="day = :day", parameters={"day": "{{ ds }}"})
suite = {"name": "s", "expectations": []}


def check(**kwargs):
    return ExpectationsCheckOperator(task_id="e", **{"table": table, "suite": suite} | kwargs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"suite": None}, "either suite= or checkpoint=: give one of them"),
        ({"checkpoint": lambda batch: None}, "either suite= or checkpoint=: give one of them"),
        ({"table": "t"}, "Table 't' has no connection"),
        ({"on_breach": "ignore"}, "on_breach must be one of"),
        ({"on_undecided": None}, "on_undecided must be one of"),
    ],
)
def test_bad_argument(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        check(**arguments)


def test_a_checkpoint_is_a_function():
    with pytest.raises(ConfigurationError, match=r"checkpoint must be a function .*; got 'nightly'"):
        check(suite=None, checkpoint="nightly").question()


def test_an_unknown_argument_is_an_error():
    with pytest.raises(TypeError, match="on_breech"):
        check(on_breech="warn")


def test_the_question_has_what_was_rendered():
    operator = check(expectation_parameters={"rows": 5})
    assert [hasattr(operator, field) for field in operator.template_fields] == [True] * 3
    question = operator.question()
    assert (question.table, question.suite, question.parameters) == (table, suite, {"rows": 5})
    assert operator.lineage_inputs() == [table]
