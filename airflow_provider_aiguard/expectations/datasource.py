"""A :class:`~airflow_provider_aiguard.core.table.Table` as a data source of Great Expectations."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from great_expectations.compatibility import pydantic
from great_expectations.core.batch_spec import SqlAlchemyDatasourceBatchSpec
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource, _SQLAsset

from airflow_provider_aiguard.expectations.engine import TableExecutionEngine


class AIGuardAsset(_SQLAsset):  # type: ignore[type-arg]  # generic in the source, which is below
    """The rows of the table. Its engine knows which."""

    type: Literal["rows"] = "rows"

    def _create_batch_spec_kwargs(self) -> dict[str, Any]:
        return {"data_asset_name": self.name, "table_name": self.name, "batch_identifiers": {}}

    def _create_batch_spec(self, batch_spec_kwargs: dict[str, Any]) -> SqlAlchemyDatasourceBatchSpec:
        return SqlAlchemyDatasourceBatchSpec(**batch_spec_kwargs)


class AIGuardDatasource(SQLDatasource):
    """A source whose engine is given to it: no URL, no password, nothing to store."""

    asset_types: ClassVar[list[Any]] = [AIGuardAsset]
    type: Literal["aiguard"] = "aiguard"  # type: ignore[assignment]  # each source narrows it
    connection_string: str = "aiguard://"
    assets: list[AIGuardAsset] = pydantic.Field(default_factory=list)  # type: ignore[assignment]
    _given: Any = pydantic.PrivateAttr(None)

    def use(self, engine: TableExecutionEngine) -> None:
        """Ask with this engine."""
        self._given = engine

    def get_execution_engine(self) -> TableExecutionEngine:
        """The engine that was given."""
        engine: TableExecutionEngine = self._given
        return engine

    def get_engine(self) -> Any:
        """Its SQLAlchemy engine."""
        return self._given.engine

    def test_connection(self, test_assets: bool = True) -> None:
        """Nothing to do: the connection is open."""
