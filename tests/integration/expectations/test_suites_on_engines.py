"""Great Expectations for real on SQLite, DuckDB and PostgreSQL: what is expected, and what comes out."""

from __future__ import annotations

import datetime as dt
import json

import great_expectations as gx
import great_expectations.expectations as gxe
import pytest
import sqlalchemy as sa
from great_expectations.checkpoint.actions import ValidationAction
from great_expectations.expectations.row_conditions import Column

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import Outcome, Severity

PASS, BREACH, UNDECIDED = Outcome.PASS, Outcome.BREACH, Outcome.UNDECIDED
SOMEBODY = "Mallory-4711"
NAME = 'fly "fast" now'
FLIGHTS = Table(NAME, "wh", key="id", where="part = :part AND hour < 24", parameters={"part": "o'neill %s :x"})

COLUMNS = {
    "id": sa.Integer(),
    "part": sa.Text(),
    "hour": sa.Integer(),
    "distance": sa.Double(),
    "carrier": sa.Text(),
    "delay": sa.Integer(),
    "moment": sa.DateTime(),
    "hollow": sa.Integer(),
    "day": sa.Date(),
    "big": sa.BigInteger(),
    "Odd Name": sa.Text(),
}


@pytest.fixture
def flights(engine):
    """A hundred rows that are meant, and a hundred of another part that would break everything."""
    table = sa.Table(NAME, sa.MetaData(), *(sa.Column(name, kind) for name, kind in COLUMNS.items()))
    start = dt.datetime(2013, 1, 1)  # noqa: DTZ001  a column without zone
    meant = [
        {
            "id": i,
            "part": FLIGHTS.parameters["part"],
            "hour": i % 24,
            "distance": float(i % 10),
            "carrier": ["AA", "B6"][i % 2],
            "delay": None if i % 10 == 0 else i,
            "moment": start + dt.timedelta(hours=i),
            "hollow": None,
            "day": start.date(),
            "big": 2**40,
            "Odd Name": "x",
        }
        for i in range(100)
    ]
    others = [
        row | {"part": "other", "carrier": SOMEBODY, "hour": 23, "distance": -1e9, "delay": None, "Odd Name": None}
        for row in meant
    ]
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(sa.insert(table), meant)
        connection.execute(sa.insert(table), others)
    return FLIGHTS


RAN = []


class Tell(ValidationAction):
    """An action that remembers that it ran."""

    type: str = "aiguard_tests_tell"

    def run(self, checkpoint_result, action_context=None):
        RAN.append(checkpoint_result.success)
        return {}


def suite(*expectations):
    return {
        "name": "flights",
        "expectations": [{"type": f"expect_{kind}", "kwargs": kwargs} for kind, kwargs in expectations],
    }


