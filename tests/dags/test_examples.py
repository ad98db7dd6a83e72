"""Every example DAG is read without an error and runs to the end it promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow_home import REPOSITORY, run_dag

from airflow_provider_aiguard.core.run import RunState

EXAMPLES = {
    "example_alignment": {"guess": "success", "aligned": "success"},
    "example_budget": {"check": "success", "wait": "success"},
    "example_calibration": {"guess": "success", "arrived": "success", "check": "success"},
    "example_cascade": {"score": "success"},
    "example_concept_drift": {"guess": "success", "check": "success"},
    "example_confidence": {"label": "success", "check": "success", "wait": "success"},
    "example_diversity": {"guess": "success", "classes": "success", "numbers": "success"},
    "example_drift": {"baseline": "success", "check": "success", "wait": "success"},
    "example_drift_trailing": {"batches": "success", "same_weekday": "success", "previous": "success"},
    "example_expectations": {"check": "success", "checkpoint": "success"},
    "example_flight_baseline": {"january": "success", "trained": "success"},
    "example_ground_truth": {"guess": "success", "arrived": "success", "right": "success"},
    "example_importance": {"join": "success", "stable": "success"},
    "example_inference_operator": {"score": "success"},
    "example_latency": {"guess": "success", "fast": "success"},
    # No backend is configured here; test_durable_lineage has one.
    "example_lineage_replay": {"replay": "skipped"},
    "example_llm_labels": {"label": "success"},
    "example_mapped_inference": {"carriers": "success", "label[0]": "success", "label[1]": "success"},
    "example_provenance": {"train": "success", "guess": "success"},
    "example_schema": {"learn": "success", "training": "success", "arrived": "success", "serving": "success"},
    "example_skew": {"log": "success", "arrived": "success", "same": "success"},
}


def test_every_file_is_read_and_every_dag_is_tested(examples):
    assert examples.import_errors == {}
    files = {path.stem for path in (REPOSITORY / "dags").glob("*.py")}
    assert {Path(dag.fileloc).stem for dag in examples.dags.values()} == files
    assert set(examples.dags) == {*EXAMPLES, "example_fill_missing", "example_flight_delays"}


@pytest.mark.parametrize("dag_id", EXAMPLES)
def test_example_runs(examples, store, dag_id):
    ran = run_dag(examples.get_dag(dag_id))
    assert ran.states == EXAMPLES[dag_id]
    runs = store.runs.list(dag_id=dag_id)
    assert len(runs) == sum(task.partition("[")[0] in {"guess", "label", "score"} for task in ran.states)
    assert {run.state for run in runs} <= {RunState.SUCCESS}


def test_fill_missing_labels_what_was_there_and_keeps_rejects(examples, store, query):
    ((missing, hopeless),) = query(
        "SELECT count(*), count(*) FILTER (flight_id % 1000 = 0) FROM arrivals WHERE month = 2 AND late IS NULL"
    )
    ran = run_dag(examples.get_dag("example_fill_missing"))
    assert ran.states == {"guess": "success"}
    mix = dict(query("SELECT late__provenance, count(*) FROM arrivals WHERE month = 2 GROUP BY 1"))
    assert missing > 0
    assert mix.pop(None, 0) == hopeless
    assert mix == {"observed": 700 - missing, "ai_inferred": missing - hopeless}


def test_the_asset_of_the_operator_example_says_what_was_written(examples, store):
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    ran = run_dag(examples.get_dag("example_inference_operator"))
    with create_session() as session:
        (event,) = session.query(AssetEvent).filter_by(source_dag_id=ran.dag_id, source_run_id=ran.run_id).all()
        extra = event.extra["aiguard"]
    (run,) = store.runs.list(dag_run_id=ran.run_id)
    assert extra["run_id"] == run.identity.run_id
    assert extra["model"] == "flights-gbm@2013-01"
    assert extra["rows"] == run.summary.rows > 0
    assert extra["rejects"] == 0
    assert extra["columns"]["late"]["provenance"] == {"ai_inferred": extra["rows"]}
    assert 0.5 <= extra["columns"]["late"]["mean_confidence"] <= 1
