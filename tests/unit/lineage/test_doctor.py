"""The doctor: each thing that can be wrong, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from lineage_server import LineageServer
from lineage_tasks import client, run_event, run_id, settings

from airflow_provider_aiguard.lineage.doctor import examine
from airflow_provider_aiguard.lineage.settings import DurableConfig
from airflow_provider_aiguard.store import schema

FACET = {"_producer": "https://x.example", "_schemaURL": "https://x.example#/$defs/X"}


def to_do(store, folder, url=None, *, now=None, **more):
    found = examine(store, DurableConfig.from_dict(settings(folder, url, **more)), now=now)
    return {finding.about: f"{finding.found} -> {finding.to_do}" for finding in found if finding.to_do}


def test_all_is_well(tmp_path, server, store):
    client(tmp_path, server.url).emit(run_event("START", run_id()))
    assert to_do(store, tmp_path, server.url) == {}


def test_nothing_yet(tmp_path, server, store):
    found = to_do(store, tmp_path, server.url)
    assert list(found) == ["recent events"]
    assert "Run a DAG" in found["recent events"]


def test_settings_and_backend(tmp_path, store, server):
    assert "Set 'url'" in to_do(store, tmp_path)["backend"]
    assert "'much'" in to_do(store, tmp_path, server.url, budget="much")["settings"]
    server.mood = 401
    assert "HTTP 401" in to_do(store, tmp_path, server.url)["backend"]
    server.kill()
    assert "nobody answers" in to_do(store, tmp_path, server.url)["backend"]


def test_the_local_file(tmp_path, store, server):
    client(tmp_path, store="postgresql+psycopg://127.0.0.1:1/none").emit(run_event("START", run_id()))
    assert "1 events wait" in to_do(store, tmp_path, server.url)["local file"]
    (tmp_path / "spool" / "events.damaged.jsonl").write_text("{\n")
    assert "remove it" in to_do(store, tmp_path, server.url)["local file"]


def test_what_is_due_for_long_and_what_is_set_aside(tmp_path, store, server):
    client(tmp_path, server.url).emit(run_event("START", run_id()))
    server.refuses = lambda _event: 422
    client(tmp_path, server.url).emit(run_event("START", run_id()))
    assert "--set-aside" in to_do(store, tmp_path, server.url)[f"events for {server.name}"]
    store.deliveries(server.name).want(now=datetime.now(UTC), again=True)
    assert to_do(store, tmp_path, server.url) == {}
    later = to_do(store, tmp_path, server.url, now=datetime.now(UTC) + timedelta(hours=2))
    assert "2 are due, the oldest since" in later[f"events for {server.name}"]
    # Another backend that nobody is configured to tell may lack whatever it likes.
    with LineageServer() as other:
        assert to_do(store, tmp_path, other.url, now=datetime.now(UTC) + timedelta(hours=2)) == {}


def test_an_event_that_a_backend_would_refuse(tmp_path, store, server):
    client(tmp_path).emit(run_event("START", run_id(), odd={"nothing": 1}))
    assert "run.odd: _producer is no URL (dag.task), 1 times" in to_do(store, tmp_path, server.url)["recent events"]


def written(store, folder):
    """An event of ours that wrote a table, kept."""
    facets = {"aiguard_provenance": {**FACET, "runId": "r", "columns": [{"name": "late"}]},
              "tags": {**FACET, "tags": [{"key": "aiguard_provenance", "value": "ai_inferred", "field": "late",
                                          "source": "AIGUARD"}]}}  # fmt: skip
    from airflow_provider_aiguard.lineage.transport import DurableTransport

    DurableTransport(DurableConfig.from_dict(settings(folder))).emit(
        {"eventType": "COMPLETE", "eventTime": "2026-01-01T00:00:00+00:00", "producer": "https://x.example",
         "schemaURL": "https://x.example", "run": {"runId": run_id()}, "job": {"namespace": "n", "name": "j"},
         "outputs": [{"namespace": "n", "name": "t", "facets": facets}]}
    )  # fmt: skip


def test_tags(tmp_path, store, server):
    written(store, tmp_path)
    deliveries = store.deliveries(server.name)
    deliveries.want(now=datetime.now(UTC))
    deliveries.set_kind("marquez")
    wrong = {"fields": [{"name": "late", "tags": []}], "tags": [], "facets": {}}
    server.tell = lambda request: wrong if "/datasets/" in request else None
    assert "such as 't'" in to_do(store, tmp_path, server.url)["tags"]
    wrong["fields"][0]["tags"] = wrong["tags"] = ["AI_INFERRED"]
    assert "tags" not in to_do(store, tmp_path, server.url)
    due = sa.update(schema.delivery).values(tags_due=True, state="accepted")
    store._database.write(lambda conn: conn.execute(due))
    assert "tags of 1 are not set" in to_do(store, tmp_path, server.url)[f"events for {server.name}"]
    server.kill()
    assert "could not be looked at" in to_do(store, tmp_path, server.url)["tags"]


def test_a_backend_that_takes_nothing_for_a_month_may_be_no_more(tmp_path, server, store):
    with LineageServer() as old:
        old.kill()
        client(tmp_path, old.url).emit(run_event("START", run_id()))
    later = datetime.now(UTC) + timedelta(days=31)
    found = to_do(store, tmp_path, server.url, now=later)
    assert f"forget --url {old.name}" in found[f"events for {old.name}"]
    assert f"events for {old.name}" not in to_do(store, tmp_path, server.url, now=later - timedelta(days=2))
    store.deliveries(old.name).forget()
    assert f"events for {old.name}" not in to_do(store, tmp_path, server.url, now=later)
