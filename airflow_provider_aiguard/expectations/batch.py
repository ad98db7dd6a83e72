"""Where a guard finds its evidence when Great Expectations asks it: in the batch, whatever kind of batch that is."""

from __future__ import annotations

import uuid
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from sqlalchemy.ext.compiler import compiles

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.expectations.engine import TableExecutionEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from great_expectations.execution_engine.execution_engine import ExecutionEngine

    from airflow_provider_aiguard.store.store import Store


class BatchSources:
    """The sources of a question about a batch: its own connection, and a store. Use it as a context manager.

    :param engine: Great Expectations' execution engine, with the batch loaded.
    :param store: where the store is, if the engine is none of ours: a SQLAlchemy URL, or an Airflow connection.
    :raises ConfigurationError: if guards cannot ask such a batch.
    """

    def __init__(self, engine: ExecutionEngine[Any], store: str) -> None:
        self._engine = engine
        self._store = store
        self._closing = ExitStack()

    def __enter__(self) -> BatchSources:
        self._connection, self.table = self._closing.enter_context(_batch(self._engine))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.__exit__(kind, error, trace)

    @property
    def identity(self) -> RunIdentity:
        """Who asks: the task, or a run of its own outside Airflow."""
        if isinstance(self._engine, TableExecutionEngine):
            return self._engine.identity
        return RunIdentity(run_id=str(uuid.uuid4()))

    @cached_property
    def store(self) -> Store:
        """The store of the task that asks, or else the one that was named."""
        if isinstance(self._engine, TableExecutionEngine):
            return self._engine.sources.store
        return self._closing.enter_context(_open(self._store))

    @contextmanager
    def connect(self, conn_id: str | None) -> Iterator[sa.Connection]:  # noqa: ARG002  the batch has one
        """The connection of the batch."""
        yield self._connection


def _open(store: str) -> Store:
    from airflow_provider_aiguard.store.store import open_store

    if "://" in store:
        return open_store(store)
    from airflow_provider_aiguard.hooks.aiguard import AIGuardHook

    return AIGuardHook(store).get_conn()


@contextmanager
def _batch(engine: ExecutionEngine[Any]) -> Iterator[tuple[sa.Connection, Table]]:
    """The batch as a table, and the connection that reaches it."""
    if isinstance(engine, TableExecutionEngine):
        yield engine.kept, engine.table
    elif isinstance(engine, SqlAlchemyExecutionEngine):
        with engine.get_connection() as connection, _viewed(connection, engine) as table:
            yield connection, table
    elif isinstance(engine, PandasExecutionEngine):
        with _framed(engine) as found:
            yield found
    else:
        raise ConfigurationError(
            f"AI Guard's expectations ask SQL and pandas batches; this one is of a {type(engine).__name__}."
        )


@contextmanager
def _viewed(connection: sa.Connection, engine: SqlAlchemyExecutionEngine) -> Iterator[Table]:
    """The batch as a temporary view: it may be a query, or a month of a table."""
    selectable: Any = engine.get_domain_records({})
    rows = sa.select(sa.text("*")).select_from(selectable)
    _refuse_unbound(rows.compile(dialect=connection.dialect))
    name = f"aiguard_batch_{uuid.uuid4().hex[:8]}"
    connection.execute(_CreateView(name, rows))
    try:
        yield Table(name)
    except Exception:
        connection.rollback()  # a failed statement would keep the view from being dropped
        raise
    finally:
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def _refuse_unbound(compiled: sa.Compiled) -> None:
    """Great Expectations takes a colon in a query's literal for a parameter; as a literal it would become NULL."""
    unbound = [bind.key for bind in getattr(compiled, "binds", {}).values() if bind.required]
    if unbound:
        raise ConfigurationError(
            f"The query of the batch has ':{unbound[0]}', which Great Expectations takes for a parameter. Make a view "
            "of the query, and a table asset of the view."
        )


@contextmanager
def _framed(engine: PandasExecutionEngine) -> Iterator[tuple[sa.Connection, Table]]:
    """The data frame as a table of a DuckDB in memory, without a copy."""
    memory = sa.create_engine("duckdb:///:memory:")
    try:
        with memory.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.register("aiguard_batch", engine.get_domain_records({}))
            yield connection, Table("aiguard_batch")
    finally:
        memory.dispose()


class _CreateView(sa.schema.ExecutableDDLElement):
    """``CREATE TEMPORARY VIEW``, which takes values as literals only; SQLAlchemy quotes them."""

    inherit_cache = False

    def __init__(self, name: str, rows: sa.Select[Any]) -> None:
        self.name = name
        self.rows = rows


@compiles(_CreateView)
def _create_view(element: _CreateView, compiler: Any, **_: Any) -> str:
    rows = compiler.sql_compiler.process(element.rows, literal_binds=True)
    return f"CREATE TEMPORARY VIEW {element.name} AS {rows}"
