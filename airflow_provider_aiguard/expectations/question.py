"""Does a table keep what a Great Expectations suite expects?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import expectations as expectations_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources


@dataclass(frozen=True, kw_only=True)
class ExpectationsQuestion(Question):
    """Does a table keep what a suite expects?

    It may hold a function and is then no plain data: no trigger asks it.

    :param table: the rows.
    :param suite: see :func:`~airflow_provider_aiguard.expectations.suites.load_suite`.
    :param checkpoint: instead of a suite, a function that takes the batch definition of the table and returns a
        Great Expectations checkpoint.
    :param parameters: values of the suite's ``$PARAMETER``s.
    """

    guard: ClassVar[str] = "expectations"
    table: Table
    suite: Any = None
    checkpoint: Any = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.suite is None) == (self.checkpoint is None):
            raise ConfigurationError("Give suite= or checkpoint=, one of them.")
        if self.checkpoint is not None and not callable(self.checkpoint):
            raise ConfigurationError(
                "checkpoint must be a function that takes a batch definition and returns a Great Expectations "
                f"Checkpoint; got {self.checkpoint!r}."
            )

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:
        """Let Great Expectations ask where the rows are and judge what it found."""
        from airflow_provider_aiguard.expectations.engine import TableExecutionEngine
        from airflow_provider_aiguard.expectations.run import run_checkpoint, run_suite
        from airflow_provider_aiguard.expectations.suites import load_suite

        suite = None if self.suite is None else load_suite(self.suite)
        with sources.connect(self.table.conn_id) as connection:
            engine = TableExecutionEngine(connection, self.table, sources=sources, identity=identity)
            if suite is not None:
                evidence = run_suite(engine, suite, self.parameters)
            else:
                evidence = run_checkpoint(engine, self.checkpoint, self.parameters)
        return expectations_guard.evaluate(evidence)
