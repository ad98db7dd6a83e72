"""``aiguard lineage``: what the person on call types."""

from __future__ import annotations

import json

import pytest
from lineage_server import LineageServer
from lineage_tasks import client, run_event, run_id, settings

from airflow_provider_aiguard.cli.main import main


@pytest.fixture
def server():
    with LineageServer() as started:
        yield started


@pytest.fixture
def configure(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__DISABLED", "False")
    monkeypatch.setenv("AIGUARD_STORE", f"sqlite:///{tmp_path / 'elsewhere.db'}")

    def write(**more):
        monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps({**settings(tmp_path), **more}))

    write()
    return write


@pytest.fixture
def aiguard(configure, capsys):
    def run(*arguments):
        code = main(["lineage", *arguments])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


@pytest.fixture
def answer(aiguard):
    def run(*arguments):
        code, out = aiguard(*arguments, "--json")
        return code, json.loads(out)

    return run


def test_replay_to_the_configured_backend_and_to_another(aiguard, answer, configure, tmp_path, server):
    run = run_id()
    client(tmp_path).emit(run_event("START", run))
    code, said = aiguard("replay")
    assert code == 3
    assert "The transport has no 'url'. Set it, or give --url" in said
    configure(url=server.url)
    code, found = answer("replay")
    assert (code, found["accepted"], found["left"]) == (0, 1, 0)
    with LineageServer() as other:
        assert aiguard("replay", "--url", other.url)[0] == 0
        assert other.runs == {run: ["START"]}
    assert answer("replay")[1]["accepted"] == 0
    assert answer("replay", "--all")[1]["accepted"] == 1


def test_a_backend_that_is_no_more_is_forgotten_and_ours_is_not(aiguard, answer, configure, tmp_path, server):
    client(tmp_path).emit(run_event("START", run_id()))
    with LineageServer() as old:
        assert aiguard("replay", "--url", old.url)[0] == 0
    configure(url=server.url)
    assert aiguard("replay")[0] == 0
    assert "backend of the transport" in aiguard("forget", "--url", server.url)[1]
    assert "Known backends" in aiguard("forget", "--url", "http://nowhere")[1]
    code, found = answer("forget", "--url", old.url)
    assert (code, found["backend"], found["forgotten"]) == (0, old.name, 1)
    assert [one["backend"] for one in answer("status")[1]["backends"]] == [server.name]


def test_replay_ends_in_one_while_events_are_left(aiguard, configure, tmp_path, server):
    client(tmp_path).emit(run_event("START", run_id()))
    configure(url=server.url)
    server.mood = 503
    code, said = aiguard("replay")
    assert code == 1
    assert "0 accepted, 0 set aside, 1 left. Stopped: HTTP 503" in said


def test_status(aiguard, answer, configure, tmp_path, server):
    code, said = aiguard("status")
    assert (code, said.splitlines()[0]) == (0, "Events: 0. In the local file of this host: 0.")
    configure(url=server.url)
    server.refuses = lambda _event: 422
    bad = run_id()
    client(tmp_path, server.url).emit(run_event("START", bad))
    code, said = aiguard("status")
    assert code == 0
    assert f"{server.name}: 0 accepted, 0 due, 1 set aside, 0 late" in said
    assert f"set aside by {server.name}: START of tests/dag.task, run {bad}: HTTP 422" in said
    server.kill()
    client(tmp_path, server.url).emit(run_event("START", run_id()))
    said = aiguard("status")[1]
    assert "1 due" in said
    assert "1 failures in a row, not asked until" in said
    found = answer("status")[1]
    assert (found["events"], found["backends"][0]["due"], found["set_aside"][0]["run_id"]) == (2, 1, bad)


def test_doctor(aiguard, answer, configure, tmp_path, server, monkeypatch):
    configure(url=server.url)
    client(tmp_path, server.url).emit(run_event("START", run_id()))
    monkeypatch.setenv("AIRFLOW_CONN_AIGUARD_DEFAULT", json.dumps({"conn_type": "sqlite", "host": "/other.db"}))
    code, said = aiguard("doctor")
    assert code == 1
    assert "!! store: the transport's is sqlite:///" in said
    assert "To do: 1." in said
    url = f"sqlite:///{tmp_path / 'store.db'}"
    monkeypatch.setenv("AIRFLOW_CONN_AIGUARD_DEFAULT", json.dumps({"conn_type": "aiguard", "extra": {"url": url}}))
    code, said = aiguard("doctor")
    assert (code, said.splitlines()[-1]) == (0, "All is well.")
    server.kill()
    code, found = answer("doctor")
    assert code == 1
    assert [one["about"] for one in found["findings"] if one["to_do"]] == ["backend"]


@pytest.mark.parametrize(
    ("transport", "said"),
    [
        ("{no json", "cannot be read"),
        ('{"type": "http", "url": "http://x"}', "is 'http', which loses events"),
        ("{}", "is none"),
    ],
)
def test_doctor_of_another_transport(aiguard, tmp_path, monkeypatch, transport, said):
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", transport)
    code, text = aiguard("doctor", "--store", f"sqlite:///{tmp_path / 'store.db'}")
    assert code == 1
    assert f"!! [openlineage] transport: {said}" in text
    assert "airflow_provider_aiguard.lineage.transport.DurableTransport" in text


def test_doctor_of_openlineage_switched_off(aiguard, monkeypatch, server, configure):
    configure(url=server.url)
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__DISABLED", "True")
    assert "is disabled: no event is emitted" in aiguard("doctor")[1]


def test_prune_forgets_events_that_every_backend_has(configure, tmp_path, server, capsys):
    client(tmp_path, server.url).emit(run_event("START", run_id()))
    url = f"sqlite:///{tmp_path / 'store.db'}"
    assert main(["store", "prune", "--store", url, "--older-than", "1d"]) == 0
    assert "forgotten: 0." in capsys.readouterr().out.splitlines()[1]
