from __future__ import annotations

import json
import math
from typing import Any

from openlineage.client.serde import Serde

from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity, Verdict
from airflow_provider_aiguard.lineage.assertions import MAX_ASSERTIONS, assertions_facet, findings
from airflow_provider_aiguard.lineage.assertions import test_facet as run_tests  # not a test itself


def check(outcome: Outcome = Outcome.PASS, **changes: Any) -> CheckResult:
    values: dict[str, Any] = {"check": "confidence.mean", "message": "mean is 0.87, at least 0.80", "column": "late"}
    return CheckResult(outcome=outcome, **{**values, **changes})


def verdict(*checks: CheckResult) -> Verdict:
    return Verdict(guard="confidence", subject="flights_scored", checks=checks)


def test_an_assertion_has_its_numbers_in_the_text() -> None:
    facet = assertions_facet(findings(verdict(check(value=0.87, limit=0.8)), []))
    assert Serde.to_dict(facet)["assertions"] == [
        {
            "assertion": "confidence.mean: mean is 0.87, at least 0.80",
            "column": "late",
            "success": True,
            "severity": "error",
            "name": "confidence.mean",
            "expected": "0.8",
            "actual": "0.87",
        }
    ]


def test_undecided_is_no_success_and_says_so() -> None:
    found = findings(verdict(check(Outcome.UNDECIDED, message="only 12 rows", severity=Severity.WARN)), [])
    assertion = Serde.to_dict(assertions_facet(found))["assertions"][0]
    assert assertion["success"] is False
    assert assertion["severity"] == "warn"
    assert assertion["assertion"] == "undecided: confidence.mean: only 12 rows"
    assert Serde.to_dict(run_tests(found))["tests"] == [
        {
            "name": "confidence.mean of late",
            "status": "fail",
            "severity": "warn",
            "type": "confidence.mean",
            "description": "undecided: confidence.mean: only 12 rows",
        }
    ]


def test_a_verdict_without_checks_is_a_failed_finding() -> None:
    found = findings(verdict(), [])
    assert [(f.success, f.severity, f.text) for f in found] == [
        (False, "error", "undecided: nothing could be checked by the confidence guard")
    ]


def test_the_worst_come_first() -> None:
    checks = [check(column="a"), check(Outcome.UNDECIDED, column="b"), check(Outcome.BREACH, column="c")]
    assert [f.column for f in findings(verdict(*checks), [])] == ["c", "b", "a"]


def test_texts_are_unique_for_their_column_even_after_a_cut() -> None:
    checks = [check(message="x" * 400 + str(i)) for i in range(3)] + [check(message="x" * 400, column="b")]
    found = findings(verdict(*checks), [])
    pairs = [(f.column, f.text) for f in found]
    assert len(set(pairs)) == 4
    assert found[1].text.endswith("…[cut] (2)")
    assert found[3].text.endswith("…[cut]")


def test_the_rest_is_counted_and_never_greener_than_it_is() -> None:
    breaches = [check(Outcome.BREACH, column=f"c{i}") for i in range(MAX_ASSERTIONS + 1)]
    found = findings(verdict(check(), *breaches), [])
    assert len(found) == MAX_ASSERTIONS + 1
    assert (found[-1].success, found[-1].severity) == (False, "error")
    assert found[-1].text == "2 more checks, of which 1 passed"

    passes = [check(column=f"c{i}") for i in range(MAX_ASSERTIONS + 5)]
    found = findings(verdict(*passes), [])
    assert (found[-1].success, found[-1].text) == (True, "5 more checks, of which 5 passed")

    warned = [check(Outcome.BREACH, column=f"c{i}", severity=Severity.WARN) for i in range(MAX_ASSERTIONS + 5)]
    found = findings(verdict(*warned), [])
    assert (found[-1].success, found[-1].severity) == (False, "warn")


def test_numbers_json_lacks_are_left_out() -> None:
    found = findings(verdict(check(Outcome.UNDECIDED, value=math.nan, limit=math.inf)), [])
    assert (found[0].expected, found[0].actual) == (None, None)


def test_no_value_out_of_a_row_travels() -> None:
    planted = check(
        Outcome.BREACH,
        check="drift.unseen",
        column="carrier",
        message="'carrier' has unseen levels 'SECRET-1' and \"SECRET'2\" against 'january' in 'flights_scored'",
        detail={"levels": ["SECRET-3"], "key": {"id": "SECRET-4"}},
    )
    found = findings(verdict(planted), ["january"])
    text = json.dumps([Serde.to_dict(assertions_facet(found)), Serde.to_dict(run_tests(found))])
    assert "SECRET" not in text
    assert (
        found[0].text == "drift.unseen: 'carrier' has unseen levels '…' and '…' against 'january' in 'flights_scored'"
    )
