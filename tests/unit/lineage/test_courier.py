"""The courier: order, poison, and a backend that goes away on the way."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from lineage_tasks import client, run_event, run_id
from openlineage.client.transport.http import HttpConfig

from airflow_provider_aiguard.core.errors import MarquezUnavailableError
from airflow_provider_aiguard.lineage import courier as module
from airflow_provider_aiguard.lineage.backend import Backend
from airflow_provider_aiguard.lineage.courier import Courier
from airflow_provider_aiguard.store import schema


@pytest.fixture
def spool(tmp_path, store, server):
    """Keep events without sending them; each is due for the server."""

    def put(*events):
        for event in events:
            client(tmp_path).emit(event)
        store.deliveries(server.name).want(now=datetime.now(UTC))

    return put


@pytest.fixture
def courier(server, store):
    def make(**more):
        return Courier(Backend(HttpConfig.from_dict({"url": server.url})), store.deliveries(server.name), **more)

    return make


def states(store, *columns):
    names = columns or ("state",)
    query = sa.select(*(schema.delivery.c[name] for name in names)).order_by(schema.delivery.c.seq)
    rows = store._database.read(lambda conn: conn.execute(query).all())
    return [row[0] if len(names) == 1 else tuple(row) for row in rows]


def free(store):
    now = sa.update(schema.delivery).values(free_at=datetime(2020, 1, 1, tzinfo=UTC))
    store._database.write(lambda conn: conn.execute(now))


def test_everything_due_is_sent_in_order_and_only_once(spool, courier, server, store):
    runs = [run_id() for _ in range(30)]
    spool(*(run_event("START", run) for run in runs), *(run_event("COMPLETE", run) for run in runs))
    sent = courier().drain()
    assert (sent.accepted, sent.stopped) == (60, "")
    assert [event["run"]["runId"] for event in server.events] == runs * 2
    assert courier().drain().accepted == 0
    assert set(states(store)) == {"accepted"}


def test_a_refused_event_is_set_aside_with_its_reason(spool, courier, server, store, caplog):
    bad, good = run_id(), run_id()
    server.refuses = lambda event: 422 * (event["run"]["runId"] == bad)
    spool(run_event("START", bad), run_event("START", good))
    sent = courier().drain()
    assert (sent.accepted, sent.set_aside) == (1, 1)
    assert states(store, "state", "reason")[0] == ("set_aside", 'HTTP 422: {"code": 422, "message": "in a mood"}')
    assert "aiguard lineage replay --set-aside" in caplog.text


def test_an_event_on_which_the_backend_fails_is_set_aside_at_the_third_time_if_others_pass(
    spool, courier, server, store
):
    bad, good = run_id(), run_id()
    server.refuses = lambda event: 500 * (event["run"]["runId"] == bad)
    spool(run_event("START", bad), run_event("START", good, job="dag.other"))
    assert courier().drain().accepted == 1
    assert states(store, "state", "attempts")[0] == ("due", 1)
    for _ in range(2):
        free(store)
        courier().drain()
    assert states(store)[0] == "set_aside"


def test_a_backend_that_fails_on_everything_sets_nothing_aside(spool, courier, server, store):
    server.mood = 500
    spool(*(run_event("START", run_id(), job=f"dag.{n}") for n in range(9)))
    for _ in range(5):
        assert courier().drain().stopped.startswith("HTTP 500")
        free(store)
    assert set(states(store)) == {"due"}
    assert server.requests == 15
    server.mood = "well"
    assert courier().drain().accepted == 9


def test_a_backend_that_goes_away_on_the_way_is_asked_no_more(spool, courier, server, store):
    runs = [run_id() for _ in range(6)]

    def refuses(event):
        if event["run"]["runId"] == runs[3]:
            server.mood = 503
        return 0

    server.refuses = refuses
    spool(*(run_event("START", run) for run in runs))
    sent = courier().drain()
    assert (sent.accepted, sent.stopped[:8]) == (4, "HTTP 503")
    assert states(store) == ["accepted"] * 4 + ["due"] * 2
    server.mood = "well"
    assert courier().drain().accepted == 2
    assert [event["run"]["runId"] for event in server.events] == runs


def test_the_rest_is_left_when_the_time_is_up(spool, courier, server, store, monkeypatch):
    spool(*(run_event("START", run_id()) for _ in range(3)))
    clock = [0.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def refuses(_event):
        clock[0] += 10
        return 0

    server.refuses = refuses
    sent = courier().drain(deadline=5.0)
    assert (sent.accepted, sent.stopped) == (1, "the time is up")
    assert states(store) == ["accepted", "due", "due"]
    assert courier().drain().accepted == 2


class Tags:
    """Stands in for what sets tags: remembers, or raises."""

    def __init__(self, error=None):
        self.error = error
        self.seen = []

    def says(self, event):
        return '"COMPLETE"' in event

    def set(self, event, *, seconds):
        assert seconds > 0
        if self.error:
            raise self.error
        self.seen.append(event["eventType"])


def test_tags_that_were_not_set_are_made_up_for_later(spool, courier, server, store, caplog):
    run, tags = run_id(), Tags()
    spool(run_event("START", run), run_event("COMPLETE", run))
    assert courier(tagging=Tags(ValueError("odd"))).drain().tagged == 0
    assert "replay tries again" in caplog.text
    caplog.clear()
    assert courier(tagging=Tags(MarquezUnavailableError("slow"))).drain().tagged == 0
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    assert states(store, "state", "tags_due") == [("accepted", False), ("accepted", True)]
    assert courier(tagging=tags).drain().tagged == 1
    assert tags.seen == ["COMPLETE"]
    assert courier(tagging=Tags(ValueError("odd"))).drain().tagged == 0
    store.deliveries(server.name).want_tags()
    assert courier(tagging=tags).drain().tagged == 1


def test_tags_at_once(spool, courier):
    run, tags = run_id(), Tags()
    spool(run_event("START", run), run_event("COMPLETE", run), run_event("START", run_id()))
    sent = courier(tagging=tags).drain(deadline=time.monotonic() + 60)
    assert (sent.accepted, sent.tagged, tags.seen) == (3, 1, ["COMPLETE"])


def test_tags_wait_when_the_time_is_up(spool, courier, monkeypatch):
    run, tags = run_id(), Tags()
    spool(run_event("COMPLETE", run))
    clock = iter([0.0, 0.0, 0.0, 0.0, 9.0, 9.0, 9.0, 9.0])
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert courier(tagging=tags).drain(deadline=5.0).accepted == 1
    assert tags.seen == []


def test_what_a_taker_holds_is_free_again_a_little_after_his_time(courier):
    assert courier()._hold(time.monotonic() - 5) == module.SLACK
    assert courier()._hold(None) > timedelta(minutes=3)


def test_a_backend_that_slept_and_then_fails_is_tried_again_soon(spool, courier, server, store):
    server.kill()
    spool(run_event("START", run_id()))
    for _ in range(12):
        courier().drain()
    server.start()
    server.mood = 500
    before = datetime.now(UTC)
    courier().drain()
    assert states(store, "attempts") == [13]
    (free_at,) = states(store, "free_at")
    assert free_at - before < timedelta(minutes=1)
    server.mood = "well"
    store.deliveries(server.name).want(now=datetime.now(UTC))
    assert courier().drain().accepted == 1


def test_a_request_that_had_what_was_left_of_the_time_says_nothing_about_the_backend(
    spool, courier, server, store, monkeypatch
):
    spool(*(run_event("START", run_id()) for _ in range(3)))
    left = iter([0.4, 0.06])
    monkeypatch.setattr(module, "_left", lambda _: next(left))
    server.tell = lambda _: None

    def refuses(event):
        server.mood = "hangs"
        return 0

    server.refuses = refuses
    sent = courier().drain(deadline=time.monotonic() + 60)
    assert sent.accepted == 1
    assert states(store, "state", "attempts") == [("accepted", 1), ("due", 0), ("due", 0)]
    (backend,) = store.outbox.standing()
    assert (backend.failures, backend.asleep_until) == (0, None)


class Away:
    """Marquez's API, gone."""

    def __init__(self):
        self.asked = 0

    def says(self, event):
        if '"dag.odd"' in event:
            raise KeyError("certified")
        return True

    def set(self, event, *, seconds):
        self.asked += 1
        raise MarquezUnavailableError("nobody answers")


def test_tags_are_left_at_the_first_silence_and_odd_ones_stop_no_event(spool, courier, server, store):
    spool(*(run_event("START", run_id()) for _ in range(4)), run_event("START", run_id(), job="dag.odd"))
    tagging = Away()
    sent = courier(tagging=tagging).drain()
    assert (sent.accepted, sent.stopped) == (5, "tags are left to replay: nobody answers")
    assert tagging.asked == 1
    assert states(store, "tags_due") == [True] * 4 + [False]
