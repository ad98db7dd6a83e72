"""What a door asks a guard: gather the evidence, let the guard evaluate it, answer with a verdict.

Operators, sensors and triggers all ask the same questions, so a rule is written once. A question is plain data
(``to_dict``), because a deferred sensor hands it to the triggerer. Evidence that is not there (no table, no column, no
baseline) is an ``undecided`` check, never a pass and never a crash.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from airflow_provider_aiguard.core.errors import NotRecordedError, TableNotFoundError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from airflow_provider_aiguard.store.store import Store


class Sources(Protocol):
    """Where evidence is found."""

    @property
    def store(self) -> Store:
        """The store."""

    def connect(self, conn_id: str | None) -> AbstractContextManager[Connection]:
        """A connection to the database of ``conn_id``."""


class Question:
    """One question to one guard. Its subclasses are frozen dataclasses, named in :mod:`.registry`."""

    guard: ClassVar[str]
    table: Table | None
    """The judged table, if it is one."""

    @property
    def subject(self) -> str:
        """What is judged: the table's full name, or a name that the question has."""
        if self.table is None:
            raise NotImplementedError(f"{type(self).__name__} judges no table and names no subject.")
        return self.table.full_name

    def ask(self, sources: Sources, identity: RunIdentity) -> Verdict:
        """Gather the evidence and evaluate it.

        :param sources: where evidence is found.
        :param identity: the task try that asks.
        """
        try:
            checks = self.checks(sources, identity)
        except (NotRecordedError, TableNotFoundError) as error:
            missing = CheckResult(check=f"{self.guard}.evidence", outcome=Outcome.UNDECIDED, message=str(error))
            checks = [missing]
        return Verdict(guard=self.guard, subject=self.subject, checks=tuple(checks))

    def checks(self, sources: Sources, identity: RunIdentity) -> Sequence[CheckResult]:
        """The checks, from evidence that is gathered here.

        :raises NotRecordedError: if the store lacks something: an undecided verdict.
        :raises TableNotFoundError: if a table or a column is not there: likewise.
        """
        raise NotImplementedError(f"{type(self).__name__} asks nothing.")

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON, ``guard`` among them."""
        raise NotImplementedError(f"{type(self).__name__} cannot be stored.")
