"""The durable transport: what it keeps, what it sends, and what it never does to its task."""

from __future__ import annotations

import json
import logging
import sqlite3

import event_samples
import pytest
from lineage_tasks import client, run_event, run_id, settings

from airflow_provider_aiguard.core.lineage import dataset_node
from airflow_provider_aiguard.lineage.local_spool import LocalSpool
from airflow_provider_aiguard.lineage.transport import DurableTransport
from airflow_provider_aiguard.lineage.waited import Waited
from airflow_provider_aiguard.store.store import open_store

TRANSPORT = "airflow_provider_aiguard.lineage.transport"


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A busy machine may take longer than a task would wait. A store that is away is known to be after a moment."""
    for limit, seconds in (("STORE_SECONDS", 2.0), ("DRAIN_SECONDS", 30.0), ("TASK_SECONDS", 30.0)):
        monkeypatch.setattr(f"{TRANSPORT}.{limit}", seconds)


@pytest.fixture
def outbox(tmp_path):
    """The store of the transport, as another process sees it."""
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        yield store


def states(store, name):
    import sqlalchemy as sa

    from airflow_provider_aiguard.store import schema

    query = sa.select(schema.delivery.c.state).where(schema.delivery.c.backend == name).order_by(schema.delivery.c.seq)
    return store._database.read(lambda conn: list(conn.scalars(query)))


def emit(folder, url, *events, **more):
    """Each event by a client of its own."""
    for event in events:
        client(folder, url, **more).emit(event)


def test_an_event_is_kept_and_sent(tmp_path, server, outbox):
    run = run_id()
    emit(tmp_path, server.url, run_event("START", run), run_event("COMPLETE", run))
    assert server.runs == {run: ["START", "COMPLETE"]}
    assert states(outbox, server.name) == ["accepted", "accepted"]
    kept = [json.loads(text) for text in outbox.outbox.documents(10)]
    assert kept == server.events[::-1]


def test_what_came_from_what_is_kept_with_the_event(tmp_path, outbox):
    transport = DurableTransport(DurableTransport.config_class.from_dict(settings(tmp_path)))
    transport.emit(event_samples.event(["raw"], ["scored"]))
    odd = event_samples.event([{"name": ["odd"], "namespace": {}}, 7], run="run-2") | {"outputs": "no list"}
    transport.emit(odd)
    raw, scored = (dataset_node(event_samples.NAMESPACE, name) for name in ("raw", "scored"))
    assert [ancestor.node for ancestor in outbox.graph.ancestors(scored).ancestors] == [raw]
    assert outbox.outbox.count() == 2


def test_a_second_start_of_a_run_is_dropped(tmp_path, server, outbox):
    run = run_id()
    emit(tmp_path, server.url, run_event("START", run), run_event("START", run), run_event("START", run_id()))
    assert outbox.outbox.count() == 2
    assert server.runs[run] == ["START"]


def test_without_a_url_events_are_kept_for_whoever_asks(tmp_path, server, outbox):
    emit(tmp_path, None, run_event("START", run_id()))
    assert outbox.outbox.count() == 1
    assert not server.requests


@pytest.mark.parametrize("mood", ["garbage", "hangs", "drips", 500, 502, 401, 404, 429])
def test_a_backend_in_a_mood_costs_nothing_but_time(tmp_path, server, outbox, mood, caplog):
    server.mood = mood
    run = run_id()
    emit(tmp_path, server.url, run_event("START", run), budget=0.1)
    assert states(outbox, server.name) == ["due"]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_backend_that_does_not_answer_is_not_asked_again_for_a_while(tmp_path, server, outbox):
    server.mood = "hangs"
    emit(tmp_path, server.url, *(run_event("START", run_id()) for _ in range(5)), budget=0.1)
    assert server.requests == 1
    assert states(outbox, server.name) == ["due"] * 5


def test_an_event_that_is_refused_is_set_aside_and_blocks_nothing(tmp_path, server, outbox):
    bad, good = run_id(), run_id()
    server.refuses = lambda event: 422 * (event["run"]["runId"] == bad)
    emit(tmp_path, server.url, run_event("START", bad), run_event("COMPLETE", bad), run_event("START", good))
    assert states(outbox, server.name) == ["set_aside", "set_aside", "accepted"]


def test_what_waited_is_sent_by_the_next_event_in_the_order_of_its_run(tmp_path, server, outbox):
    run, other = run_id(), run_id()
    server.kill()
    emit(tmp_path, server.url, run_event("START", run), run_event("COMPLETE", run))
    server.start()
    wake(outbox, server.name)
    emit(tmp_path, server.url, run_event("START", other, job="dag.other"), budget=5)
    assert server.runs == {other: ["START"], run: ["START", "COMPLETE"]}


def in_file(folder):
    return LocalSpool(folder / "spool").lines()


def test_a_task_waits_for_a_store_that_is_busy_no_longer_than_for_all_its_events(
    tmp_path, server, outbox, monkeypatch, caplog
):
    """However long the store may take for one."""
    monkeypatch.setattr(f"{TRANSPORT}.STORE_SECONDS", 30.0)
    monkeypatch.setattr(f"{TRANSPORT}.TASK_SECONDS", 0.8)
    run = run_id()
    outbox.outbox.count()
    with sqlite3.connect(tmp_path / "store.db", isolation_level=None) as busy:
        busy.execute("BEGIN IMMEDIATE")
        emit(tmp_path, server.url, *(run_event("RUNNING", run, job=f"dag.{n}") for n in range(6)))
        assert in_file(tmp_path) == 6
        busy.execute("ROLLBACK")
    assert outbox.outbox.count() == 0
    # That says nothing about the store: another task writes into it, and takes along what waits.
    assert not LocalSpool(tmp_path / "spool").store_is_away()
    monkeypatch.setattr(f"{TRANSPORT}.TASK_SECONDS", 30.0)
    emit(tmp_path, server.url, run_event("RUNNING", run_id()), budget=5)
    assert in_file(tmp_path) == 0
    assert outbox.outbox.count() == 7
    assert server.runs[run] == ["RUNNING"] * 6
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_what_a_task_has_waited_is_known_to_its_next_event_and_forgotten_at_its_end(tmp_path, server, outbox):
    run = run_id()
    emit(tmp_path, server.url, run_event("START", run))
    waited = Waited(tmp_path / "spool", run)
    assert waited.seconds() > 0
    waited.add(30)
    emit(tmp_path, server.url, run_event("COMPLETE", run))
    assert (in_file(tmp_path), outbox.outbox.count()) == (1, 1)
    assert waited.seconds() == 0


def wake(store, name):
    import sqlalchemy as sa

    from airflow_provider_aiguard.store import schema

    up = sa.update(schema.backend).where(schema.backend.c.backend == name).values(asleep_until=None)
    store._database.write(lambda conn: conn.execute(up))


def test_while_the_store_is_away_the_local_file_keeps_events_and_the_next_task_brings_them(tmp_path, server, caplog):
    run = run_id()
    away = {"store": "postgresql+psycopg://u:secret-word@127.0.0.1:1/none"}
    emit(tmp_path, server.url, run_event("START", run), run_event("COMPLETE", run), **away)
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "secret-word" not in caplog.text
    spool = tmp_path / "spool"
    assert len((spool / "events.jsonl").read_text().splitlines()) == 2
    (spool / "store-away").unlink()
    emit(tmp_path, server.url, run_event("START", run_id()), budget=5)
    assert not (spool / "events.jsonl").exists()
    assert server.runs[run] == ["START", "COMPLETE"]


def test_a_file_that_cannot_be_drained_keeps_no_event_out_of_the_store(tmp_path, server, outbox, caplog):
    emit(tmp_path, server.url, run_event("START", run_id()), store="postgresql+psycopg://127.0.0.1:1/none")
    spool = tmp_path / "spool"
    (spool / "store-away").unlink()
    # As on a full disk.
    (spool / "drain.lock").mkdir()
    caplog.clear()
    emit(tmp_path, server.url, run_event("START", run_id()))
    assert outbox.outbox.count() == 1
    assert len((spool / "events.jsonl").read_text().splitlines()) == 1
    assert not (spool / "store-away").exists()
    assert "is kept, and sent later" in caplog.text


def test_a_name_too_long_for_an_index_is_kept(tmp_path, postgres_database, server):
    store = {"store": postgres_database}
    for kind in ("START", "COMPLETE"):
        emit(tmp_path, server.url, run_event(kind, run_id(), job="long" * 1500), budget=5, **store)
    assert [event["job"]["name"] for event in server.events] == ["long" * 1500] * 2


def test_when_nothing_can_keep_it_an_event_is_sent_all_the_same(tmp_path, server, caplog):
    (tmp_path / "spool").write_text("a file where the folder should be")
    emit(tmp_path, server.url, run_event("START", run_id()), store="mysql://nobody")
    assert len(server.events) == 1
    server.kill()
    caplog.clear()
    emit(tmp_path, server.url, run_event("START", run_id()), store="mysql://nobody")
    assert "is lost" in caplog.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "marquez:5000"}, "begins with http://"),
        ({"url": "http://marquez:5000", "auth": {"type": "api_key"}}, "apiKey"),
        ({"url": "http://marquez:5000", "budget": "much"}, "'much'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_said_and_events_are_kept(tmp_path, outbox, caplog, wrong, said):
    transport = DurableTransport(DurableTransport.config_class.from_dict({**settings(tmp_path), **wrong}))
    transport.config.http = None
    for _ in range(3):
        transport.emit({"eventType": "START", "run": {"runId": run_id()}, "job": {"namespace": "n", "name": "j"}})
    # Once, and not for each event.
    assert caplog.text.count(said) == 1
    assert outbox.outbox.count() == 3


def test_no_exception_leaves(tmp_path, caplog):
    transport = DurableTransport(DurableTransport.config_class.from_dict(settings(tmp_path)))
    transport.emit(object())
    assert "is lost" in caplog.text
