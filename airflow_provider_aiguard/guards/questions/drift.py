"""Has the table moved away from a baseline?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.profile import TableProfile
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import drift as drift_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources
from airflow_provider_aiguard.tables.profile import profile_table


@dataclass(frozen=True, kw_only=True)
class DriftQuestion(Question):
    """Has the table moved away from a baseline?

    :param table: the current rows.
    :param reference: name of the stored baseline.
    :param limits: what counts as drift, and in which columns.
    """

    guard: ClassVar[str] = "drift"
    table: Table
    reference: str
    limits: DriftLimits

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:  # noqa: ARG002
        """Profile the table on the baseline's cells and compare."""
        stored, _ = sources.store.profiles.get(self.reference)
        reference = TableProfile.from_dict(stored)
        with sources.connect(self.table.conn_id) as connection:
            current = profile_table(connection, self.table, self.limits.columns or None, reference=reference)
        return drift_guard.evaluate(reference, current, self.limits)

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
