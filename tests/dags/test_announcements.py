"""Verdicts and runs reach metrics, callbacks and asset events."""

from __future__ import annotations

import pandas as pd
import pytest
from airflow.sdk._shared.observability.metrics import stats
from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger
from airflow_home import run_here, write_claims

from airflow_provider_aiguard import Budget, Table
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.operators.confidence import ConfidenceCheckOperator
from airflow_provider_aiguard.operators.inference import InferenceOperator
from airflow_provider_aiguard.sensors.confidence import ConfidenceSensor


class Recorder(NoStatsLogger):
    """A metrics backend for Airflow's own stats."""

    def __init__(self):
        self.seen = []

    def incr(self, stat, count=1, rate=1, *, tags=None):
        self.seen.append(("incr", stat, count, tags))

    def gauge(self, stat, value, rate=1, delta=False, *, tags=None):
        self.seen.append(("gauge", stat, value, tags))

    def of(self, stat):
        return [(kind, value, tags) for kind, name, value, tags in self.seen if name == stat]


@pytest.fixture
def metrics(monkeypatch):
    recorder = Recorder()
    # Put back whatever was there: other tests share the process.
    monkeypatch.setattr(stats, "_factory", None)
    monkeypatch.setattr(stats, "_backend", None)
    stats.initialize(factory=lambda: recorder, export_legacy_names=False)
    return recorder


def guess(batch):
    return {"late": [True] * len(batch)}, {"late": [0.9] * len(batch)}


def inference(**kwargs):
    return InferenceOperator(
        task_id="score",
        rows=Table("people", "rows", key="id"),
        into="announced",
        outputs={"late": bool},
        model=FunctionModel(guess, outputs=["late"], name="rule", version="1"),
        **kwargs,
    )


@pytest.fixture(scope="module", autouse=True)
def _tables(rows, store):
    pd.DataFrame({"id": range(30), "age": range(30)}).to_sql("people", rows, index=False)
    write_claims(rows, "unsure", [0.5] * 10)


def test_verdicts_rows_and_cost_are_metrics(metrics):
    from airflow.sdk import DAG

    unsure = Table("unsure", "rows")
    with DAG("metrics", schedule=None) as dag:
        inference(price_per_row="0.01", budget=Budget("metrics", "1.00"))
        ConfidenceCheckOperator(task_id="passes", table=unsure, column="late", min_mean=0.4)
        ConfidenceCheckOperator(task_id="breaches", table=unsure, column="late", min_mean=0.8)
        ConfidenceSensor(
            task_id="waits", table=Table("nowhere", "rows"), column="late", min_mean=0.4,
            on_undecided="skip", poke_interval=0.02, timeout=0.1,
        )  # fmt: skip
    run_here(dag)
    assert metrics.of("aiguard.rows") == [("incr", 30, {"model": "rule"})]
    assert metrics.of("aiguard.cost") == [("gauge", 0.3, {"model": "rule"})]
    verdicts = metrics.of("aiguard.verdict")
    assert {kind for kind, _, _ in verdicts} == {"incr"}
    # A sensor that asks ten times has one verdict.
    assert sorted(tags["outcome"] for _, _, tags in verdicts) == ["breach", "pass", "undecided"]
    assert {tags["guard"] for _, _, tags in verdicts} == {"confidence"}


def test_without_a_price_there_is_no_cost(metrics):
    from airflow.sdk import DAG

    with DAG("free", schedule=None) as dag:
        inference()
    run_here(dag)
    assert metrics.of("aiguard.rows") == [("incr", 30, {"model": "rule"})]
    assert metrics.of("aiguard.cost") == []


def test_metrics_that_break_fail_no_task(metrics, monkeypatch, caplog):
    from airflow.sdk import DAG

    def broken(stat, *args, **kwargs):
        if stat.startswith("aiguard"):
            raise OSError("no network")

    monkeypatch.setattr(metrics, "incr", broken)
    with DAG("no_metrics", schedule=None) as dag:
        inference()
    assert run_here(dag).states == {"score": "success"}
    assert "Metric aiguard.rows could not be reported" in caplog.text


def test_a_notifier_sees_the_verdict(store):
    from airflow.sdk import DAG, BaseNotifier

    seen = []

    class Notifier(BaseNotifier):
        def notify(self, context):
            seen.append(context["exception"].verdict)

    with DAG("notifier", schedule=None) as dag:
        ConfidenceCheckOperator(
            task_id="breaches", table=Table("unsure", "rows"), column="late", min_mean=0.8,
            on_failure_callback=Notifier(),
        )  # fmt: skip
        ConfidenceSensor(
            task_id="waits", table=Table("unsure", "rows"), column="late", min_mean=0.8, fail_fast=True,
            on_failure_callback=Notifier(),
        )  # fmt: skip
    run_here(dag)
    assert [verdict.outcome for verdict in seen] == [Outcome.BREACH] * 2
    assert seen[0].of(Outcome.BREACH)[0].value == 0.5


def test_an_outlet_gets_the_summary_of_the_run(store):
    from airflow.models.asset import AssetEvent
    from airflow.sdk import DAG, Asset
    from airflow.utils.session import create_session

    with DAG("outlet", schedule=None) as dag:
        inference(outlets=[Asset("announced")])
    ran = run_here(dag)
    with create_session() as session:
        (event,) = session.query(AssetEvent).filter_by(source_dag_id="outlet", source_run_id=ran.run_id).all()
        extra = event.extra["aiguard"]
    assert extra == {
        "run_id": str(ran.task("score").id),
        "model": "rule@1",
        "rows": 30,
        "rejects": 0,
        "columns": {"late": {"provenance": {"ai_inferred": 30}, "mean_confidence": pytest.approx(0.9)}},
    }


def test_an_alias_is_no_obstacle(store):
    """It names an asset only while the task runs; there is nobody to tell yet."""
    from airflow.sdk import DAG, AssetAlias

    with DAG("alias", schedule=None) as dag:
        inference(outlets=[AssetAlias("somewhere")])
    assert run_here(dag).states == {"score": "success"}
