"""The durable transport under real Airflow: what its tasks feel, and what arrives."""

from __future__ import annotations

import json
import sqlite3

import pandas as pd
import pytest
from emitted import run_own_process
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
        answer, printed = run_own_process(name, tmp_path, transport, script="durable_process.py", **environment)
        return answer["states"], printed

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
    """What the backend knows of these is what the spool does: every run, each with one start and one end, in order."""
    last = {e["run"]["runId"]: e["eventType"] for e in sorted(events, key=lambda e: e["eventTime"])}
    assert {run: state for run, state in server.state().items() if run in last} == last
    for types in (server.runs[run] for run in last):
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
    # On a busy machine the last events of the DAG that replayed are left to the next.
    events = [event for event in kept(tmp_path) if event["job"]["name"].partition(".")[0] == "durable"]
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
