"""What a door asks a guard: fetch the evidence, let the guard evaluate it, answer with a verdict.

Operators, sensors and triggers all ask the same questions, so a rule is written once. A question is plain data
(``to_dict``), because a deferred sensor hands it to the triggerer. Evidence that is not there (no table, no column, no
baseline) is an ``undecided`` check, never a pass and never a crash.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import NotRecordedError, TableNotFoundError
from airflow_provider_aiguard.core.limits import BudgetLimits, ConfidenceLimits, DriftLimits, GroundTruthLimits
from airflow_provider_aiguard.core.profile import TableProfile
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Verdict
from airflow_provider_aiguard.guards import budget as budget_guard
from airflow_provider_aiguard.guards import confidence as confidence_guard
from airflow_provider_aiguard.guards import drift as drift_guard
from airflow_provider_aiguard.guards import ground_truth as ground_truth_guard
from airflow_provider_aiguard.tables.evidence import confidence_evidence, truth_evidence
from airflow_provider_aiguard.tables.profile import profile_table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from airflow_provider_aiguard.store.store import Store


class Sources(Protocol):
    """Where evidence is found."""

    @property
    def store(self) -> Store:
        """The store."""

    def connect(self, conn_id: str | None) -> AbstractContextManager[Connection]:
        """A connection to the database of ``conn_id``."""


class Question(Protocol):
    """One question to one guard."""

    guard: ClassVar[str]

    @property
    def subject(self) -> str:
        """What is judged: a table's full name or a budget's name."""

    @property
    def table(self) -> Table | None:
        """The judged table, if it is one."""

    def ask(self, sources: Sources, identity: RunIdentity) -> Verdict:
        """Fetch the evidence and evaluate it."""

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""


@dataclass(frozen=True, kw_only=True)
class DriftQuestion:
    """Has the table moved away from a baseline?

    :param table: the current rows.
    :param reference: name of the stored baseline.
    :param limits: what counts as drift, and in which columns.
    """

    guard: ClassVar[str] = "drift"
    table: Table
    reference: str
    limits: DriftLimits

    @property
    def subject(self) -> str:
        """The table's full name."""
        return self.table.full_name

    def ask(self, sources: Sources, identity: RunIdentity) -> Verdict:  # noqa: ARG002
        """Profile the table on the baseline's cells and compare."""
        try:
            stored, _ = sources.store.profiles.get(self.reference)
            reference = TableProfile.from_dict(stored)
            with sources.connect(self.table.conn_id) as connection:
                current = profile_table(connection, self.table, self.limits.columns or None, reference=reference)
        except (NotRecordedError, TableNotFoundError) as error:
            return _undecided(self, error)
        checks = drift_guard.evaluate(reference, current, self.limits)
        return Verdict(guard=self.guard, subject=self.subject, checks=tuple(checks))

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "guard": self.guard,
            "table": self.table.to_dict(),
            "reference": self.reference,
            "limits": self.limits.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DriftQuestion:
        """The inverse of :meth:`to_dict`."""
        return cls(
            table=Table.from_dict(data["table"]),
            reference=data["reference"],
            limits=DriftLimits.from_dict(data["limits"]),
        )


@dataclass(frozen=True, kw_only=True)
class ConfidenceQuestion:
    """Was the model sure enough of a column?

    :param table: the rows with claims.
    :param column: the AI-touched column.
    :param limits: what counts as sure enough.
    """

    guard: ClassVar[str] = "confidence"
    table: Table
    column: str
    limits: ConfidenceLimits

    @property
    def subject(self) -> str:
        """The table's full name."""
        return self.table.full_name

    def ask(self, sources: Sources, identity: RunIdentity) -> Verdict:  # noqa: ARG002
        """Aggregate the confidences where the rows are and compare."""
        try:
            with sources.connect(self.table.conn_id) as connection:
                evidence = confidence_evidence(connection, self.table, self.column, below=self.limits.thresholds)
        except TableNotFoundError as error:
            return _undecided(self, error)
        checks = confidence_guard.evaluate(evidence, self.limits)
        return Verdict(guard=self.guard, subject=self.subject, checks=tuple(checks))

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "guard": self.guard,
            "table": self.table.to_dict(),
            "column": self.column,
            "limits": self.limits.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ConfidenceQuestion:
        """The inverse of :meth:`to_dict`."""
        limits = ConfidenceLimits.from_dict(data["limits"])
        return cls(table=Table.from_dict(data["table"]), column=data["column"], limits=limits)


