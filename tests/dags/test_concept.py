"""The concept drift check in DAG runs that follow each other: a year of a model whose world moves on in October."""

from __future__ import annotations

import pandas as pd
import pytest
from airflow_home import run_here

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.operators.concept import ConceptDriftCheckOperator

N = 300
BEFORE, AFTER = (29, 31, 30, 28, 32, 30, 31, 29, 30, 30, 29), (90, 93, 88)
"""Errors by run."""

part = {"where": "part = :part", "parameters": {"part": "{{ params.part }}"}}
CLAIMS = Table("claims", "rows", key="id", **part)


@pytest.fixture(scope="module")
def ran(rows, store):
    """One DAG run for each part; the last part a second time under each other policy."""
    from airflow.sdk import DAG

    errors = (*BEFORE, *AFTER)
    frame = pd.DataFrame(
        {"id": range(N * len(errors)), "part": [p for p in range(len(errors)) for _ in range(N)], "late": True}
    )
    frame["late__provenance"], frame["late__confidence"], frame["late__run"] = "ai_inferred", 0.9, "a-run"
    frame.to_sql("claims", rows, index=False)
    wrong = [i % N < errors[i // N] for i in frame["id"]]
    pd.DataFrame({"id": frame["id"], "late": [not w for w in wrong]}).to_sql("arrivals", rows, index=False)
    with DAG("years", schedule=None, params={"part": 0}) as dag:
        for policy in ("fail", "skip", "warn"):
            ConceptDriftCheckOperator(
                task_id=policy,
                table=CLAIMS,
                column="late",
                truth=Table("arrivals", "rows", key="id"),
                name=policy,
                on_breach=policy,
                on_undecided=policy,
                retries=2,
            )
    return [run_here(dag, {"part": p}) for p in range(len(errors))]


def outcomes(ran, task):
    return [Verdict.from_dict(run.xcom(task, "verdict")).outcome for run in ran]


def test_it_is_undecided_then_passes_then_breaches(ran):
    assert outcomes(ran, "warn")[:11] == [Outcome.UNDECIDED] * 9 + [Outcome.PASS] * 2
    assert outcomes(ran, "warn")[-1] is Outcome.BREACH


@pytest.mark.parametrize(("policy", "state"), [("fail", "failed"), ("skip", "skipped"), ("warn", "success")])
def test_the_policy_decides(ran, policy, state):
    assert ran[0].states[policy] == state
    assert ran[10].states[policy] == "success"
    assert ran[-1].states[policy] == state
    assert ran[-1].task(policy).try_number == 1


def test_the_verdict_says_what_changed_and_what_to_do(ran, store):
    verdict = Verdict.from_dict(ran[-1].xcom("fail", "verdict"))
    assert (verdict.guard, verdict.subject) == ("concept", "claims")
    change, kind, recurrence = verdict.checks
    assert "late: error rate 10.0% before 2026-01-01, 30.1% now, 3 runs later" in change.message
    assert "not yet typed" in kind.message
    assert "new: like none of 0 earlier regimes" in recurrence.message
    (record,) = store.verdicts.list(dag_run_id=ran[-1].run_id, task_id="fail")
    assert record.verdict == verdict


def test_each_run_is_one_measurement(ran, store):
    for name in ("fail", "skip", "warn"):
        measured = store.measurements.list(f"concept/{name}")
        assert [m.values["errors"] for m in measured] == [*BEFORE, *AFTER]
        assert {m.values["labels"] for m in measured} == {N}
