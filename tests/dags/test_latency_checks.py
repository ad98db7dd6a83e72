"""The latency check in a real DAG run: what it sees is what the step's calls took."""

from __future__ import annotations

import time

import pandas as pd
from airflow_home import run_here

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.operators.inference import InferenceOperator
from airflow_provider_aiguard.operators.latency import LatencyCheckOperator

timed = Table("timed", "rows")


def slowly(chunk):
    time.sleep(0.03)
    return {"late": [True] * len(chunk)}


def test_outcomes(rows, store):
    from airflow.sdk import DAG

    pd.DataFrame({"id": range(120), "age": range(120)}).to_sql("to_time", rows, index=False)
    with DAG("latency_checks", schedule=None) as dag:
        step = InferenceOperator(
            task_id="step",
            rows=Table("to_time", "rows", key="id"),
            into=timed,
            outputs={"late": bool},
            model=FunctionModel(slowly, outputs=["late"]),
            chunk_size=10,
        )
        checks = [
            LatencyCheckOperator(task_id="slow", table=timed, latency_class="bounded", min_calls=12),
            LatencyCheckOperator(task_id="by_row", table=timed, max_p50_ms=5_000, per="row", min_calls=12),
            LatencyCheckOperator(task_id="few", table=timed, latency_class="bounded", on_undecided="skip"),
            LatencyCheckOperator(task_id="elsewhere", table=Table("nobody", "rows"), max_p50_ms=5, on_undecided="warn"),
        ]
        step >> checks
    ran = run_here(dag)
    assert ran.states == {
        "step": "success",
        "slow": "failed",
        "by_row": "success",
        "few": "skipped",
        "elsewhere": "success",
    }
    verdicts = {r.identity.task_id: r.verdict for r in store.verdicts.list(dag_id="latency_checks")}
    assert {name: verdict.outcome for name, verdict in verdicts.items()} == {
        "slow": Outcome.BREACH,
        "by_row": Outcome.PASS,
        "few": Outcome.UNDECIDED,
        "elsewhere": Outcome.UNDECIDED,
    }
    (slow,) = verdicts["slow"].checks
    assert slow.detail["calls"] == slow.detail["slower"] == 12
    assert Verdict.from_dict(ran.xcom("slow", "verdict")).outcome is Outcome.BREACH
