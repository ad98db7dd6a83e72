"""The local file: many writers, one drainer, nothing lost by a death at any moment."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import StoreUnavailableError
from airflow_provider_aiguard.lineage.local_spool import LocalSpool
from airflow_provider_aiguard.store.outbox import OutboxEvent


def event(name, text="{}"):
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return OutboxEvent(
        event_id=name, run_id=None, event_type="JOB", job="j", payer=name, happened_at=moment, event=text
    )


@pytest.fixture
def spool(tmp_path):
    return LocalSpool(tmp_path / "made" / "here")


def drained(spool, **more):
    found = []
    spool.drain(found.append, **more)
    return [one.event_id for one in found]


def test_what_was_appended_comes_back_once(spool):
    assert not spool.holds_events
    assert drained(spool) == []
    spool.append(event("a", '"é\u2028"'))
    spool.append(event("b"))
    assert spool.lines() == 2
    found = []
    assert spool.drain(found.append) == 2
    assert found == [event("a", '"é\u2028"'), event("b")]
    assert not spool.holds_events
    assert spool.lines() == 0


def _write(folder, who):
    for n in range(50):
        LocalSpool(folder).append(event(f"{who}-{n}", f'"{"x" * 5000}"'))
    os._exit(0)


def test_many_processes_write_while_one_drains(spool):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(spool.folder, who)) for who in range(4)]
    for writer in writers:
        writer.start()
    found = []
    while any(writer.is_alive() for writer in writers):
        found += drained(spool)
    found += drained(spool)
    assert sorted(found) == sorted(f"{who}-{n}" for who in range(4) for n in range(50))


def test_a_death_while_draining_loses_nothing_and_what_comes_later_is_kept_apart(spool):
    for name in "abc":
        spool.append(event(name))
    seen = []

    def dies(one):
        if one.event_id == "b":
            raise ConnectionError("gone")
        seen.append(one.event_id)

    with pytest.raises(ConnectionError, match="gone"):
        spool.drain(dies)
    spool.append(event("d"))
    assert spool.lines() == 3
    assert drained(spool) == ["b", "c", "d"]
    # A kill leaves no word of how far it came: everything comes again, and the store knows what it has.
    spool.append(event("e"))
    spool._set_apart()
    spool._reached.write_text("")
    assert drained(spool) == ["e"]


def test_what_the_store_never_takes_blocks_nothing(spool):
    spool.append(event("a", "no JSON"))
    for name in "bc":
        spool.append(event(name))
    seen = []

    def refuses(one):
        if one.event_id == "b":
            raise StoreUnavailableError("no") from sa.exc.DataError("INSERT", None, ValueError("out of range"))
        seen.append(one.event_id)

    assert spool.drain(refuses) == 1
    assert seen == ["c"]
    assert spool.damaged() == 2
    spool.append(event("d"))
    away = StoreUnavailableError("away")
    away.__cause__ = sa.exc.OperationalError("INSERT", None, OSError("gone"))
    with pytest.raises(StoreUnavailableError, match="away"):
        spool.drain(lambda _: (_ for _ in ()).throw(away))
    assert drained(spool) == ["d"]


def test_a_mark_of_the_future_says_nothing(spool):
    spool.say_store_is_away()
    assert spool.store_is_away()
    os.utime(spool._away, (time.time() + 3600,) * 2)
    assert not spool.store_is_away()


def test_a_kill_after_the_last_line_costs_none_of_those_that_come_later(spool, monkeypatch):
    for name in "abc":
        spool.append(event(name))
    unlink, gone = Path.unlink, []

    def killed(path, **more):
        if gone:
            raise KeyboardInterrupt("killed")
        gone.append(path)
        unlink(path, **more)

    monkeypatch.setattr(Path, "unlink", killed)
    with pytest.raises(KeyboardInterrupt, match="killed"):
        drained(spool)
    monkeypatch.undo()
    for name in "def":
        spool.append(event(name))
    # What the store has may come again: it knows it.
    assert drained(spool) == ["a", "b", "c", "d", "e", "f"]
    assert spool.lines() == 0


def test_time_is_up_and_the_next_goes_on_from_there(spool):
    for name in "abc":
        spool.append(event(name))
    assert drained(spool, deadline=time.monotonic() - 1) == []
    seen = []

    def slow(one):
        seen.append(one.event_id)
        time.sleep(0.2)

    spool.drain(slow, deadline=time.monotonic() + 0.1)
    assert seen == ["a"]
    assert drained(spool) == ["b", "c"]


def test_two_do_not_drain_at_once(spool):
    spool.append(event("a"))
    with spool._alone() as alone:
        assert alone
        assert drained(LocalSpool(spool.folder)) == []
    assert drained(spool) == ["a"]


def test_a_torn_line_harms_no_other_and_is_put_by(spool, caplog):
    spool.append(event("a"))
    with (spool.folder / "events.jsonl").open("a") as file:
        file.write('{"event_id": "torn')
    spool.append(event("b"))
    with (spool.folder / "events.jsonl").open("a") as file:
        file.write("\n[]\n" + json.dumps({"event_id": "c"}) + "\n")
    assert drained(spool) == ["a", "b"]
    damaged = (spool.folder / "events.damaged.jsonl").read_text().splitlines()
    assert damaged == ['{"event_id": "torn', "[]", '{"event_id": "c"}']
    assert "no event" in caplog.text


def test_that_the_store_is_away_is_known_to_all_processes_of_the_host_for_a_while(spool, caplog):
    assert not spool.store_is_away()
    spool.say_store_is_away()
    assert LocalSpool(spool.folder).store_is_away()
    past = time.time() - 31
    os.utime(spool.folder / "store-away", (past, past))
    assert not spool.store_is_away()
    spool.say_store_is_away()
    spool.say_store_is_back()
    assert not spool.store_is_away()


def test_a_folder_that_cannot_be_made_is_an_error_of_writing_only(tmp_path):
    (tmp_path / "file").write_text("")
    spool = LocalSpool(tmp_path / "file")
    spool.say_store_is_away()
    assert not spool.store_is_away()
    with pytest.raises(OSError, match="file"):
        spool.append(event("a"))
