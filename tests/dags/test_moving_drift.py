"""Drift against references that move, in DAG runs that follow each other: seven calm weeks, and one that is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from airflow_home import run_here

from airflow_provider_aiguard import Reference, Table
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.operators.drift import DriftCheckOperator
from airflow_provider_aiguard.sensors.drift import DriftSensor

ROWS, CALM = 1_000, 7
WEEK = Table("weeks", "rows", where="week = :week", parameters={"week": "{{ params.week }}"})
REFERENCES = {
    "previous": Reference.previous("weeks-previous"),
    "trailing": Reference.trailing("weeks-trailing", batches=6),
    "seasonal": Reference.seasonal("weeks-seasonal", by="month", batches=6),
}


@pytest.fixture(scope="module")
def ran(rows, store):
    """One DAG run a week; the last week is shifted."""
    from airflow.sdk import DAG

    week = np.repeat(np.arange(CALM + 1), ROWS)
    x = np.random.default_rng(3).normal(size=len(week)) + 2.0 * (week == CALM)
    pd.DataFrame({"week": week, "x": x}).to_sql("weeks", rows, index=False)
    with DAG("moving", schedule=None, params={"week": 0}) as dag:
        for name, reference in REFERENCES.items():
            DriftCheckOperator(
                task_id=name, table=WEEK, reference=reference, columns=["x"], on_undecided="warn", retries=2
            )
        DriftSensor(
            task_id="wait", table=WEEK, reference=Reference.previous("weeks-waited-for"), columns=["x"],
            on_breach="skip", on_undecided="warn", fail_fast=True, poke_interval=0.1, timeout=0.3,
        )  # fmt: skip
    return [run_here(dag, {"week": number}) for number in range(CALM + 1)]


@pytest.mark.parametrize(("task", "before"), [("previous", 1), ("trailing", 5), ("seasonal", 5), ("wait", 1)])
def test_it_is_undecided_then_passes_then_breaches(ran, task, before):
    outcomes = [Verdict.from_dict(run.xcom(task, "verdict")).outcome for run in ran]
    assert outcomes == [Outcome.UNDECIDED] * before + [Outcome.PASS] * (CALM - before) + [Outcome.BREACH]


def test_the_policy_decides_and_a_breach_is_not_retried(ran):
    assert {name: ran[-1].states[name] for name in REFERENCES} == dict.fromkeys(REFERENCES, "failed")
    assert ran[-1].states["wait"] == "skipped"
    assert {ran[-1].task(name).try_number for name in REFERENCES} == {1}
    assert ran[-2].states == dict.fromkeys([*REFERENCES, "wait"], "success")


def test_every_run_left_one_batch_with_its_outcome(ran, store):
    for name in (*(str(reference) for reference in REFERENCES.values()), "weeks-waited-for"):
        batches = store.profiles.batches(name)
        assert [b.identity.dag_run_id for b in batches] == [run.run_id for run in ran]
        assert batches[-1].outcome is Outcome.BREACH
