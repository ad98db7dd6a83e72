"""What Airflow's configuration says about the transport, however it is written."""

from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from lineage_server import LineageServer

from airflow_provider_aiguard.hooks.lineage import TRANSPORT_CLASS, configured_transport, replay_lineage
from airflow_provider_aiguard.lineage.transport import DurableTransport

OURS = {"type": TRANSPORT_CLASS, "url": "http://marquez:5000", "auth": {"type": "api_key", "apiKey": "planted"}}


@pytest.fixture
def configure(monkeypatch):
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__DISABLED", "False")

    def write(transport):
        text = transport if isinstance(transport, str) else json.dumps(transport)
        monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", text)
        return configured_transport()

    return write


def test_the_class_is_where_the_setting_says():
    assert f"{DurableTransport.__module__}.{DurableTransport.__name__}" == TRANSPORT_CLASS


def test_ours_is_found_alone_and_among_others(configure):
    found = configure(OURS)
    assert (found.settings["url"], found.kind, found.disabled, found.problem) == (
        OURS["url"],
        TRANSPORT_CLASS,
        False,
        "",
    )
    http = {"type": "http", "url": "http://other"}
    for several in ({"a": http, "b": OURS}, [http, OURS]):
        assert configure({"type": "composite", "transports": several}).settings["url"] == OURS["url"]
    assert configure(http).settings is None
    assert configure(http).kind == "http"
    assert configure({}).kind is None


def test_a_configuration_that_cannot_be_read_is_a_problem_and_no_error(configure):
    assert configure("{no json").problem
    assert configure("[1]").problem


def test_it_may_be_in_a_file(configure, monkeypatch, tmp_path):
    file = tmp_path / "openlineage.yml"
    file.write_text(json.dumps({"transport": OURS}))
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__CONFIG_PATH", str(file))
    assert configure({}).settings["url"] == OURS["url"]


def test_another_backend_is_told_no_credentials(configure):
    found = configure({**OURS, "store": "sqlite:////x.db", "spool": "/spool"})
    assert found.config().secrets == ["planted"]
    assert found.config(OURS["url"]).secrets == ["planted"]
    other = found.config("http://localhost:5000")
    assert (other.secrets, other.backend_name) == ([], "http://localhost:5000/api/v1/lineage")
    assert (other.store, str(other.spool)) == ("sqlite:////x.db", "/spool")
    assert configure({}).config().http is None


def test_a_task_replays_or_says_why_not(configure, tmp_path, airflow_home):
    configure({})
    with pytest.raises(AirflowSkipException, match="no backend to replay to"):
        replay_lineage()
    with LineageServer() as server:
        mine = {"store": f"sqlite:///{tmp_path / 's.db'}", "spool": str(tmp_path / "spool"), "url": server.url}
        config = configure({"type": TRANSPORT_CLASS, **mine}).config()
        config.http = None
        DurableTransport(config).emit(
            {"run": {"runId": "r"}, "eventType": "START", "job": {"namespace": "n", "name": "j"}}
        )
        assert replay_lineage()["accepted"] == 1
        assert server.runs == {"r": ["START"]}
