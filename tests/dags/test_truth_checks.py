"""Checks of ground truth, calibration and diversity in real DAG runs: every outcome under every policy."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest
from airflow_home import run_here

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.operators.calibration import CalibrationCheckOperator
from airflow_provider_aiguard.operators.diversity import DiversityCheckOperator
from airflow_provider_aiguard.operators.drift import DriftCheckOperator
from airflow_provider_aiguard.operators.ground_truth import GroundTruthCheckOperator
from airflow_provider_aiguard.operators.profile import ProfileOperator
from airflow_provider_aiguard.sensors.calibration import CalibrationSensor
from airflow_provider_aiguard.sensors.diversity import DiversitySensor

N = 2_000
POLICIES = ("fail", "skip", "warn")
STATE = {"fail": "failed", "skip": "skipped", "warn": "success"}

claims = Table("claims", "rows", key="id")
late = {"table": claims, "column": "late", "truth": Table("arrivals", "rows")}


def calibration(task_id, outcome, **kwargs):
    limits = {Outcome.PASS: {"max_ece": 0.3}, Outcome.BREACH: {"max_ece": 0.05}}
    needed = {"max_ece": 0.3, "min_labels": N + 1}
    return CalibrationCheckOperator(task_id=task_id, **late, **limits.get(outcome, needed), **kwargs)


def diversity(task_id, outcome, **kwargs):
    limits = {Outcome.PASS: {"max_dominant_share": 0.9}, Outcome.BREACH: {"max_dominant_share": 0.5}}
    needed = {"max_dominant_share": 0.9, "min_rows": N + 1}
    return DiversityCheckOperator(task_id=task_id, table=claims, column="late", **limits.get(outcome, needed), **kwargs)


def f1(task_id, outcome, **kwargs):
    limits = {Outcome.PASS: {"min_score": 0.5}, Outcome.BREACH: {"min_score": 0.99}}
    needed = {"min_score": 0.5, "min_labels": N + 1}
    return GroundTruthCheckOperator(task_id=task_id, metric="f1", **late, **limits.get(outcome, needed), **kwargs)


GUARDS = {"calibration": calibration, "diversity": diversity, "ground_truth": f1}


@pytest.fixture(scope="module")
def ran(rows, store):
    from airflow.sdk import DAG

    frame = pd.DataFrame({"id": range(N), "late": [i % 4 > 0 for i in range(N)], "late__confidence": 0.9})
    frame["late__provenance"], frame["late__run"] = "ai_inferred", "a-run"
    frame["late__confidence"] = [0.8 + 0.0001 * i for i in range(N)]
    frame.to_sql("claims", rows, index=False)
    frame.assign(late__confidence=frame["late__confidence"] - 0.05).to_sql("unsure", rows, index=False)
    pd.DataFrame({"id": range(N), "late": [i % 5 > 0 for i in range(N)]}).to_sql("arrivals", rows, index=False)
    with DAG("truth_checks", schedule=None, default_args={"retries": 2, "retry_delay": timedelta(0)}) as dag:
        for guard, make in GUARDS.items():
            make(f"{guard}_pass", Outcome.PASS)
            for policy in POLICIES:
                make(f"{guard}_breach_{policy}", Outcome.BREACH, on_breach=policy)
                make(f"{guard}_undecided_{policy}", Outcome.UNDECIDED, on_undecided=policy)
        CalibrationSensor(task_id="calibrated", **late, max_ece=0.3, timeout=60)
        CalibrationSensor(task_id="uncalibrated", **late, max_ece=0.01, fail_fast=True, timeout=60)
        DiversitySensor(task_id="varied", table=claims, column="late", min_entropy=0.5, timeout=60)
        GroundTruthCheckOperator(task_id="nonsense", metric="acuracy", min_score=0.5, retries=2, **late)
        kept = CalibrationCheckOperator(task_id="kept", **late, max_ece=0.3, name="late")
        told = GroundTruthCheckOperator(task_id="told", **late, min_accuracy=0.5, estimate_from="late")
        kept >> told
        confidences = {"columns": ["late__confidence"]}
        learnt = ProfileOperator(task_id="learnt", table=claims, name="late-confidence", **confidences)
        same = DriftCheckOperator(task_id="same", table=claims, reference="late-confidence", **confidences)
        unsure = Table("unsure", "rows", key="id")
        fell = DriftCheckOperator(
            task_id="fell", table=unsure, reference="late-confidence", on_breach="warn", **confidences
        )
        learnt >> [same, fell]
    return run_here(dag)


def verdict_of(ran, task_id):
    return Verdict.from_dict(ran.xcom(task_id, "verdict"))


@pytest.mark.parametrize("guard", GUARDS)
def test_a_pass_lets_downstream_run(ran, store, guard):
    verdict = verdict_of(ran, f"{guard}_pass")
    assert (verdict.guard, verdict.outcome, ran.states[f"{guard}_pass"]) == (guard, Outcome.PASS, "success")
    (record,) = store.verdicts.list(dag_run_id=ran.run_id, task_id=f"{guard}_pass")
    assert record.verdict == verdict


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("outcome", ["breach", "undecided"])
@pytest.mark.parametrize("guard", GUARDS)
def test_anything_else_does_what_its_policy_says(ran, guard, outcome, policy):
    task = f"{guard}_{outcome}_{policy}"
    assert (ran.states[task], ran.task(task).try_number) == (STATE[policy], 1)
    assert verdict_of(ran, task).outcome == outcome


def test_drift_of_confidences_is_the_drift_guards(ran):
    assert verdict_of(ran, "same").outcome is Outcome.PASS
    assert verdict_of(ran, "fell").outcome is Outcome.BREACH


def test_lineage_reads_the_rows_the_variance_is_compared_with():
    check = DiversityCheckOperator(
        task_id="d", table=claims, column="late", min_variance_ratio=0.5, reference=Table("good", "rows")
    )
    assert [table.name for table in check.lineage_inputs()] == ["claims", "good"]


def test_sensors_wait_for_the_same(ran):
    assert (ran.states["calibrated"], ran.states["varied"]) == ("success", "success")
    assert ran.states["uncalibrated"] == "failed"


def test_an_unknown_metric_is_not_tried_again(ran):
    assert (ran.states["nonsense"], ran.task("nonsense").try_number) == ("failed", 1)


def test_what_a_calibration_check_keeps_is_there_for_the_estimate(ran, store):
    (kept,) = store.measurements.list("calibration/late")
    assert kept.identity.task_id == "kept"
    estimate = verdict_of(ran, "told").checks[-1]
    assert (estimate.check, estimate.outcome) == ("ground_truth.estimate", Outcome.PASS)
    assert "an estimate, not the truth" in estimate.message
