"""Tables and the store, reached through Airflow connections."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.hooks.aiguard import DEFAULT_CONN_ID, AIGuardHook, sqlalchemy_url

if TYPE_CHECKING:
    from types import TracebackType

    from sqlalchemy import Connection, Engine

    from airflow_provider_aiguard.lineage.datasets import DatasetName
    from airflow_provider_aiguard.store.store import Store

log = logging.getLogger(__name__)


class AirflowSources:
    """Engines by conn_id and the store, opened when first asked for and closed together.

    :param aiguard_conn_id: connection of the store.
    """

    def __init__(self, aiguard_conn_id: str = DEFAULT_CONN_ID) -> None:
        self.aiguard_conn_id = aiguard_conn_id
        self._engines: dict[str, Engine] = {}
        self._closing = ExitStack()

    def __enter__(self) -> AirflowSources:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @cached_property
    def store(self) -> Store:
        """The store."""
        store = AIGuardHook(self.aiguard_conn_id).get_conn()
        self._closing.callback(store.close)
        return store

    def engine(self, conn_id: str | None) -> Engine:
        """The engine of an Airflow SQL connection; the same object each time.

        :raises ConfigurationError: if the connection is none of a SQL database.
        """
        if conn_id is None:
            raise ConfigurationError("No conn_id was given. Set it on the Table, or as conn_id= of the operator.")
        if conn_id not in self._engines:
            engine = _create_engine(conn_id)
            self._closing.callback(engine.dispose)
            self._engines[conn_id] = engine
        return self._engines[conn_id]

    @contextmanager
    def connect(self, conn_id: str | None) -> Iterator[Connection]:
        """A connection to the database of ``conn_id``."""
        from airflow_provider_aiguard.tables.connection import connect

        with connect(self.engine(conn_id)) as connection:
            yield connection


def dataset_name(table: Table) -> DatasetName:
    """The name of a table in OpenLineage, equal to the one Airflow's own SQL operators give it.

    Asks the database for its default schema where the table names none and the hook does not know it.
    """
    from airflow_provider_aiguard.lineage.datasets import sql_dataset

    name = dataset_name_if_known(table)
    if name is not None:
        return name
    hook, info = _database_info(table)
    schema = hook.get_openlineage_default_schema()
    return sql_dataset(f"{info.scheme}://{info.authority}", info.database, schema, table.name)


def dataset_name_if_known(table: Table) -> DatasetName | None:
    """The same without opening the database; ``None`` if that takes a query."""
    from airflow_provider_aiguard.lineage.datasets import dataset_of, sql_dataset

    hook, info = _database_info(table)
    if info is None:
        return dataset_of(sqlalchemy_url(hook), table.schema, table.name)
    if table.schema is None:
        return None
    return sql_dataset(f"{info.scheme}://{info.authority}", info.database, table.schema, table.name)


def _database_info(table: Table) -> tuple[Any, Any]:
    conn_id = table.conn_id or ""
    hook = _sql_hook(conn_id)
    return hook, hook.get_openlineage_database_info(BaseHook.get_connection(conn_id))


def _create_engine(conn_id: str) -> Engine:
    from sqlalchemy import make_url
    from sqlalchemy.pool import NullPool

    hook = _sql_hook(conn_id)
    backend = make_url(sqlalchemy_url(hook)).get_backend_name()
    # A pooled file database would stay open between uses: DuckDB locks other processes out, and Airflow forks.
    kwargs: dict[str, Any] = {"poolclass": NullPool} if backend in {"sqlite", "duckdb"} else {"pool_pre_ping": True}
    engine: Engine = hook.get_sqlalchemy_engine(engine_kwargs=kwargs)
    return engine


def _sql_hook(conn_id: str) -> Any:
    hook = BaseHook.get_hook(conn_id)
    if not hasattr(hook, "get_sqlalchemy_engine"):
        raise ConfigurationError(
            f"Connection {conn_id!r} is not of a SQL database: {type(hook).__name__} has no engine."
        )
    return hook
