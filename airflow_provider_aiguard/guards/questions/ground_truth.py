"""How often was the model right?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import ground_truth as ground_truth_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources
from airflow_provider_aiguard.tables.evidence import truth_evidence


@dataclass(frozen=True, kw_only=True)
class GroundTruthQuestion(Question):
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

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:  # noqa: ARG002
        """Join the truth by key where the rows are and compare."""
        with sources.connect(self.table.conn_id) as connection:
            evidence = truth_evidence(connection, self.table, self.column, self.truth, self.truth_column)
        return ground_truth_guard.evaluate(evidence, self.limits)

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
