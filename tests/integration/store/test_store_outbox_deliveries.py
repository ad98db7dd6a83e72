"""The outbox and its deliveries on each database: once, in order, by one sender, lost by nobody."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.deliveries import FIRST_SLEEP, LONGEST_SLEEP
from airflow_provider_aiguard.store.outbox import OutboxEvent, Spooled
from airflow_provider_aiguard.store.store import Store

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.deliveries import Deliveries

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOLD = timedelta(seconds=2)
URL = "http://marquez:5000/api/v1/lineage"


def event(name: str, kind: str = "START", *, run: str = "r", job: str = "ns/job", at: int = 0) -> OutboxEvent:
    moment = NOW + timedelta(seconds=at)
    return OutboxEvent(
        event_id=name, run_id=run, event_type=kind, job=job, payer=run, happened_at=moment, event=f'{{"e":"{name}"}}'
    )


def add(store: Store, one: OutboxEvent, now: datetime = NOW, **more: Any) -> Spooled | None:
    return store.outbox.add(one, {}, **{"backend": URL, "now": now, **more})


def took(deliveries: Deliveries, now: datetime = NOW, **more: Any) -> list[str]:
    found = deliveries.take(**{"now": now, "until": now + MINUTE, **more})
    return [one.event[6:-2] for one in found]


def row(store: Store, name: str, *columns: str) -> Any:
    chosen = [schema.delivery.c[column] for column in columns]
    query = sa.select(*chosen).join(schema.outbox, schema.outbox.c.seq == schema.delivery.c.seq)
    found = store._database.read(lambda conn: conn.execute(query.where(schema.outbox.c.event_id == name)).one())
    return found[0] if len(columns) == 1 else tuple(found)


@pytest.fixture
def deliveries(store: Store) -> Deliveries:
    return store.deliveries(URL)


def test_an_event_is_kept_once_and_a_run_starts_once(store: Store) -> None:
    assert add(store, event("a"))
    assert add(store, event("a", "COMPLETE", run="other")) is None
    assert add(store, event("b")) is None
    assert add(store, event("c", "RUNNING"))
    assert add(store, event("d", "RUNNING"))
    assert store.outbox.documents(2) == ['{"e":"d"}', '{"e":"c"}']
    assert store.outbox.count() == 3


def test_whoever_wrote_it_sends_it_unless_something_waits_before_it(store: Store, deliveries: Deliveries) -> None:
    first, second = add(store, event("a", run="1"), hold=HOLD), add(store, event("b", run="2"), hold=HOLD)
    # Two runs of a job at once, as mapped tasks are; the end of a run waits for its start.
    assert (first.mine, second.mine) == (True, True)
    assert not add(store, event("c", "COMPLETE", run="1"), hold=HOLD).mine
    # What nobody sends any more comes first, whichever run of the job it is of.
    assert not add(store, event("d", run="3"), now=NOW + HOLD, hold=HOLD).mine
    assert add(store, event("e", run="4", job="ns/other"), now=NOW + HOLD, hold=HOLD).mine


def test_what_is_due_of_a_job_is_taken_together_in_the_order_it_happened(store: Store, deliveries: Deliveries) -> None:
    add(store, event("late", "COMPLETE", at=9))
    add(store, event("other", run="o", job="ns/other"))
    add(store, event("early", at=1))
    add(store, event("between", "RUNNING", at=5))
    assert took(deliveries) == ["early", "between", "late"]
    assert took(deliveries) == ["other"]
    assert took(deliveries) == []
    # Nothing was heard of the takers.
    assert took(deliveries, NOW + MINUTE, limit=1) == ["early"]
    # The rest of a job waits while its first is under way.
    assert took(deliveries, NOW + MINUTE) == ["other"]
    assert took(deliveries, NOW + MINUTE) == []


def test_accepted_is_accepted_whatever_else_is_said(store: Store, deliveries: Deliveries) -> None:
    (seq,) = [add(store, event("a")).seq]
    deliveries.accepted(seq, now=NOW, waited=0.25, tags_due=True)
    deliveries.failed([seq], now=NOW, free_at=NOW, reason="no", waited=0)
    deliveries.set_aside(seq, now=NOW, reason="no")
    deliveries.leave([seq], now=NOW)
    assert row(store, "a", "state", "attempts", "waited_ms", "reason", "tags_due") == ("accepted", 1, 250, None, True)
    assert [one.seq for one in deliveries.tags_due(limit=5)] == [seq]
    deliveries.tags_done(seq)
    assert deliveries.tags_due(limit=5) == []


def test_a_failure_leaves_all_to_others_and_the_first_for_later(store: Store, deliveries: Deliveries) -> None:
    seqs = [add(store, event(name, "RUNNING")).seq for name in "abc"]
    assert took(deliveries) == ["a", "b", "c"]
    deliveries.failed(seqs, now=NOW, free_at=NOW + MINUTE, reason="HTTP 500\x00", waited=0.1)
    assert took(deliveries) == []
    assert took(deliveries, NOW + MINUTE) == ["a", "b", "c"]
    assert row(store, "a", "attempts", "reason") == (1, "HTTP 500\ufffd")
    deliveries.leave(seqs, now=NOW)
    assert took(deliveries) == ["a", "b", "c"]


def test_a_run_that_has_ended_does_not_start_again(store: Store, deliveries: Deliveries) -> None:
    end = add(store, event("end", "COMPLETE", at=9))
    deliveries.accepted(end.seq, now=NOW, waited=0)
    add(store, event("start", at=1))
    add(store, event("again", "FAIL", at=10))
    assert took(deliveries) == ["again"]
    assert row(store, "start", "state") == "late"


def test_a_job_of_which_all_is_late_is_passed_over(store: Store, deliveries: Deliveries) -> None:
    deliveries.accepted(add(store, event("end", "COMPLETE")).seq, now=NOW, waited=0)
    add(store, event("start"))
    add(store, event("b", run="2", job="ns/other"))
    assert took(deliveries) == ["b"]


def test_of_two_takers_each_job_has_one(store: Store, deliveries: Deliveries) -> None:
    for n in range(40):
        add(store, event(f"{n}", "RUNNING", run=f"{n}", job=f"ns/{n % 8}", at=n))
    taken: list[list[str]] = []

    def work() -> None:
        while found := took(deliveries):
            taken.append(found)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(name for found in taken for name in found) == Counter(f"{n}" for n in range(40))
    assert sorted(taken) == sorted([f"{n}" for n in range(job, 40, 8)] for job in range(8))


def test_a_backend_that_does_not_answer_sleeps_longer_each_time(store: Store, deliveries: Deliveries) -> None:
    assert add(store, event("a", run="a"), hold=HOLD).awake
    now = NOW
    for sleep in (FIRST_SLEEP, 2 * FIRST_SLEEP, 4 * FIRST_SLEEP):
        deliveries.unanswered(now=now, reason="refused")
        assert not add(store, event(f"{now}", "RUNNING"), now=now + sleep - timedelta(seconds=1), hold=HOLD).awake
        now += sleep
        # One tries for all.
        assert add(store, event(f"{now}1", "RUNNING"), now=now, hold=HOLD).awake
        assert not add(store, event(f"{now}2", "RUNNING"), now=now, hold=HOLD).awake
    for _ in range(20):
        deliveries.unanswered(now=now, reason="refused")
    assert add(store, event("z", "RUNNING"), now=now + LONGEST_SLEEP, hold=HOLD).awake
    deliveries.accepted(add(store, event("y", "RUNNING"), hold=HOLD).seq, now=now, waited=0)
    assert add(store, event("x", "RUNNING"), now=now, hold=HOLD).awake


def test_an_error_of_the_backend_is_no_sleep_until_it_is_the_third(store: Store, deliveries: Deliveries) -> None:
    add(store, event("a"), hold=HOLD)
    for n in range(2):
        deliveries.unanswered(now=NOW, reason="HTTP 500", patient=True)
        assert add(store, event(f"{n}", "RUNNING"), hold=HOLD).awake
    deliveries.unanswered(now=NOW, reason="HTTP 500", patient=True)
    assert not add(store, event("b", "RUNNING"), hold=HOLD).awake


def test_what_a_task_waited_counts_over_all_its_events(store: Store, deliveries: Deliveries) -> None:
    deliveries.accepted(add(store, event("a")).seq, now=NOW, waited=0.3)
    deliveries.failed([add(store, event("b", "RUNNING")).seq], now=NOW, free_at=NOW, reason="", waited=0.2)
    assert add(store, event("c", "COMPLETE")).waited == pytest.approx(0.5)
    assert add(store, event("d", run="other")).waited == 0


def test_a_backend_asks_for_what_it_never_got(store: Store) -> None:
    add(store, event("kept"), backend=None)
    add(store, event("told", run="2"))
    other = store.deliveries("http://other/api/v1/lineage")
    assert other.want(now=NOW) == 2
    assert took(other) == ["kept", "told"]
    assert other.want(now=NOW) == 2


def test_a_backend_that_lost_everything_asks_for_all_of_it(store: Store, deliveries: Deliveries) -> None:
    for name, done in (("a", "accepted"), ("b", "aside"), ("c", "due")):
        seq = add(store, event(name, run=name, job=name)).seq
        if done == "accepted":
            deliveries.accepted(seq, now=NOW, waited=0, tags_due=True)
        if done == "aside":
            deliveries.set_aside(seq, now=NOW, reason="HTTP 422")
    assert deliveries.want(now=NOW) == 1
    assert deliveries.want(now=NOW, set_aside=True) == 2
    assert deliveries.want(now=NOW, again=True) == 3
    assert deliveries.tags_due(limit=5) == []


def test_what_a_backend_is_is_remembered(store: Store, deliveries: Deliveries) -> None:
    assert deliveries.kind() is None
    add(store, event("a"))
    deliveries.set_kind("marquez")
    assert deliveries.kind() == "marquez"


def test_a_poison_event_is_known_by_what_was_accepted_after_it(store: Store, deliveries: Deliveries) -> None:
    first, second = add(store, event("a")), add(store, event("b", run="2"))
    assert not deliveries.accepts_since(first.seq)
    deliveries.accepted(second.seq, now=NOW, waited=0)
    assert deliveries.accepts_since(first.seq)
    assert not deliveries.accepts_since(second.seq)


def test_what_follows_from_an_event_is_written_with_it_or_not_at_all(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    def works(conn: sa.Connection, document: Any) -> None:
        conn.execute(sa.insert(schema.limit).values(
            name=document["name"], per="day", unit="usd", amount=1, set_by="x", set_at=NOW))  # fmt: skip

    def fails(conn: sa.Connection, document: Any) -> None:
        works(conn, {"name": "undone"})
        works(conn, document)

    def breaks(_conn: sa.Connection, _document: Any) -> None:
        raise ZeroDivisionError

    store.outbox.add(event("a"), {"name": "kept"}, backend=None, now=NOW, alongside=(works, fails, breaks))
    assert [limit.name for limit in store.budgets.limits(None)] == ["kept"]
    assert store.outbox.count() == 1
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 2
    # A second START is no event: nothing follows from it.
    store.outbox.add(event("b"), {"name": "again"}, backend=None, now=NOW, alongside=(works,))
    assert len(store.budgets.limits(None)) == 1


def test_what_lost_a_race_is_tried_again_with_its_event(store: Store) -> None:
    class DeadlockDetectedError(Exception):
        sqlstate = "40P01"

    tried = []

    def meets_another(_conn: sa.Connection, _document: Any) -> None:
        tried.append(1)
        if len(tried) == 1:
            raise sa.exc.OperationalError("INSERT", {}, DeadlockDetectedError())

    store.outbox.add(event("a"), {}, backend=None, now=NOW, alongside=(meets_another,))
    assert (len(tried), store.outbox.count()) == (2, 1)


def test_pruning_forgets_only_what_every_backend_has(store: Store, deliveries: Deliveries) -> None:
    other = store.deliveries("http://other/api/v1/lineage")
    seqs = {name: add(store, event(name, run=name, job=name)).seq for name in ("sent", "due", "aside", "half")}
    add(store, event("kept", run="kept"), backend=None)
    for name in ("sent", "half"):
        deliveries.accepted(seqs[name], now=NOW, waited=0)
    deliveries.set_aside(seqs["aside"], now=NOW, reason="HTTP 422")
    store._database.write(
        lambda conn: conn.execute(
            sa.insert(schema.delivery).values(
                backend=other.backend, seq=seqs["half"], job="half", state="due", free_at=NOW
            )
        )
    )
    assert store.outbox.prune(NOW) == 0
    assert store.outbox.prune(NOW + MINUTE) == 1
    assert store.outbox.count() == 4
    with pytest.raises(ConfigurationError, match="before"):
        store.outbox.prune(datetime(2026, 1, 1))  # noqa: DTZ001


def test_jobs_of_which_all_is_late_are_gone_through(store: Store, deliveries: Deliveries) -> None:
    many = range(1_100)
    for n in (0, 1):
        add(store, event(f"end{n}", "COMPLETE", run=f"{n}", job=f"ns/{n}"))
        deliveries.accepted(n + 1, now=NOW, waited=0)
    starts = [
        {"event_id": f"{n}", "run_id": "0", "event_type": "RUNNING", "job": f"late/{n}", "payer": "p", "event": "{}",
         "happened_at": NOW, "spooled_at": NOW, "seq": 10 + n} for n in many
    ]  # fmt: skip
    due = [{"backend": URL, "seq": 10 + n, "job": f"late/{n}", "state": "due", "free_at": NOW} for n in many]

    def fill(conn: sa.Connection) -> None:
        conn.execute(sa.insert(schema.outbox), starts)
        conn.execute(sa.insert(schema.delivery), due)

    store._database.write(fill)
    assert took(deliveries) == []
    assert deliveries.due() == 0


def test_replays_at_once_want_everything_once(store: Store) -> None:
    for n in range(200):
        store.outbox.add(event(f"{n}", run=f"{n}"), {}, backend=None, now=NOW)
    with ThreadPoolExecutor(6) as pool:
        wanted = [pool.submit(store.deliveries(URL).want, now=NOW) for _ in range(6)]
    assert [one.result() for one in wanted] == [200] * 6
    assert store.deliveries(URL).due() == 200
