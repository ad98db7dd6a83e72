"""Sensors in real DAG runs, in all three modes: what they wait for, and how the wait ends."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from airflow_home import run_here, write_claims, write_truth
from arrival import Arrival

from airflow_provider_aiguard import Budget, Table
from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.operators.profile import ProfileOperator
from airflow_provider_aiguard.sensors.budget import BudgetSensor
from airflow_provider_aiguard.sensors.confidence import ConfidenceSensor
from airflow_provider_aiguard.sensors.drift import DriftSensor
from airflow_provider_aiguard.sensors.ground_truth import GroundTruthSensor

MODES = {"poke": {}, "reschedule": {"mode": "reschedule"}, "deferrable": {"deferrable": True}}
POLICIES = ("fail", "skip", "warn")
STATE = {"fail": "failed", "skip": "skipped", "warn": "success"}
SOON = {"poke_interval": 0.05, "timeout": 0.2}
LATE = {"poke_interval": 0.05, "timeout": 60}


def confidence(task_id, table, **kwargs):
    return ConfidenceSensor(task_id=task_id, table=Table(table, "rows"), column="late", min_mean=0.8, **kwargs)


@pytest.fixture(scope="module")
def waits(rows, store):
    """One run of every wait that ends without the data: the timeout, ``fail_fast`` and ``soft_fail``."""
    from airflow.sdk import DAG

    write_claims(rows, "unsure", [0.5] * 10)
    with DAG("waits", schedule=None, default_args={"retries": 3, "retry_delay": timedelta(0)}) as dag:
        for mode, arguments in MODES.items():
            for policy in POLICIES:
                confidence(f"{mode}_breach_{policy}", "unsure", on_breach=policy, **SOON, **arguments)
                confidence(f"{mode}_undecided_{policy}", "nowhere", on_undecided=policy, **SOON, **arguments)
            confidence(f"{mode}_fail_fast", "unsure", fail_fast=True, **LATE, **arguments)
            confidence(f"{mode}_fail_fast_skip", "unsure", fail_fast=True, on_breach="skip", **LATE, **arguments)
            confidence(f"{mode}_soft_fail_breach", "unsure", soft_fail=True, **SOON, **arguments)
            confidence(f"{mode}_soft_fail_undecided", "nowhere", soft_fail=True, **SOON, **arguments)
    return run_here(dag)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("outcome", ["breach", "undecided"])
@pytest.mark.parametrize("mode", MODES)
def test_at_the_timeout_the_policy_applies(waits, store, mode, outcome, policy):
    task = f"{mode}_{outcome}_{policy}"
    assert waits.states[task] == STATE[policy]
    verdict = Verdict.from_dict(waits.xcom(task, "verdict"))
    assert verdict.outcome == outcome
    assert waits.xcom(task) == (verdict.to_dict() if policy == "warn" else None)


@pytest.mark.parametrize("mode", MODES)
def test_repeated_questions_of_one_try_are_one_verdict(waits, store, mode):
    for outcome in ("breach", "undecided"):
        (record,) = store.verdicts.list(dag_run_id=waits.run_id, task_id=f"{mode}_{outcome}_fail")
        assert record.verdict.outcome == outcome


@pytest.mark.parametrize("mode", MODES)
def test_fail_fast_does_not_wait_for_a_breach_to_heal(waits, mode):
    assert waits.states[f"{mode}_fail_fast"] == "failed"
    assert waits.states[f"{mode}_fail_fast_skip"] == "skipped"
    assert Verdict.from_dict(waits.xcom(f"{mode}_fail_fast", "verdict")).outcome is Outcome.BREACH


@pytest.mark.parametrize("mode", MODES)
def test_soft_fail_skips(waits, mode):
    assert waits.states[f"{mode}_soft_fail_breach"] == "skipped"
    assert waits.states[f"{mode}_soft_fail_undecided"] == "skipped"
    assert waits.xcom(f"{mode}_soft_fail_breach", "verdict")["outcome"] == "breach"
    assert waits.xcom(f"{mode}_soft_fail_undecided", "verdict")["outcome"] == "undecided"


def test_no_wait_is_retried(waits):
    assert {ti.try_number for ti in waits.tasks if ti.state == "failed"} == {1}


@pytest.mark.parametrize("before", ["nothing", "unsure"])
@pytest.mark.parametrize("mode", MODES)
def test_a_sensor_passes_when_the_data_arrives(rows, store, caplog, mode, before):
    from airflow.sdk import DAG

    table, task = f"late_{mode}_{before}", f"wait_{mode}_{before}"
    if before == "unsure":
        write_claims(rows, table, [0.5] * 10)
    with DAG(f"arrival_{mode}_{before}", schedule=None) as dag:
        # Nothing to judge is no breach: fail_fast waits for it, too.
        confidence(task, table, fail_fast=before == "nothing", **LATE, **MODES[mode])
    arrival = Arrival(store, task, lambda: write_claims(rows, table, [0.9] * 20))
    arrival.start()
    with caplog.at_level(logging.INFO):
        ran = run_here(dag)
    arrival.join()
    assert arrival.saw == ("undecided" if before == "nothing" else "breach")
    assert ran.states == {task: "success"}
    verdict = Verdict.from_dict(ran.xcom(task))
    assert verdict.outcome is Outcome.PASS
    assert ran.xcom(task, "verdict") == ran.xcom(task)
    (record,) = store.verdicts.list(task_id=task)
    assert record.verdict == verdict


def test_a_deferrable_sensor_defers_once(rows, store, monkeypatch):
    from airflow.sdk import DAG

    from airflow_provider_aiguard.triggers.guard import GuardTrigger

    deferred, asked = [], []
    serialize, ask = GuardTrigger.serialize, GuardTrigger._ask
    monkeypatch.setattr(GuardTrigger, "serialize", lambda self: deferred.append(1) or serialize(self))
    monkeypatch.setattr(GuardTrigger, "_ask", lambda self: asked.append(1) or ask(self))
    with DAG("defers", schedule=None) as dag:
        confidence("defers_once", "nowhere", poke_interval=0.05, timeout=1, deferrable=True, on_undecided="warn")
    assert run_here(dag).states == {"defers_once": "success"}
    assert len(deferred) == 1
    assert len(asked) > 3


def test_a_deferrable_sensor_that_passes_at_once_does_not_defer(rows, store, monkeypatch):
    from airflow.sdk import DAG

    from airflow_provider_aiguard.triggers.guard import GuardTrigger

    monkeypatch.delattr(GuardTrigger, "serialize")
    write_claims(rows, "sure", [0.9] * 10)
    with DAG("at_once", schedule=None) as dag:
        confidence("passes", "sure", deferrable=True, **LATE)
    assert run_here(dag).states == {"passes": "success"}


def test_every_guard_has_a_sensor(rows, store):
    from airflow.sdk import DAG

    write_claims(rows, "claims", [0.9] * 100)
    write_truth(rows, "truth_in_time", [True] * 100)
    pd.DataFrame({"x": [n % 50 for n in range(1000)]}).to_sql("numbers", rows, if_exists="replace")
    numbers, claims = Table("numbers", "rows"), Table("claims", "rows", key="id")
    with DAG("all_sensors", schedule=None) as dag:
        profile = ProfileOperator(task_id="profile", table=numbers, name="numbers", columns=["x"])
        profile >> [
            DriftSensor(task_id="drift", table=numbers, reference="numbers", **LATE),
            ConfidenceSensor(task_id="confidence", table=claims, column="late", min_mean=0.8, **LATE),
            GroundTruthSensor(
                task_id="ground_truth", table=claims, column="late", truth="truth_in_time", min_accuracy=0.9, **LATE
            ),
            BudgetSensor(task_id="budget", budget=Budget("full", "1.00"), **LATE),
        ]
    ran = run_here(dag)
    assert set(ran.states.values()) == {"success"}
    for guard in ("drift", "confidence", "ground_truth", "budget"):
        assert (ran.xcom(guard)["guard"], ran.xcom(guard)["outcome"]) == (guard, "pass")


def test_a_budget_sensor_waits_for_money_that_others_hold(rows, store):
    from airflow.sdk import DAG

    budget = Budget("shared", "1.00", per="month")
    other = RunIdentity(run_id="other", dag_id="other", dag_run_id="other", task_id="other")
    hold = store.ledger.hold([budget], other, Amounts(micros=900_000), ttl=timedelta(hours=1))
    with DAG("money", schedule=None) as dag:
        BudgetSensor(task_id="money", budget=budget, needed="0.50", **LATE)
    arrival = Arrival(store, "money", lambda: store.ledger.release(hold))
    arrival.start()
    ran = run_here(dag)
    arrival.join()
    assert arrival.saw is Outcome.BREACH
    assert ran.states == {"money": "success"}
    assert store.ledger.status(budget, other, datetime.now(UTC)).held == 0


def test_a_connection_that_is_missing_fails_at_once_and_is_retried(rows, store):
    """It is no evidence about the table: a connection can be repaired."""
    from airflow.sdk import DAG

    with DAG("no_connection", schedule=None) as dag:
        ConfidenceSensor(task_id="lost", table=Table("t", "nowhere"), column="late", min_mean=0.5, **LATE)
    ran = run_here(dag)
    assert ran.states == {"lost": "failed"}
    assert ran.xcom("lost", "verdict") is None