@dataclass(frozen=True, kw_only=True)
class GroundTruthQuestion:
    """How often was the model right, now that the truth is there?

    :param table: the rows with claims.
    :param column: the AI-touched column.
    :param truth: the rows with the truth, reached by the same connection and with the same key.
    :param truth_column: column of ``truth`` that holds it; NULL while it has not arrived.
    :param limits: how often is often enough.
    """

    guard: ClassVar[str] = "ground_truth"
    table: Table
    column: str
    truth: Table
    truth_column: str
    limits: GroundTruthLimits

    def __post_init__(self) -> None:
        self.table.require_joinable(self.truth)

    @property
    def subject(self) -> str:
        """The table's full name."""
        return self.table.full_name

    def ask(self, sources: Sources, identity: RunIdentity) -> Verdict:  # noqa: ARG002
        """Join the truth by key where the rows are and compare."""
        try:
            with sources.connect(self.table.conn_id) as connection:
                evidence = truth_evidence(connection, self.table, self.column, self.truth, self.truth_column)
        except TableNotFoundError as error:
            return _undecided(self, error)
        checks = ground_truth_guard.evaluate(evidence, self.limits)
        return Verdict(guard=self.guard, subject=self.subject, checks=tuple(checks))

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "guard": self.guard,
            "table": self.table.to_dict(),
            "column": self.column,
            "truth": self.truth.to_dict(),
            "truth_column": self.truth_column,
            "limits": self.limits.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GroundTruthQuestion:
        """The inverse of :meth:`to_dict`."""
        return cls(
            table=Table.from_dict(data["table"]),
            column=data["column"],
            truth=Table.from_dict(data["truth"]),
            truth_column=data["truth_column"],
            limits=GroundTruthLimits.from_dict(data["limits"]),
        )


@dataclass(frozen=True, kw_only=True)
class BudgetQuestion:
    """Is there money left?

    :param budget: the budget.
    :param limits: how much must be left.
    """

    guard: ClassVar[str] = "budget"
    budget: Budget
    limits: BudgetLimits

    @property
    def subject(self) -> str:
        """The budget's name."""
        return self.budget.name

    @property
    def table(self) -> None:
        """A budget judges no table."""

    def ask(self, sources: Sources, identity: RunIdentity) -> Verdict:
        """Read the ledger and compare."""
        status = sources.store.ledger.status(self.budget, identity, datetime.now(UTC))
        checks = budget_guard.evaluate(status, self.limits)
        return Verdict(guard=self.guard, subject=self.subject, checks=tuple(checks))

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {"guard": self.guard, "budget": self.budget.to_dict(), "limits": self.limits.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BudgetQuestion:
        """The inverse of :meth:`to_dict`."""
        return cls(budget=Budget.from_dict(data["budget"]), limits=BudgetLimits.from_dict(data["limits"]))


_QUESTIONS = {q.guard: q for q in (DriftQuestion, ConfidenceQuestion, GroundTruthQuestion, BudgetQuestion)}


def question_from_dict(data: Mapping[str, Any]) -> Question:
    """Rebuild a question from its ``to_dict``."""
    question: Question = _QUESTIONS[data["guard"]].from_dict(data)
    return question


def _undecided(question: Question, error: Exception) -> Verdict:
    check = CheckResult(check=f"{question.guard}.evidence", outcome=Outcome.UNDECIDED, message=str(error))
    return Verdict(guard=question.guard, subject=question.subject, checks=(check,))