# The commonest expectations, each where it is met and where it is not: (type, arguments, outcome, value).
COMMON = [
    ("column_values_to_not_be_null", {"column": "hour"}, PASS, 0.0),
    ("column_values_to_not_be_null", {"column": "delay"}, BREACH, 0.1),
    ("column_values_to_not_be_null", {"column": "delay", "mostly": 0.9}, PASS, 0.1),
    ("column_values_to_be_null", {"column": "hollow"}, PASS, 0.0),
    ("column_values_to_be_between", {"column": "distance", "min_value": 0, "max_value": 9}, PASS, 0.0),
    ("column_values_to_be_between", {"column": "distance", "min_value": 0, "max_value": 8}, BREACH, 0.1),
    ("column_values_to_be_between", {"column": "moment", "min_value": "2013-01-01 00:00:00.000000"}, PASS, 0.0),
    ("column_values_to_be_in_set", {"column": "carrier", "value_set": ["AA", "B6"]}, PASS, 0.0),
    ("column_values_to_be_in_set", {"column": "carrier", "value_set": ["AA"]}, BREACH, 0.5),
    ("column_values_to_not_be_in_set", {"column": "carrier", "value_set": [SOMEBODY]}, PASS, 0.0),
    ("column_values_to_be_unique", {"column": "id"}, PASS, 0.0),
    ("column_values_to_be_unique", {"column": "carrier"}, BREACH, 1.0),
    ("column_values_to_match_regex", {"column": "carrier", "regex": "^[AB]"}, PASS, 0.0),
    ("column_values_to_match_regex", {"column": "carrier", "regex": "6$"}, BREACH, 0.5),
    ("column_values_to_not_match_regex", {"column": "carrier", "regex": "^Mal"}, PASS, 0.0),
    ("column_values_to_match_like_pattern", {"column": "carrier", "like_pattern": "A%"}, BREACH, 0.5),
    ("column_value_lengths_to_be_between", {"column": "carrier", "min_value": 2, "max_value": 2}, PASS, 0.0),
    ("column_value_lengths_to_equal", {"column": "carrier", "value": 3}, BREACH, 1.0),
    ("column_mean_to_be_between", {"column": "distance", "min_value": 4, "max_value": 5}, PASS, 4.5),
    ("column_mean_to_be_between", {"column": "distance", "max_value": 4}, BREACH, 4.5),
    ("column_median_to_be_between", {"column": "distance", "min_value": 4, "max_value": 5}, PASS, 4.5),
    ("column_stdev_to_be_between", {"column": "distance", "min_value": 2.8, "max_value": 3}, PASS, 2.886751),
    ("column_min_to_be_between", {"column": "distance", "min_value": 0}, PASS, 0.0),
    ("column_max_to_be_between", {"column": "distance", "max_value": 8}, BREACH, 9.0),
    ("column_sum_to_be_between", {"column": "distance", "min_value": 450, "max_value": 450}, PASS, 450.0),
    ("column_unique_value_count_to_be_between", {"column": "carrier", "min_value": 3}, BREACH, 2.0),
    ("column_distinct_values_to_be_in_set", {"column": "carrier", "value_set": ["AA", "B6"]}, PASS, None),
    ("column_distinct_values_to_be_in_set", {"column": "carrier", "value_set": ["AA"]}, BREACH, None),
    ("column_to_exist", {"column": "hour"}, PASS, None),
    ("column_to_exist", {"column": "minute"}, BREACH, None),
    ("column_values_to_be_in_type_list", {"column": "id", "type_list": ["INTEGER", "BIGINT"]}, PASS, None),
    ("column_values_to_be_in_type_list", {"column": "id", "type_list": ["BOOLEAN"]}, BREACH, None),
    ("column_values_to_be_of_type", {"column": "day", "type_": "DATE"}, PASS, None),
    ("column_values_to_be_of_type", {"column": "big", "type_": "BIGINT"}, PASS, None),
    ("column_values_to_be_of_type", {"column": "carrier", "type_": "TEXT"}, PASS, None),
    ("column_pair_values_a_to_be_greater_than_b", {"column_A": "id", "column_B": "hour", "or_equal": True}, PASS, 0.0),
    ("column_pair_values_to_be_equal", {"column_A": "id", "column_B": "hour"}, BREACH, 0.76),
    ("compound_columns_to_be_unique", {"column_list": ["hour", "distance"]}, PASS, 0.0),
    ("table_row_count_to_equal", {"value": 100}, PASS, 100.0),
    ("table_row_count_to_be_between", {"min_value": 101}, BREACH, 100.0),
    ("table_column_count_to_equal", {"value": 11}, PASS, 11.0),
    ("table_columns_to_match_set", {"column_set": [*COLUMNS]}, PASS, None),
    ("table_columns_to_match_ordered_list", {"column_list": [*COLUMNS]}, PASS, None),
    ("column_values_to_not_be_null", {"column": "Odd Name"}, PASS, 0.0),
]  # fmt: skip


