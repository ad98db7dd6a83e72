"""Does the same entity have the same features at training and at serving?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.skew import SkewLimits
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import skew as skew_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources
from airflow_provider_aiguard.tables.skew import skew_evidence


@dataclass(frozen=True, kw_only=True)
class SkewQuestion(Question):
    """Does the same entity have the same features at training and at serving?

    :param table: the rows the model was trained on, with their key.
    :param serving: the rows it was asked about, on the same connection, with as many key columns.
    :param columns: columns to compare; empty for those that both have.
    :param limits: how many may differ, and how far.
    """

    guard: ClassVar[str] = "skew"
    table: Table
    serving: Table
    columns: tuple[str, ...] = ()
    limits: SkewLimits

    def __post_init__(self) -> None:
        require_comparable(self.table, self.serving)

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:  # noqa: ARG002
        """Join the two by key where the rows are and compare."""
        with sources.connect(self.table.conn_id) as connection:
            evidence = skew_evidence(
                connection,
                self.table,
                self.serving,
                self.columns or None,
                tolerance=self.limits.tolerance,
                absolute_tolerance=self.limits.absolute_tolerance,
            )
        return skew_guard.evaluate(evidence, self.limits)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "guard": self.guard,
            "table": self.table.to_dict(),
            "serving": self.serving.to_dict(),
            "columns": list(self.columns),
            "limits": self.limits.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SkewQuestion:
        """The inverse of :meth:`to_dict`."""
        return cls(
            table=Table.from_dict(data["table"]),
            serving=Table.from_dict(data["serving"]),
            columns=tuple(data["columns"]),
            limits=SkewLimits.from_dict(data["limits"]),
        )


def require_comparable(table: Table, serving: Table) -> None:
    """Return if the two tables can be joined where they are.

    :raises ConfigurationError: if they are on different connections, or their keys do not pair.
    """
    if table.conn_id != serving.conn_id:
        raise ConfigurationError(
            f"The two tables are joined where they are, but table is on conn_id {table.conn_id!r} and serving on "
            f"{serving.conn_id!r}. Copy one beside the other, or reach both by one connection."
        )
    if len(table.require_key()) != len(serving.require_key()):
        raise ConfigurationError(
            f"table has key {table.key_columns!r}, serving has {serving.key_columns!r}; they are joined by key, so "
            "name as many columns."
        )
