"""The events that DAG runs of a process of its own really send, through OpenLineage's own file transport."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from airflow_home import own_database

from airflow_provider_aiguard.hooks.lineage import TRANSPORT_CLASS
from airflow_provider_aiguard.store.location import embedded_url


class Emitted(NamedTuple):
    """What a process left.

    :param answer: what it wrote about its tasks.
    :param events: the events it sent, in order.
    :param printed: what it printed.
    """

    answer: Any
    events: list[dict[str, Any]]
    printed: str

    def of(self, job: str, kind: str | None = None) -> list[dict[str, Any]]:
        """Events of a job by its whole name, or of a kind of it."""
        return [e for e in self.events if e["job"]["name"] == job and kind in (None, e["eventType"])]


def printed_while(printed: str, task: str) -> str:
    """What a process printed while a task of it ran in ``dag.test()``; of mapped tasks, while the first did."""
    (_, _, found) = printed.partition(f"[DAG TEST] starting task_id={task} ")
    assert found, f"{task} did not run"
    return found.partition("[DAG TEST] starting task_id=")[0]


def emitted_by(name: str, here: Path, **environment: str) -> Emitted:
    """Run a function of ``own_process.py`` with OpenLineage on.

    :param name: the function.
    :param here: an empty folder.
    :param environment: further variables of its environment.
    """
    transport = {"type": "file", "log_file_path": str(here / "events.jsonl"), "append": True}
    marquez = {"AIRFLOW__AIGUARD__MARQUEZ_URL": "http://marquez.example"}
    answer, printed = run_own_process(name, here, json.dumps(transport), **environment, **marquez)
    lines = (here / "events.jsonl").read_text().splitlines()
    return Emitted(
        answer=answer,
        events=[json.loads(line, parse_constant=_refuse) for line in lines],
        printed=printed,
    )


def run_own_process(
    name: str, here: Path, transport: str, *, script: str = "own_process.py", **environment: str
) -> tuple[Any, str]:
    """Run a function of a script beside this file with OpenLineage on; give what it wrote of its tasks, and printed.

    :param name: the function.
    :param here: a folder of its own.
    :param transport: OpenLineage's setting, as JSON.
    :param script: where the function is.
    :param environment: further variables of its environment.
    """
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name(script), name, here],
        env={
            **os.environ,
            **own_database(here),
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
    return json.loads((here / "states.json").read_text()), done.stdout + done.stderr


def durable_here(here: Path) -> str:
    """Setting of our transport that keeps events in the session's store, and tells nobody."""
    return json.dumps({"type": TRANSPORT_CLASS, "store": embedded_url(), "spool": str(here / "spool")})


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")
