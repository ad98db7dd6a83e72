"""Is the table what its feature schema says?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_aiguard.core.errors import NotRecordedError
from airflow_provider_aiguard.core.limits.schema import SchemaLimits
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.schema import FeatureSchema
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import schema as schema_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources
from airflow_provider_aiguard.tables.schema import schema_evidence
from airflow_provider_aiguard.tables.schema_file import read_schema

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.store import Store


@dataclass(frozen=True, kw_only=True)
class SchemaQuestion(Question):
    """Is the table what its feature schema says?

    :param table: the rows.
    :param schema: an absolute path that ends in ``.yaml`` or ``.yml``, or the name of a stored schema.
    :param limits: how sure to be.
    """

    guard: ClassVar[str] = "schema"
    table: Table
    schema: str
    limits: SchemaLimits

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:  # noqa: ARG002
        """Count where the rows are what breaks the schema."""
        schema = find_schema(sources.store, self.schema)
        with sources.connect(self.table.conn_id) as connection:
            evidence = schema_evidence(connection, self.table, schema)
        return schema_guard.evaluate(evidence, self.limits)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "guard": self.guard,
            "table": self.table.to_dict(),
            "schema": self.schema,
            "limits": self.limits.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SchemaQuestion:
        """The inverse of :meth:`to_dict`."""
        return cls(
            table=Table.from_dict(data["table"]),
            schema=data["schema"],
            limits=SchemaLimits.from_dict(data["limits"]),
        )


def find_schema(store: Store, name: str) -> FeatureSchema:
    """Read a schema from its file, or the one that was stored last under its name.

    :param name: a path that ends in ``.yaml`` or ``.yml``, or a name.
    :raises NotRecordedError: if there is none.
    :raises ConfigurationError: if there is something wrong with it; the message names file, line, column and rule.
    """
    if name.endswith((".yaml", ".yml")):
        return read_schema(name)
    stored = store.measurements.list(f"schema/{name}")
    if not stored:
        raise NotRecordedError(
            f"The store holds no feature schema named {name!r}. Store one with SchemaOperator(name={name!r}), or give "
            "the path of a file that ends in .yaml."
        )
    return FeatureSchema.from_dict(max(stored, key=lambda measurement: measurement.measured_at).values)
