"""Great Expectations on the rows of a :class:`~airflow_provider_aiguard.core.table.Table`, on a connection we keep.

Great Expectations' own engine opens a connection for each query and reads the answer after closing it: DuckDB has no
answer any more then. It also cannot bind parameters of a query and quotes table names wrongly. This one asks on one
connection, and its batch is the statement that the rest of this package reads the table with, parameters still bound.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from sqlalchemy.dialects import sqlite

from airflow_provider_aiguard.tables.columns import read_columns, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_aiguard.core.run import RunIdentity
    from airflow_provider_aiguard.core.table import Table
    from airflow_provider_aiguard.guards.questions.base import Sources
    from airflow_provider_aiguard.tables.columns import ColumnInfo

# Types are compared by name: these are the names DuckDB declares, which are classes of their own in SQLAlchemy.
_DUCKDB_TYPES = (
    (sa.Boolean, sa.BOOLEAN),
    (sa.SmallInteger, sa.SMALLINT),
    (sa.BigInteger, sa.BIGINT),
    (sa.Integer, sa.INTEGER),
    (sa.Double, sa.DOUBLE),
    (sa.Float, sa.FLOAT),
    (sa.Numeric, sa.DECIMAL),
    (sa.DateTime, sa.TIMESTAMP),
    (sa.Date, sa.DATE),
    (sa.String, sa.VARCHAR),
)


class TableExecutionEngine(SqlAlchemyExecutionEngine):
    """Asks about one table on one open connection.

    :param connection: where the table is; the caller owns it and keeps it open.
    :param table: the rows.
    :param sources: where our own expectations find the store.
    :param identity: the task try that asks.
    :raises TableNotFoundError: if there is no such table.
    """

    def __init__(self, connection: sa.Connection, table: Table, *, sources: Sources, identity: RunIdentity) -> None:
        super().__init__(engine=connection.engine, create_temp_table=False)
        self.kept = connection
        self.table = table
        self.sources = sources
        self.identity = identity
        self.columns = read_columns(connection, table)
        if self.dialect_name == "sqlite":
            # Standard deviations need it, and only connections opened from now on would get it.
            driver: Any = connection.connection.driver_connection
            driver.create_function("sqrt", 1, math.sqrt)
            self.dialect_module = _sqlite_module()
        if self.dialect_name == "duckdb":
            self.dialect_module = _duckdb_module()

    @contextmanager
    def get_connection(self) -> Iterator[sa.Connection]:
        """The one connection; a failed statement does not spoil the next ones."""
        try:
            yield self.kept
        except Exception:
            self.kept.rollback()
            raise

    def get_inspector(self) -> Any:
        """What knows the table's columns, whatever name it is asked for."""
        return _Columns(self.kept, self.table, self.columns)

    def _build_selectable_from_batch_spec(self, batch_spec: Any) -> Any:  # noqa: ARG002  there is one batch
        return rows_of(self.table, self.columns.values())


class _Columns:
    """The part of SQLAlchemy's inspector that Great Expectations uses."""

    def __init__(self, connection: sa.Connection, table: Table, columns: dict[str, ColumnInfo]) -> None:
        self.dialect = connection.dialect
        self._connection = connection
        self._table = table
        self._columns = columns

    def get_columns(self, table_name: str, schema: str | None = None) -> list[Any]:  # noqa: ARG002
        """Names and types, as the database declares them."""
        if self.dialect.name == "duckdb":  # cannot reflect
            return [{"name": c.name, "type": _duckdb_type(c), "nullable": c.nullable} for c in self._columns.values()]
        return sa.inspect(self._connection).get_columns(self._table.name, schema=self._table.schema)

    def get_pk_constraint(self, table_name: str, schema: str | None = None) -> dict[str, Any]:  # noqa: ARG002
        """No expectation asks for it."""
        return {}


def _duckdb_type(column: ColumnInfo) -> Any:
    return next((named() for base, named in _DUCKDB_TYPES if isinstance(column.type, base)), column.type)


def _sqlite_module() -> ModuleType:
    """Great Expectations takes type names from the dialect's module, which lacks some that reflection returns."""
    reflected = (sa.BIGINT, sa.DOUBLE, sa.DATE, sa.DATETIME, sa.TIME)
    return _module(vars(sqlite), {kind.__name__: kind for kind in reflected})


def _duckdb_module() -> ModuleType:
    """What Great Expectations takes for the dialect's module: it knows DuckDB by no name.

    It finds types in it, writes a regular expression as it does for Dremio (``REGEXP_MATCHES``, DuckDB's function), and
    LIKE as for SQLite.
    """
    kinds = {kind.__name__: kind for pair in _DUCKDB_TYPES for kind in pair}
    aliases = {"TEXT": sa.VARCHAR, "STRING": sa.VARCHAR, "INT": sa.INTEGER, "REAL": sa.FLOAT, "DATETIME": sa.TIMESTAMP}
    return _module(kinds, aliases, {"DremioDialect": object, "dialect": sqlite.dialect})


def _module(*contents: Mapping[str, Any]) -> ModuleType:
    module = ModuleType("sqlalchemy.dialects")
    for names in contents:
        vars(module).update({name: value for name, value in names.items() if not name.startswith("__")})
    return module
