"""Does the model still say different things?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from airflow_provider_aiguard.core.limits.diversity import DiversityLimits, check_places
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import diversity as diversity_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources
from airflow_provider_aiguard.tables.diversity import diversity_evidence, reference_moments


@dataclass(frozen=True, kw_only=True)
class DiversityQuestion(Question):
    """Does the model still say different things?

    :param table: the rows with claims; with its key if texts are counted.
    :param column: the AI-touched column.
    :param limits: how varied is varied enough.
    :param reference_rows: the rows whose variance is compared with, on any connection, whatever their provenance.
    :param reference_column: the column of them. ``None``: of the same name.
    """

    guard: ClassVar[str] = "diversity"
    table: Table
    column: str
    limits: DiversityLimits
    reference_rows: Table | None = None
    reference_column: str | None = None

    def __post_init__(self) -> None:
        check_places(self.limits, self.table, self.reference_rows, self.reference_column)

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:  # noqa: ARG002
        """Count values where the rows are and compare."""
        compared = self.limits.min_variance_ratio is not None
        with sources.connect(self.table.conn_id) as connection:
            evidence = diversity_evidence(
                connection,
                self.table,
                self.column,
                variance=compared,
                ngrams=tuple(self.limits.min_distinct or ()),
            )
        if compared and self.reference_rows is not None:
            with sources.connect(self.reference_rows.conn_id) as connection:
                then = reference_moments(connection, self.reference_rows, self.reference_column or self.column)
            evidence = replace(evidence, reference=then)
        return diversity_guard.evaluate(evidence, self.limits)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "guard": self.guard,
            "table": self.table.to_dict(),
            "column": self.column,
            "limits": self.limits.to_dict(),
            "reference_rows": None if self.reference_rows is None else self.reference_rows.to_dict(),
            "reference_column": self.reference_column,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DiversityQuestion:
        """The inverse of :meth:`to_dict`."""
        return cls(
            table=Table.from_dict(data["table"]),
            column=data["column"],
            limits=DiversityLimits.from_dict(data["limits"]),
            reference_rows=None if data["reference_rows"] is None else Table.from_dict(data["reference_rows"]),
            reference_column=data["reference_column"],
        )