def test_the_commonest_expectations_come_out_as_expected(ask, flights):
    verdict = ask(flights, suite(*((kind, kwargs) for kind, kwargs, _, _ in COMMON)))
    assert len(verdict.checks) == len(COMMON)
    # Great Expectations groups them by column: a check is found by what it is and what it says.
    left = list(verdict.checks)
    for expected in COMMON:
        found = next((check for check in left if says(check, *expected)), None)
        assert found, (expected, [c for c in left if c.check.endswith(expected[0])])
        left.remove(found)


def says(check, kind, kwargs, outcome, value):
    same = check.value is None if value is None else check.value == pytest.approx(value, abs=1e-6)
    return same and (check.check, check.column, check.outcome) == (
        f"expectations.expect_{kind}",
        kwargs.get("column"),
        outcome,
    )


def test_messages_have_numbers_and_no_values_of_rows(ask, flights):
    verdict = ask(
        Table(NAME, "wh", key="id"),
        suite(
            ("column_values_to_be_in_set", {"column": "carrier", "value_set": ["AA", "B6"]}),
            ("column_values_to_match_regex", {"column": "carrier", "regex": "^[AB]"}),
            ("column_distinct_values_to_be_in_set", {"column": "carrier", "value_set": ["AA"]}),
            ("column_most_common_value_to_be_in_set", {"column": "carrier", "value_set": ["AA"]}),
            ("column_mean_to_be_between", {"column": "delay", "min_value": 60, "max_value": 70}),
        ),
    )
    messages = {check.message for check in verdict.checks}
    assert "carrier: 50.00% of 200 values break expect_column_values_to_be_in_set (0.00% allowed)" in messages
    assert "delay: 50 observed by expect_column_mean_to_be_between (60 to 70)" in {
        m.replace("50.0 ", "50 ") for m in messages
    }
    assert SOMEBODY not in json.dumps(verdict.to_dict())
    assert verdict.outcome is BREACH


