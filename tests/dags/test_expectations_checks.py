"""Suites in real DAG runs: every outcome, nothing of the rows in what is told, nothing left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import pandas as pd
import pytest
from airflow_home import run_here

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.operators.expectations import ExpectationsCheckOperator

SOMEBODY = "Mallory-4711"
people = Table("people", "rows", where="day = :day", parameters={"day": "{{ params.day }}"})


def expecting(*expectations):
    made = [{"type": f"expect_{kind}", "kwargs": kwargs, **more} for kind, kwargs, more in expectations]
    return {"name": "people", "expectations": made}


NAMED = ("column_values_to_not_be_null", {"column": "name"}, {})
KNOWN = ("column_values_to_be_in_set", {"column": "name", "value_set": ["Alice"]}, {})
NUMBER = ("column_mean_to_be_between", {"column": "name", "min_value": 0}, {})

AGED = ("column_mean_to_be_between", {"column": "age", "min_value": 0}, {})

CASES = {
    "pass": (expecting(NAMED), "success", Outcome.PASS),
    "breach": (expecting(NAMED, KNOWN), "failed", Outcome.BREACH),
    "warning": (expecting(NAMED, (*KNOWN[:2], {"severity": "warning"})), "success", Outcome.PASS),
    "undecided": (expecting(NAMED, AGED), "failed", Outcome.UNDECIDED),
    "empty": (expecting(), "failed", Outcome.UNDECIDED),
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(rows, store, tmp_path_factory):
    """One run of all cases, with retries that none may use; the suite of one is a file."""
    from airflow.sdk import DAG

    pd.DataFrame({"day": [1] * 10 + [2] * 10, "name": ["Alice"] * 5 + [SOMEBODY] * 15}).to_sql("people", rows)
    file = tmp_path_factory.mktemp("suites") / "people.json"
    file.write_text(json.dumps(expecting(NAMED)))
    retry = {"retries": 2, "retry_delay": timedelta(0)}
    with DAG("expectations", schedule=None, params={"day": 1, "folder": str(file.parent)}, default_args=retry) as dag:
        for name, (suite, _, _) in CASES.items():
            ExpectationsCheckOperator(task_id=name, table=people, suite=suite)
        ExpectationsCheckOperator(task_id="skip", table=people, suite=expecting(KNOWN), on_breach="skip")
        ExpectationsCheckOperator(task_id="file", table=people, suite="{{ params.folder }}/people.json")
        ExpectationsCheckOperator(task_id="function", table=people, suite=lambda: expecting(NAMED))
        ExpectationsCheckOperator(task_id="no_file", table=people, suite="{{ params.folder }}/nothing.json")
        ExpectationsCheckOperator(
            task_id="parameters",
            table=people,
            suite=expecting(("table_row_count_to_equal", {"value": {"$PARAMETER": "rows"}}, {})),
            expectation_parameters={"rows": 10},
        )
    return run_here(dag)


@pytest.mark.parametrize("case", CASES)
def test_the_verdict_decides(ran, store, case):
    _, state, outcome = CASES[case]
    assert ran.states[case] == state
    verdict = Verdict.from_dict(ran.xcom(case, "verdict"))
    assert (verdict.guard, verdict.outcome) == ("expectations", outcome)
    (record,) = store.verdicts.list(dag_run_id=ran.run_id, task_id=case)
    assert record.verdict == verdict


def test_a_skip_a_file_and_parameters(ran):
    assert [ran.states[task] for task in ("skip", "file", "function", "parameters", "no_file")] == [
        "skipped",
        "success",
        "success",
        "success",
        "failed",
    ]


def test_nothing_is_retried(ran):
    assert {ti.try_number for ti in ran.tasks if ti.state == "failed"} == {1}


def test_no_value_of_a_row_is_told(ran, store):
    assert ran.xcom("breach", "verdict")["checks"][1]["value"] == 0.5
    for task in CASES:
        assert SOMEBODY not in json.dumps(ran.xcom(task, "verdict"))
    assert all(SOMEBODY not in str(record.verdict) for record in store.verdicts.list(dag_run_id=ran.run_id))


def test_an_event_has_the_counts_and_no_value_of_a_row(ran, store):
    from airflow_provider_aiguard.lineage.datasets import DatasetName
    from airflow_provider_aiguard.lineage.events import guard_lineage

    (record,) = store.verdicts.list(dag_run_id=ran.run_id, task_id="breach")
    lineage = guard_lineage(record.verdict, table=DatasetName("sqlite://rows", "people"), fields=[])
    told = str(lineage)
    assert "50.00% of 10 values break expect_column_values_to_be_in_set" in told
    assert SOMEBODY not in told
    assert "Alice" not in told


ALONE = f"""
import socket, sys
def refuse(*_, **__):
    raise AssertionError("a connection was opened")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
import sqlalchemy as sa
from contextlib import contextmanager
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.expectations.question import ExpectationsQuestion
engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
with engine.begin() as connection:
    connection.exec_driver_sql("CREATE TABLE people (name TEXT)")
    connection.exec_driver_sql("INSERT INTO people VALUES ('{SOMEBODY}')")
class Sources:
    store = None
    @contextmanager
    def connect(self, conn_id):
        with engine.connect() as connection:
            yield connection
suite = {expecting(NAMED, KNOWN, NUMBER, ("column_values_to_match_regex", {"column": "name", "regex": "("}, {}))!r}
verdict = ExpectationsQuestion(table=Table("people"), suite=suite).ask(Sources(), RunIdentity(run_id="r"))
print(verdict.outcome)
print([check.outcome for check in verdict.checks].count("undecided"))
"""


def test_nothing_is_sent_written_or_drawn(tmp_path):
    """In a process of its own, whose home, working and temporary folders are empty before and after."""
    for folder in ("home", "work", "temporary"):
        (tmp_path / folder).mkdir()
    done = subprocess.run(
        [sys.executable, "-B", "-c", ALONE],
        cwd=tmp_path / "work",
        env={"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "temporary"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcome, undecided = done.stdout.split()
    assert (outcome, undecided) == ("breach", "1")
    assert SOMEBODY not in done.stderr
    assert "Calculating Metrics" not in done.stderr
    assert [str(path) for path in tmp_path.rglob("*") if path.is_file()] == []
