"""``expect_table_to_match_schema``: the schema guard as an expectation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_aiguard.core.limits.schema import SchemaLimits
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.expectations.base import GuardExpectation

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.base import Question


class ExpectTableToMatchSchema(GuardExpectation):
    """Expect a table to be what its feature schema says, with every rule that a suite made from it leaves out.

    :param feature_schema: the path of a YAML file, or the name of a schema that ``SchemaOperator`` stored.
    :param alpha: probability of a false alarm, over all rules, in (0, 1).
    :param min_rows: rows needed to decide.
    :param store: where named schemas are, outside of our operators: a SQLAlchemy URL, or an Airflow connection.
    """

    feature_schema: str
    alpha: float = 0.05
    min_rows: int = 1
    store: str = "aiguard_default"

    success_keys: ClassVar[tuple[str, ...]] = ("feature_schema", "alpha", "min_rows")
    args_keys: ClassVar[tuple[str, ...]] = ("feature_schema",)

    @property
    def store_name(self) -> str:
        """Where named schemas are."""
        return self.store

    @classmethod
    def check(cls, values: dict[str, Any]) -> None:
        """Refuse limits that the guard would."""
        _limits(values)

    @classmethod
    def sentence(cls, kwargs: dict[str, Any]) -> str:
        """What is expected."""
        return f"the table must be what feature schema {kwargs.get('feature_schema')} says."

    def question(self, table: Table) -> Question:
        """The schema guard's question."""
        from airflow_provider_aiguard.guards.questions.schema import SchemaQuestion

        return SchemaQuestion(table=table, schema=self.feature_schema, limits=_limits(self.dict()))


def _limits(values: dict[str, Any]) -> SchemaLimits:
    return SchemaLimits(**{name: values[name] for name in ("alpha", "min_rows") if values.get(name) is not None})
