"""Questions travel to the triggerer as plain data, and evidence that is missing is never a pass."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.budget import BudgetLimits
from airflow_provider_aiguard.core.limits.confidence import ConfidenceLimits
from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.questions.budget import BudgetQuestion
from airflow_provider_aiguard.guards.questions.confidence import ConfidenceQuestion
from airflow_provider_aiguard.guards.questions.drift import DriftQuestion
from airflow_provider_aiguard.guards.questions.ground_truth import GroundTruthQuestion
from airflow_provider_aiguard.guards.questions.registry import question_from_dict
from airflow_provider_aiguard.store.store import Store, open_store
from airflow_provider_aiguard.tables.connection import connect
from airflow_provider_aiguard.tables.profile import profile_table

if TYPE_CHECKING:
    from collections.abc import Iterator

ME = RunIdentity(run_id="r", dag_id="d", dag_run_id="m", task_id="t")
SCORED = Table("scored", "wh", key=("day", "id"), where="day = :day", parameters={"day": 1})
TRUTH = Table("truth", "wh", key=("day", "id"))

QUESTIONS = [
    DriftQuestion(table=SCORED, reference="january", limits=DriftLimits(columns=("x",), min_effect={"ks": 0.1})),
    ConfidenceQuestion(table=SCORED, column="late", limits=ConfidenceLimits(max_share_below=(0.6, 0.1))),
    GroundTruthQuestion(
        table=SCORED, column="late", truth=TRUTH, truth_column="was", limits=GroundTruthLimits(min_accuracy=0.8)
    ),
    BudgetQuestion(budget=Budget("b", "5.00", per="day"), limits=BudgetLimits(needed="2.50")),
]


class Sources:
    def __init__(self, folder: Path) -> None:
        self.store: Store = open_store(f"sqlite:///{folder}/store.db")
        self.engine = sa.create_engine(f"sqlite:///{folder}/rows.db", poolclass=NullPool)

    @contextmanager
    def connect(self, conn_id: str | None) -> Iterator[sa.Connection]:
        assert conn_id == "wh"
        with connect(self.engine) as connection:
            yield connection


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    sources = Sources(tmp_path)
    yield sources
    sources.store.close()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.guard)
def test_a_question_survives_json(question: DriftQuestion) -> None:
    assert question_from_dict(json.loads(json.dumps(question.to_dict()))) == question


@pytest.mark.parametrize("question", QUESTIONS[:3], ids=lambda q: q.guard)
def test_missing_evidence_is_undecided_and_says_what_is_missing(question: DriftQuestion, sources: Sources) -> None:
    verdict = question.ask(sources, ME)
    assert verdict.outcome is Outcome.UNDECIDED
    assert verdict.subject == "scored"
    assert ("january" if question.guard == "drift" else "scored") in verdict.checks[0].message


def test_a_missing_column_is_undecided(sources: Sources) -> None:
    with sources.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE scored (day INTEGER, id INTEGER)")
    verdict = QUESTIONS[1].ask(sources, ME)
    assert verdict.outcome is Outcome.UNDECIDED
    assert "late" in verdict.checks[0].message


def test_drift_is_judged_on_the_stored_baseline(sources: Sources) -> None:
    with sources.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE scored (day INTEGER, id INTEGER, x DOUBLE PRECISION)")
        rows = [(day, i, (i % 100) + 200 * (day - 1)) for day in (1, 2) for i in range(2000)]
        connection.exec_driver_sql("INSERT INTO scored VALUES (?, ?, ?)", rows)
    with sources.connect("wh") as connection:
        profile = profile_table(connection, SCORED, ("x",))
    sources.store.profiles.save("january", profile.to_dict(), table="scored", identity=ME)
    assert QUESTIONS[0].ask(sources, ME).outcome is Outcome.PASS
    moved = Table("scored", "wh", key=("day", "id"), where="day = :day", parameters={"day": 2})
    question = DriftQuestion(table=moved, reference="january", limits=DriftLimits())
    assert question.ask(sources, ME).outcome is Outcome.BREACH
    (drawn,) = sources.store.measurements.of_guard("drift")
    (column,) = drawn.values["columns"]
    assert (drawn.values["reference"], column["column"]) == ("january", "x")
    assert column["current"][-1] > 0.99, "February lies above January"


def test_a_budget_judges_no_table_and_reads_the_ledger(sources: Sources) -> None:
    question = QUESTIONS[3]
    assert question.table is None
    assert question.ask(sources, ME).outcome is Outcome.PASS
    dear = BudgetQuestion(budget=question.budget, limits=BudgetLimits(needed="5.01"))
    assert dear.ask(sources, ME).outcome is Outcome.BREACH


def test_truth_on_another_connection_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Truth is joined where the rows are"):
        GroundTruthQuestion(
            table=SCORED,
            column="late",
            truth=Table("truth", "elsewhere", key=("day", "id")),
            truth_column="late",
            limits=GroundTruthLimits(min_accuracy=0.8),
        )
