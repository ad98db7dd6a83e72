"""What is taken from a result of Great Expectations, and what never is."""

from __future__ import annotations

import pytest
from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from airflow_provider_aiguard.core.verdict import Severity
from airflow_provider_aiguard.expectations.results import evidence_of


def result(kind="expect_column_mean_to_be_between", kwargs=None, info=None, severity="critical", **found):
    config = ExpectationConfiguration(type=kind, kwargs=kwargs or {"column": "c"}, severity=severity)
    exception = info or {"raised_exception": False, "exception_message": None, "exception_traceback": None}
    return ExpectationValidationResult(
        success=not info, expectation_config=config, result=found, exception_info=exception
    )


def raised(message, traceback):
    return {"raised_exception": True, "exception_message": message, "exception_traceback": traceback}


@pytest.mark.parametrize(
    ("observed", "number"),
    [(4, 4.0), (4.5, 4.5), (True, None), ("Bob", None), (["Bob"], None), ({"a": 1}, None), (float("nan"), None)],
)
def test_only_numbers_are_observed(observed, number):
    assert evidence_of(result(observed_value=observed), "sqlite").observed == number


def test_counts_are_taken_and_lists_are_not():
    found = evidence_of(
        result(
            kwargs={"column": "c", "mostly": 0.75},
            element_count=10,
            unexpected_count=2,
            missing_count=1,
            partial_unexpected_list=["Bob"],
            unexpected_list=["Bob"],
        ),
        "sqlite",
    )
    assert (found.elements, found.unexpected, found.missing, found.max_share) == (10, 2, 1, 0.25)
    assert "Bob" not in str(found)


@pytest.mark.parametrize(
    ("kwargs", "columns"),
    [
        ({"column": "c"}, ("c",)),
        ({"column_A": "a", "column_B": "b"}, ("a", "b")),
        ({"column_list": ["a", "b", "c"]}, ("a", "b", "c")),
        ({"value": 3}, ()),
    ],
)
def test_columns_are_found_under_each_name(kwargs, columns):
    assert evidence_of(result(kwargs=kwargs), "sqlite").columns == columns


def test_ranges():
    both = evidence_of(result(kwargs={"column": "c", "min_value": 1, "max_value": 2}), "sqlite")
    exact = evidence_of(result("expect_table_row_count_to_equal", {"value": 3}), "sqlite")
    threshold = evidence_of(result(kwargs={"column": "c", "threshold": 0.1}), "sqlite")
    assert [(e.minimum, e.maximum) for e in (both, exact, threshold)] == [(1, 2), (3, 3), (None, 0.1)]


@pytest.mark.parametrize(("severity", "ours"), [("critical", Severity.ERROR), ("warning", "warn"), ("info", "warn")])
def test_severity(severity, ours):
    assert evidence_of(result(severity=severity), "sqlite").severity == ours


TRACEBACK = """Traceback (most recent call last):
  File "base.py", line 1, in execute
    cursor.execute(statement)
psycopg2.errors.InvalidTextRepresentation: invalid input syntax for type integer: "Bob"
LINE 1: Bob

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "x.py", line 2, in resolve
sqlalchemy.exc.DataError: (psycopg2.errors.InvalidTextRepresentation) "Bob"
"""


@pytest.mark.parametrize(
    ("message", "traceback", "problem"),
    [
        ('invalid input syntax for type integer: "Bob"', TRACEBACK, "InvalidTextRepresentation was raised"),
        ("Bob", None, "an error was raised"),
        ("Bob", "Bob: Bob", "an error was raised"),
        ('Error: The column "c" in BatchData does not exist.', TRACEBACK, "the column does not exist"),
        ("Regex is not supported for dialect oracle", "", "Great Expectations does not support it on oracle"),
        ("No literal value renderer is available for 'Bob'", "", "it needs the rows as SQL text, which where= with"),
    ],
)
def test_an_exception_is_told_without_what_it_quotes(message, traceback, problem):
    one = raised(message, traceback)
    for info in (one, {"('column.mean', 'x', ())": one}):
        found = evidence_of(result(info=info), "oracle")
        assert found.problem.startswith(problem)
        assert "Bob" not in str(found)


def test_no_exception_is_no_problem():
    assert evidence_of(result(), "sqlite").problem is None
    quiet = {"raised_exception": False, "exception_message": None, "exception_traceback": None}
    assert evidence_of(result(info={"a metric": quiet}), "sqlite").problem is None
