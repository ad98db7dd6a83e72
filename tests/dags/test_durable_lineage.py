"""The durable transport under real Airflow: what its tasks feel, and what arrives."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from airflow_home import own_database
from lineage_server import TERMINAL, LineageServer

from airflow_provider_aiguard.hooks.lineage import TRANSPORT_CLASS

TASKS = {"score", "check", "wait", "plain", "fails"}
STATES = {"score": "success", "check": "success", "wait": "success", "fails": "failed"} | {
    f"plain[{n}]": "success" for n in range(3)
}


@pytest.fixture(scope="module", autouse=True)
def people(rows, store):
    pd.DataFrame({"id": range(30), "age": range(30)}).to_sql("people", rows, index=False)


@pytest.fixture
def run(tmp_path):
    """Run a function of ``durable_process.py`` with a transport; returns states and what was printed."""

    def start(name, transport, **environment):
        out = tmp_path / "states.json"
        done = subprocess.run(
            [sys.executable, Path(__file__).with_name("durable_process.py"), name, out],
            env={
                **os.environ,
                **own_database(tmp_path),
                "AIRFLOW__OPENLINEAGE__DISABLED": "False",
                "AIRFLOW__OPENLINEAGE__NAMESPACE": "tests",
                "AIRFLOW__OPENLINEAGE__TRANSPORT": transport,
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(out.read_text())["states"], done.stdout + done.stderr

    return start


@pytest.fixture
def server():
    with LineageServer() as started:
        yield started


def ours(folder, **more):
    """The setting; a machine of tests is busy, so a task may wait for longer than it would."""
    store = f"sqlite:///{folder / 'lineage.db'}"
    return json.dumps({"type": TRANSPORT_CLASS, "store": store, "spool": str(folder / "spool"), **more})


def kept(folder):
    with sqlite3.connect(folder / "lineage.db") as conn:
        return [json.loads(text) for (text,) in conn.execute("SELECT event FROM aiguard_outbox ORDER BY seq")]


def assert_whole(server, events):
    """The backend's state is that of the spool: every run, each with one start and one end, in this order."""
    assert server.state() == {e["run"]["runId"]: e["eventType"] for e in sorted(events, key=lambda e: e["eventTime"])}
    for types in server.runs.values():
        ends = [kind for kind in types if kind in TERMINAL]
        assert len(ends) == 1
        assert types[-1] == ends[0]
        assert types.count("START") <= 1


def test_a_run_while_the_backend_is_down_and_the_ready_dag_afterwards(run, tmp_path, server):
    server.kill()
    setting = ours(tmp_path, url=server.url)
    states, _ = run("durable", setting)
    assert states == STATES
    server.start()
    assert run("replay", setting)[0] == {"replay": "success"}
    # Those of the DAG that replayed are among them. A store that was slow has some from the local file.
    events = kept(tmp_path)
    jobs = [event["job"]["name"].removeprefix("durable.") for event in events]
    assert set(jobs) >= TASKS
    # The sensor was deferred and resumed: it starts once.
    assert [e["eventType"] for e, job in zip(events, jobs, strict=True) if job == "wait"].count("START") == 1
    assert "hunter2-planted" not in json.dumps(events)
    assert_whole(server, events)


@pytest.mark.parametrize(
    ("transport", "environment"),
    [
        ("", {}),
        ('{"type": "no.such.Transport"}', {}),
        (json.dumps({"type": TRANSPORT_CLASS, "url": "marquez", "store": "nowhere://", "spool": "/proc/none"}), {}),
        ('{"type": "console"}', {"AIRFLOW__OPENLINEAGE__DISABLED": "True"}),
    ],
    ids=["empty", "no class", "ours, all wrong", "disabled"],
)
def test_without_lineage_our_operators_run(run, transport, environment):
    states, _ = run("durable", transport, **environment)
    assert states == STATES
