"""Replay: everything that a backend lacks, once, whatever kept it."""

from __future__ import annotations

import pytest
from lineage_server import LineageServer
from lineage_tasks import client, run_event, run_id, settings

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.lineage.replay import replay
from airflow_provider_aiguard.lineage.settings import DurableConfig


def config(folder, url=None, **more):
    return DurableConfig.from_dict(settings(folder, url, **more))


def test_what_was_kept_in_any_place_arrives_once(tmp_path, server, store):
    run, other = run_id(), run_id()
    away = {"store": "postgresql+psycopg://127.0.0.1:1/none"}
    client(tmp_path).emit(run_event("START", run))
    client(tmp_path, **away).emit(run_event("COMPLETE", run))
    client(tmp_path, server.url).emit(run_event("START", other, job="dag.other"))
    done = replay(store, config(tmp_path, server.url))
    assert server.runs[run] == ["START", "COMPLETE"]
    assert (done.from_file, done.left, done.sent.stopped) == (2, 0, "")
    again = replay(store, config(tmp_path, server.url))
    assert (again.sent.accepted, again.from_file) == (0, 0)
    assert sorted(map(len, server.runs.values())) == [1, 2]
    assert "3 accepted" in str(done)
    assert done.to_dict()["backend"] == server.name


def test_a_backend_that_lost_everything_gets_it_again(tmp_path, server, store):
    run = run_id()
    client(tmp_path, server.url).emit(run_event("START", run))
    client(tmp_path, server.url).emit(run_event("COMPLETE", run))
    server.runs.clear()
    assert replay(store, config(tmp_path, server.url), again=True).sent.accepted == 2
    assert server.runs == {run: ["START", "COMPLETE"]}


def test_another_backend_gets_all_of_it(tmp_path, server, store):
    run = run_id()
    client(tmp_path, server.url).emit(run_event("START", run))
    with LineageServer() as second:
        assert replay(store, config(tmp_path, second.url)).sent.accepted == 1
        assert second.runs == {run: ["START"]}


def test_what_was_set_aside_may_be_taken_now(tmp_path, server, store):
    server.refuses = lambda _event: 422
    client(tmp_path, server.url).emit(run_event("START", run_id()))
    server.refuses = lambda _event: 0
    assert replay(store, config(tmp_path, server.url)).sent.accepted == 0
    assert replay(store, config(tmp_path, server.url), set_aside=True).sent.accepted == 1
    assert replay(store, config(tmp_path, server.url), tags=True).sent.accepted == 0


def test_a_backend_that_is_away_is_said(tmp_path, server, store):
    server.kill()
    client(tmp_path).emit(run_event("START", run_id()))
    done = replay(store, config(tmp_path, server.url))
    assert done.left == 1
    assert "Stopped: nobody answers there" in str(done)


@pytest.mark.parametrize(("url", "said"), [(None, "no 'url'"), ("marquez", "cannot be used")])
def test_without_a_backend_there_is_nothing_to_do(tmp_path, store, url, said):
    with pytest.raises(ConfigurationError, match=said):
        replay(store, config(tmp_path, url))
