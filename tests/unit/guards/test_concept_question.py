"""Asking the concept drift guard run after run: what it measures is its only memory."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.concept import ConceptLimits
from airflow_provider_aiguard.core.run import ModelIdentity, RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.questions.concept import ConceptQuestion
from airflow_provider_aiguard.guards.questions.registry import question_from_dict
from airflow_provider_aiguard.store.store import open_store
from airflow_provider_aiguard.tables.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

N = 200
LATEST = {"where": "month = :month", "parameters": {"month": 0}}
QUESTION = ConceptQuestion(
    table=Table("scored", "wh", key="id", **LATEST),
    column="late",
    truth=Table("arrivals", "wh", key="id"),
    truth_column="was",
    name="late",
    limits=ConceptLimits(),
)


class House:
    """Tables and a store, which a test fills month by month."""

    def __init__(self, folder: Path) -> None:
        self.store = open_store(f"sqlite:///{folder}/store.db")
        self.engine = sa.create_engine(f"sqlite:///{folder}/rows.db", poolclass=NullPool)
        with self.engine.begin() as conn:
            conn.exec_driver_sql(
                "CREATE TABLE scored (id INTEGER, month INTEGER, late INTEGER, late__provenance TEXT, "
                "late__confidence DOUBLE, late__run TEXT)"
            )
            conn.exec_driver_sql("CREATE TABLE arrivals (id INTEGER, was INTEGER)")

    @contextmanager
    def connect(self, conn_id: str | None) -> Iterator[sa.Connection]:
        assert conn_id == "wh"
        with connect(self.engine) as connection:
            yield connection

    def fill(self, month: int, errors: int, *, run: str = "a-run", labels: int = N) -> None:
        ids = range(month * N, (month + 1) * N)
        scored = [(i, month, 1, "ai_inferred", 0.5 + 0.5 * (i - ids[0]) / N, run) for i in ids]
        truth = [(i, int(i >= ids[0] + errors)) for i in ids[:labels]]
        with self.engine.begin() as conn:
            conn.exec_driver_sql(f"DELETE FROM scored WHERE month = {month}")
            conn.exec_driver_sql(f"DELETE FROM arrivals WHERE id >= {ids[0]} AND id <= {ids[-1]}")
            conn.exec_driver_sql("INSERT INTO scored VALUES (?, ?, ?, ?, ?, ?)", scored)
            if truth:
                conn.exec_driver_sql("INSERT INTO arrivals VALUES (?, ?)", truth)

    def ask(self, month: int, question: ConceptQuestion = QUESTION, **identity):
        table = replace(question.table, parameters={"month": month})
        when = f"{2013 + month // 12}-{month % 12 + 1:02d}-01T00:00:00+00:00"
        me = RunIdentity(run_id=f"r{month}", dag_id="d", dag_run_id=f"m{month}", task_id="t", logical_date=when)
        return replace(question, table=table).ask(self, replace(me, **identity))

    @property
    def measured(self):
        return [m.values for m in self.store.measurements.list("concept/late")]


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    yield made
    made.store.close()


def test_a_question_survives_json():
    question = replace(QUESTION, since="2013-02-01", limits=ConceptLimits(run_length=100, min_runs=4))
    assert question_from_dict(json.loads(json.dumps(question.to_dict()))) == question


def test_truth_on_another_connection_is_refused():
    with pytest.raises(ConfigurationError, match="Truth is joined where the rows are"):
        replace(QUESTION, truth=Table("arrivals", "elsewhere", key="id"))


def test_missing_tables_are_undecided_and_nothing_is_recorded(house):
    question = replace(QUESTION, table=replace(QUESTION.table, name="nowhere"))
    verdict = house.ask(0, question)
    assert (verdict.outcome, verdict.subject) == (Outcome.UNDECIDED, "nowhere")
    assert house.measured == []


def test_months_go_by_and_a_change_is_found_typed_and_recognised(house):
    outcomes = []
    for month in range(40):
        errors = (41, 38, 42, 39)[month % 4] if 14 <= month < 28 else (18, 21, 20, 19)[month % 4]
        house.fill(month, errors)
        verdict = house.ask(month)
        outcomes.append(str(verdict.outcome)[0])
    text = "".join(outcomes)
    assert text[:9] == "u" * 9
    assert text[9:14] == "p" * 5
    assert "b" in text[14:18]
    assert set(text[18:30]) == {"b"}
    assert text[-1] == "p"
    change, kind, recurrence = verdict.checks
    assert "the concept of 2013-01 is back" in change.message
    assert "recurring since 2014-03" in kind.message
    assert "as in 2013-01" in recurrence.message


def test_a_retry_replaces_what_the_first_try_measured(house):
    house.fill(0, 20, labels=120)
    house.ask(0)
    house.fill(0, 20)
    house.ask(0, run_id="again", try_number=2)
    (values,) = house.measured
    assert (values["labels"], values["errors"]) == (N, 20)


def test_truth_that_came_late_is_measured_when_the_run_is_cleared(house):
    for month in range(12):
        house.fill(month, 20, labels=N if month != 3 else 20)
        house.ask(month)
    assert "over 11 runs" in house.ask(11).checks[0].message
    house.fill(3, 20)
    assert "4 of 10 runs" in house.ask(3, try_number=2).checks[0].message
    assert "over 12 runs" in house.ask(11, try_number=2).checks[0].message


def test_the_past_does_not_know_the_future(house):
    for month in (0, 1, 2, 5, 6):
        house.fill(month, 20)
        house.ask(month)
    house.fill(3, 20)
    assert "4 of 10 runs" in house.ask(3).checks[0].message


def test_quartiles_are_those_of_the_first_run_with_labels(house):
    house.fill(0, 20, labels=0)
    house.ask(0)
    house.fill(1, 20)
    house.ask(1)
    house.fill(2, 20, labels=150)
    house.ask(2)
    edges = [values["signature"]["edges"] for values in house.measured]
    assert edges[0] == []
    assert len(edges[1]) == 3
    assert edges[2] == edges[1]


def test_the_model_is_that_of_the_run_which_made_the_claims(house):
    house.store.runs.start(
        RunIdentity(run_id="a-run"), ModelIdentity(name="gbm", version="2013-01", fingerprint="f"), "s", "t"
    )
    house.fill(0, 20)
    house.ask(0)
    house.fill(1, 20, run="nobody's")
    house.ask(1)
    assert [values["model"] for values in house.measured] == ["gbm@2013-01", ""]


def test_series_are_apart(house):
    house.fill(0, 20)
    house.ask(0)
    house.ask(0, replace(QUESTION, name="other"))
    assert len(house.measured) == len(house.store.measurements.list("concept/other")) == 1
