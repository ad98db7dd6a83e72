"""Was the model sure enough of a column?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_aiguard.core.limits.confidence import ConfidenceLimits
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import confidence as confidence_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources
from airflow_provider_aiguard.tables.evidence import confidence_evidence


@dataclass(frozen=True, kw_only=True)
class ConfidenceQuestion(Question):
    """Was the model sure enough of a column?

    :param table: the rows with claims.
    :param column: the AI-touched column.
    :param limits: what counts as sure enough.
    """

    guard: ClassVar[str] = "confidence"
    table: Table
    column: str
    limits: ConfidenceLimits

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:  # noqa: ARG002
        """Aggregate the confidences where the rows are and compare."""
        with sources.connect(self.table.conn_id) as connection:
            evidence = confidence_evidence(connection, self.table, self.column, below=self.limits.thresholds)
        return confidence_guard.evaluate(evidence, self.limits)

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
