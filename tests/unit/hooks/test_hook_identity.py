from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.hooks.identity import identity_of, task_url

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def ti(**kwargs):
    return SimpleNamespace(
        **{"id": "an-id", "dag_id": "d", "run_id": "r", "task_id": "t", "map_index": 3, "try_number": 2} | kwargs
    )


def test_of_a_task_try():
    assert identity_of({"ti": ti(), "logical_date": NOON}) == RunIdentity(
        run_id="an-id",
        dag_id="d",
        dag_run_id="r",
        task_id="t",
        map_index=3,
        try_number=2,
        logical_date=NOON.isoformat(),
    )


def test_a_run_without_a_logical_date_has_the_time_it_was_run_after():
    context = {"ti": ti(), "logical_date": None, "dag_run": SimpleNamespace(run_after=NOON)}
    assert identity_of(context).logical_date == NOON.isoformat()
    assert identity_of({"ti": ti()}).logical_date == ""


def test_what_a_context_lacks_has_a_default():
    made = identity_of({"ti": ti(map_index=None, try_number=0)})
    assert (made.map_index, made.try_number) == (-1, 1)


def test_outside_airflow_every_run_is_its_own():
    first, second = identity_of({}), identity_of({})
    assert first.run_id != second.run_id
    assert (first.dag_id, first.task_id) == ("", "")


def test_lineage_that_cannot_be_had_is_a_warning(monkeypatch, caplog):
    from airflow.providers.openlineage import api

    def broken():
        raise RuntimeError("no lineage today")

    monkeypatch.setattr(api, "is_openlineage_active", broken)
    assert identity_of({"ti": ti()}).openlineage_run_id is None
    assert "The OpenLineage run id could not be had" in caplog.text


def test_with_lineage_it_is_the_run_id_of_the_events(monkeypatch):
    from airflow.providers.openlineage import api
    from airflow.providers.openlineage.plugins import macros

    monkeypatch.setattr(api, "is_openlineage_active", lambda: True)
    monkeypatch.setattr(macros, "lineage_run_id", lambda ti: f"lineage of {ti.task_id}")
    assert identity_of({"ti": ti()}).openlineage_run_id == "lineage of t"


def test_where_airflow_shows_a_task_try(monkeypatch):
    identity = RunIdentity(run_id="i", dag_id="d", dag_run_id="manual__1+00:00", task_id="g.t", try_number=2)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/base/")
    page = "https://airflow.example/base/dags/d/runs/manual__1%2B00%3A00/tasks/g.t"
    assert task_url(identity) == f"{page}?try_number=2"
    assert task_url(replace(identity, map_index=0)) == f"{page}/mapped/0?try_number=2"


def test_outside_airflow_and_without_an_address_there_is_no_page(monkeypatch):
    assert task_url(RunIdentity(run_id="i")) is None
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "/airflow")
    assert task_url(RunIdentity(run_id="i", dag_id="d")) is None
