"""The main example: a good month, a rotten one, a foreign one, and one whose budget is too small."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow_home import run_dag

from airflow_provider_aiguard import Budget
from airflow_provider_aiguard.core.run import RunState


@pytest.fixture(scope="module")
def months(examples, store):
    """The store after four runs: a good month, a rotten one, a foreign one, one whose budget is too small."""
    run_dag(examples.get_dag("example_flight_baseline"))
    dag = examples.get_dag("example_flight_delays")
    ran = {
        "good": run_dag(dag, {"month": 2}),
        "rotten": run_dag(dag, {"month": 7}),
        "foreign": run_dag(dag, {"month": 8}),
        "dear": run_dag(dag, {"month": 6, "price": "0.01"}),
    }
    return ran, store


def test_a_good_month_is_published(months):
    ran, _ = months
    assert set(ran["good"].states.values()) == {"success"}


def test_in_a_rotten_month_only_the_truth_is_red(months):
    ran, store = months
    assert ran["rotten"].states == {
        "drift": "success",
        "score": "success",
        "sure": "success",
        "right": "failed",
        "publish": "upstream_failed",
    }
    records = store.verdicts.list(dag_run_id=ran["rotten"].run_id)
    assert {r.verdict.guard: str(r.verdict.outcome) for r in records} == {
        "drift": "pass",
        "confidence": "pass",
        "ground_truth": "breach",
    }


def test_foreign_rows_are_seen_by_drift(months):
    ran, _ = months
    assert ran["foreign"].states["drift"] == "failed"
    assert ran["foreign"].states["publish"] == "upstream_failed"
    breached = {c["column"] for c in ran["foreign"].xcom("drift", "verdict")["checks"] if c["outcome"] == "breach"}
    assert {"carrier", "distance"} <= breached


def test_a_refused_budget_writes_and_holds_nothing(months, query):
    ran, store = months
    assert ran["dear"].states == {
        "drift": "success",
        "score": "failed",
        "sure": "upstream_failed",
        "right": "upstream_failed",
        "publish": "upstream_failed",
    }
    verdict = ran["dear"].xcom("score", "verdict")
    assert (verdict["guard"], verdict["subject"], verdict["outcome"]) == ("budget", "flights", "breach")
    (recorded,) = store.verdicts.list(dag_run_id=ran["dear"].run_id, task_id="score")
    assert recorded.verdict.to_dict() == verdict
    assert query("SELECT count(*) FROM flights_scored WHERE month = 6") == [(0,)]
    (run,) = store.runs.list(dag_run_id=ran["dear"].run_id)
    assert run.state is RunState.FAILED
    assert run.summary.cost_micros in (0, None)
    status = store.ledger.status(Budget("flights", "1.00"), run.identity, datetime.now(UTC))
    assert (status.held, status.spent) == (0, 0)


def test_the_good_month_paid_what_it_used(months, query):
    ran, store = months
    ((rows,),) = query("SELECT count(*) FROM flights_scored WHERE month = 2 AND late__provenance = 'ai_inferred'")
    (run,) = store.runs.list(dag_run_id=ran["good"].run_id)
    status = store.ledger.status(Budget("flights", "1.00"), run.identity, datetime.now(UTC))
    # Flights that are alike in what the model sees were paid for once.
    assert 0 < run.summary.asked <= run.summary.inferred == rows
    assert (status.held, status.spent) == (0, run.summary.asked * 20)
