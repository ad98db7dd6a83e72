from __future__ import annotations

import math

import pytest
from facet_checks import checked, told

from airflow_provider_aiguard.core.verdict import Outcome, Severity, Verdict
from airflow_provider_aiguard.lineage.facets.verdict import verdict_facet


def test_verdict() -> None:
    checks = (
        checked(Outcome.BREACH, Severity.WARN, column="month"),
        checked(Outcome.PASS),
        checked(Outcome.BREACH),
        checked(Outcome.UNDECIDED),
    )
    verdict = Verdict(guard="drift", subject="flights", checks=checks)
    link = "https://airflow.example/run"
    facet = verdict_facet(verdict, policy="skip", reason="hour moved", reference="january", run_url=link)
    assert told(facet) == {
        "guard": "drift",
        "subject": "flights",
        "outcome": "breach",
        "effect": "skipped",
        "reason": "hour moved",
        "checks": 4,
        "passed": 1,
        "breached": 2,
        "undecided": 1,
        "reference": "january",
        "check": "drift.ks",
        "column": "hour",
        "value": 0.123457,
        "limit": 0.1,
        "detailUri": "https://airflow.example/run",
    }


@pytest.mark.parametrize(("policy", "effect"), [("fail", "failed"), ("skip", "skipped"), ("warn", "warned")])
def test_what_an_undecided_verdict_did(policy: str, effect: str) -> None:
    data = told(verdict_facet(Verdict(guard="drift", subject="t", checks=()), policy=policy))
    assert (data["outcome"], data["effect"], data["checks"]) == ("undecided", effect, 0)
    assert not {"check", "column", "value", "limit"} & set(data)


def test_a_pass_names_no_reason() -> None:
    verdict = Verdict(guard="drift", subject="t", checks=(checked(Outcome.PASS),))
    data = told(verdict_facet(verdict, reason="none"))
    assert data["effect"] == "passed"
    assert not {"reason", "check", "value"} & set(data)


def test_a_check_of_no_column_names_none() -> None:
    verdict = Verdict(guard="drift", subject="t", checks=(checked(Outcome.BREACH, column=None, value=math.nan),))
    data = told(verdict_facet(verdict))
    assert data["check"] == "drift.ks"
    assert not {"column", "value"} & set(data)