@pytest.mark.parametrize(
    ("kind", "kwargs", "why"),
    [
        ("column_mean_to_be_between", {"column": "minute", "min_value": 0}, "the column does not exist"),
        ("column_values_to_be_in_set", {"column": "hollow", "value_set": [1]}, "there are no values but NULL"),
        ("column_distinct_values_to_be_in_set", {"column": "hollow", "value_set": [1]}, "there are no values but NULL"),
        ("column_mean_to_be_between", {"column": "hollow", "min_value": 0}, "there are no values but NULL"),
        (
            "column_values_to_be_dateutil_parseable",
            {"column": "carrier"},
            "Great Expectations does not support it on {dialect}",
        ),
        (
            "column_values_to_be_between",
            {"column": "carrier", "min_value": 1},
            "it cannot be computed on a column of this type",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_is_undecided(ask, engine, flights, kind, kwargs, why):
    (check,) = ask(flights, suite((kind, kwargs))).checks
    assert check.outcome is UNDECIDED
    assert (
        check.message
        == f"{kwargs['column']}: expect_{kind} could not be decided: {why.format(dialect=engine.dialect.name)}"
    )


def test_one_that_fails_does_not_spoil_the_others(ask, flights):
    verdict = ask(
        flights,
        suite(
            ("column_stdev_to_be_between", {"column": "carrier", "min_value": 0}),
            ("column_mean_to_be_between", {"column": "distance", "min_value": 4}),
            ("column_values_to_not_be_null", {"column": "carrier"}),
        ),
    )
    outcomes = {(c.check.removeprefix("expectations.expect_"), c.column): c.outcome for c in verdict.checks}
    assert outcomes["column_mean_to_be_between", "distance"] is PASS
    assert outcomes["column_values_to_not_be_null", "carrier"] is PASS


def test_no_rows_are_no_pass(ask, flights):
    nobody = Table(NAME, "wh", where="part = :part", parameters={"part": "nobody"})
    verdict = ask(
        nobody,
        suite(
            ("column_values_to_not_be_null", {"column": "hour"}),
            ("column_values_to_be_unique", {"column": "hour"}),
            ("column_distinct_values_to_be_in_set", {"column": "carrier", "value_set": ["AA"]}),
            ("column_to_exist", {"column": "hour"}),
            ("table_row_count_to_equal", {"value": 0}),
        ),
    )
    assert [check.outcome for check in verdict.checks] == [UNDECIDED] * 2 + [PASS] + [UNDECIDED, PASS]
    assert {c.message.partition(": ")[2] for c in verdict.of(UNDECIDED)} == {
        f"expect_{kind} could not be decided: there are no rows to judge"
        for kind in (
            "column_values_to_not_be_null",
            "column_values_to_be_unique",
            "column_distinct_values_to_be_in_set",
        )
    }
    assert verdict.outcome is UNDECIDED


def test_an_empty_suite_and_a_missing_table_are_undecided(ask, flights):
    assert ask(flights, suite()).outcome is UNDECIDED
    verdict = ask(Table("nowhere", "wh"), suite(("table_row_count_to_equal", {"value": 0})))
    assert verdict.outcome is UNDECIDED
    assert "'nowhere'" in verdict.summary


def test_severity_says_what_decides(ask, flights):
    broken = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "delay"}}
    for severity, ours, outcome in (
        ("critical", Severity.ERROR, BREACH),
        ("warning", Severity.WARN, PASS),
        ("info", Severity.WARN, PASS),
    ):
        verdict = ask(flights, {"name": "s", "expectations": [broken | {"severity": severity}]})
        (check,) = verdict.checks
        assert (check.severity, check.outcome, verdict.outcome) == (ours, BREACH, outcome)


def test_a_query_sees_the_rows_unless_parameters_are_bound(ask, flights):
    query = {
        "type": "unexpected_rows_expectation",
        "kwargs": {"unexpected_rows_query": "SELECT * FROM {batch} WHERE distance > 8"},
    }
    (check,) = ask(Table(NAME, "wh", where="hour = 9"), {"name": "s", "expectations": [query]}).checks
    assert (check.outcome, check.value) == (BREACH, 1.0)
    (check,) = ask(flights, {"name": "s", "expectations": [query]}).checks
    assert check.outcome is UNDECIDED
    assert "make a view of the rows" in check.message


def test_suite_parameters_are_filled_in(ask, flights):
    data = suite(("table_row_count_to_equal", {"value": {"$PARAMETER": "rows"}}))
    assert ask(flights, data, parameters={"rows": 100}).outcome is PASS
    assert ask(flights, data, parameters={"rows": 99}).outcome is BREACH


def test_row_conditions_narrow_further(ask, flights):
    made = gx.ExpectationSuite(name="s")
    made.add_expectation(
        gxe.ExpectColumnValuesToBeInSet(column="carrier", value_set=["AA"], row_condition=Column("hour") == 2)
    )
    verdict = ask(flights, lambda: made)
    assert (verdict.outcome, verdict.checks[0].detail["elements"]) == (PASS, 5)


def test_a_checkpoint_runs_on_the_table_with_its_actions(ask, flights):
    RAN.clear()

    def checkpoint(batch_definition):
        expected = gx.ExpectationSuite(name="s", expectations=[gxe.ExpectColumnValuesToNotBeNull(column="delay")])
        validation = gx.ValidationDefinition(name="v", data=batch_definition, suite=expected)
        return gx.Checkpoint(name="c", validation_definitions=[validation], actions=[Tell(name="tell")])

    verdict = ask(flights, checkpoint=checkpoint)
    assert [(c.check, c.outcome, c.value) for c in verdict.checks] == [
        ("expectations.expect_column_values_to_not_be_null", BREACH, pytest.approx(0.1))
    ]
    assert RAN == [False]
    with pytest.raises(ConfigurationError, match="returns a Great Expectations Checkpoint; it returned int"):
        ask(flights, checkpoint=lambda _: 1)
