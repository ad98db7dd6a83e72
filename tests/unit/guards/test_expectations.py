"""The expectations guard: what passes, what does not, and what had nothing to judge."""

from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.expectations import ExpectationEvidence, ExpectationsEvidence
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity, Verdict
from airflow_provider_aiguard.guards.expectations import evaluate

PASS, BREACH, UNDECIDED = Outcome.PASS, Outcome.BREACH, Outcome.UNDECIDED
NOT_NULL = "expect_column_values_to_not_be_null"
IN_SET = "expect_column_values_to_be_in_set"
MEAN = "expect_column_mean_to_be_between"


def judge(rows=100, present=None, **found):
    evidence = ExpectationEvidence(**{"type": IN_SET, "columns": ("c",), "success": True} | found)
    (check,) = evaluate(ExpectationsEvidence(rows=rows, present=present or {"c": rows}, expectations=(evidence,)))
    assert check.check == f"expectations.{evidence.type}"
    return check


def test_values_are_counted_among_those_that_are_there():
    check = judge(success=False, elements=100, missing=20, unexpected=8, max_share=0.05)
    assert (check.outcome, check.value, check.limit, check.column) == (BREACH, 0.1, 0.05, "c")
    assert check.message == f"c: 10.00% of 80 values break {IN_SET} (5.00% allowed)"
    assert check.detail == {"elements": 100, "missing": 20, "unexpected": 8}


@pytest.mark.parametrize(
    ("observed", "low", "high", "limit", "text"),
    [
        (4.5, 4.0, 5.0, 4.0, "4.5 observed by {} (4 to 5)"),
        (6.0, 4.0, 5.0, 5.0, "6 observed by {} (4 to 5)"),
        (3.0, 4.0, 5.0, 4.0, "3 observed by {} (4 to 5)"),
        (3.0, 4.0, None, 4.0, "3 observed by {} (at least 4)"),
        (3.0, None, 2.0, 2.0, "3 observed by {} (at most 2)"),
        (3.0, 3.0, 3.0, 3.0, "3 observed by {} (expected 3)"),
        (3.0, None, None, None, "3 observed by {}"),
    ],
)
def test_an_aggregate_is_shown_with_its_range(observed, low, high, limit, text):
    check = judge(type=MEAN, observed=observed, minimum=low, maximum=high)
    assert (check.outcome, check.value, check.limit) == (PASS, observed, limit)
    assert check.message == f"c: {text.format(MEAN)}"


@pytest.mark.parametrize(("success", "outcome", "text"), [(True, PASS, "is met"), (False, BREACH, "is not met")])
def test_what_has_no_number_is_met_or_not(success, outcome, text):
    check = judge(type="expect_table_columns_to_match_set", columns=(), success=success)
    assert (check.outcome, check.message) == (outcome, f"expect_table_columns_to_match_set {text}")
    assert (check.value, check.limit, check.column, check.detail) == (None, None, None, {})


def test_several_columns_are_named_in_the_message_only():
    check = judge(columns=("a", "b"), elements=10, unexpected=0, present={"a": 10, "b": 10})
    assert check.column is None
    assert check.message.startswith("a, b: 0.00% of 10 values")


@pytest.mark.parametrize(
    ("arguments", "outcome", "why"),
    [
        ({"problem": "KeyError was raised"}, UNDECIDED, "KeyError was raised"),
        ({"rows": 0}, UNDECIDED, "there are no rows to judge"),
        ({"rows": 0, "type": NOT_NULL}, UNDECIDED, "there are no rows to judge"),
        ({"elements": 0, "unexpected": 0}, UNDECIDED, "there are no rows to judge"),
        ({"elements": 9, "missing": 9, "unexpected": 0}, UNDECIDED, "there are no values but NULL"),
        ({"present": {"c": 0}}, UNDECIDED, "there are no values but NULL"),
        ({"present": {"c": 0}, "type": NOT_NULL, "elements": 9, "unexpected": 9, "success": False}, BREACH, ""),
        ({"type": MEAN, "success": False, "nothing": True}, UNDECIDED, "there is nothing to aggregate"),
        ({"rows": 0, "type": "expect_column_to_exist"}, PASS, ""),
        ({"rows": 0, "type": "expect_column_values_to_be_of_type", "success": False}, BREACH, ""),
        ({"rows": 0, "type": "expect_table_row_count_to_equal", "observed": 0.0}, PASS, ""),
    ],
)
def test_nothing_to_judge_is_no_pass(arguments, outcome, why):
    check = judge(**arguments)
    assert check.outcome is outcome
    assert check.message.endswith(f"could not be decided: {why}") == bool(why)


@pytest.mark.parametrize("outcome", Outcome)
def test_a_guard_inside_keeps_its_outcome(outcome):
    inner = Verdict(
        guard="drift", subject="t", checks=(CheckResult(check="drift.ks", outcome=outcome, message="x: moved"),)
    )
    check = judge(rows=0, type="expect_table_to_match_baseline", columns=(), success=outcome is PASS, verdict=inner)
    assert (check.outcome, check.message) == (outcome, inner.summary)


def test_a_warning_is_shown_and_decides_nothing():
    check = judge(success=False, elements=10, unexpected=1, severity=Severity.WARN)
    verdict = Verdict(guard="expectations", subject="t", checks=(check,))
    assert (check.outcome, verdict.outcome) == (BREACH, PASS)


def test_no_expectation_is_no_verdict():
    checks = evaluate(ExpectationsEvidence(rows=5))
    assert Verdict(guard="expectations", subject="t", checks=tuple(checks)).outcome is UNDECIDED
