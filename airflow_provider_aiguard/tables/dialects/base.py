"""What a database must be able to do here, and how one that only speaks standard SQL does it.

A leaf overrides what differs. Reading works on any SQLAlchemy dialect; writing needs ``stage`` and ``upsert``, and a
database without a leaf refuses to be written to. Nothing in here knows about claims.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from airflow_provider_aiguard.core.errors import ColumnTypeError, ConfigurationError, TableNotFoundError
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.tables.frames import from_values
from airflow_provider_aiguard.tables.kinds import ColumnInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    from sqlalchemy.sql.expression import TableClause
    from sqlalchemy.types import TypeEngine

    from airflow_provider_aiguard.core.table import Table

_LEAVES = {"sqlite": "SQLiteDialect", "duckdb": "DuckDBDialect", "postgresql": "PostgresDialect"}
_MODULES = {"postgresql": "postgres"}


@dataclass(frozen=True)
class Page:
    """Rows in key order.

    :param frame: the rows, key columns first.
    :param raw: the values of row ``i`` as the database gave them, for :meth:`Dialect.bind`.
    """

    frame: pd.DataFrame
    raw: Callable[[int], tuple[Any, ...]]


class Dialect:
    """One database's way. Stateless; the methods take the connection."""

    in_process: ClassVar[bool] = False
    """Whether its rows are in this process anyway, so that :meth:`number_chunks` moves nothing over a wire."""

    def columns(self, conn: sa.Connection, table: Table) -> dict[str, ColumnInfo]:
        """Columns in table order.

        :raises TableNotFoundError: if there is no such table or view.
        """
        try:
            found = sa.inspect(conn).get_columns(table.name, schema=table.schema)
        except sa.exc.NoSuchTableError:
            refuse_missing(table)
        return {c["name"]: ColumnInfo(c["name"], c["type"], bool(c["nullable"])) for c in found}

    def unique_keys(self, conn: sa.Connection, table: Table) -> list[frozenset[str]]:
        """List the sets of columns the database keeps unique in every row of the table."""
        inspector = sa.inspect(conn)
        primary = inspector.get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
        constraints = inspector.get_unique_constraints(table.name, schema=table.schema)
        indexes = inspector.get_indexes(table.name, schema=table.schema)
        keys: list[Sequence[str | None]] = [primary, *(c["column_names"] for c in constraints)]
        keys += [i["column_names"] for i in indexes if i["unique"] and not _is_partial(i)]
        return [frozenset(map(str, key)) for key in keys if key]

    def column_type(self, kind: OutputType, like: TypeEngine[Any] | None = None) -> TypeEngine[Any]:
        """Type a new column gets.

        :param kind: kind of its values.
        :param like: type it is copied from: its zone and precision are kept.
        """
        if kind is OutputType.DECIMAL:
            return self.decimal_type(getattr(like, "precision", None), getattr(like, "scale", None))
        if kind is OutputType.TIMESTAMP:
            return sa.DateTime(timezone=like is None or bool(getattr(like, "timezone", False)))
        return _TYPES[kind]()

    def decimal_type(self, precision: int | None, scale: int | None) -> TypeEngine[Any]:
        """Decimal of this size, or the widest exact one if the size is open."""
        return sa.Numeric(precision, scale)

    def decimal_digits(self, column: ColumnInfo) -> tuple[int | None, int | None]:
        """Most digits in all and after the point that the column stores exactly; ``None`` for no limit."""
        return getattr(column.type, "precision", None), getattr(column.type, "scale", None)

    def expression(self, column: ColumnInfo) -> sa.ColumnElement[Any]:
        """How the column is selected: untyped, since :meth:`fetch` does the conversion."""
        return sa.column(column.name)

    def fetch(self, conn: sa.Connection, statement: sa.Select[Any], columns: Sequence[ColumnInfo]) -> Page:
        """Run a select of exactly these columns and read all of it."""
        rows = conn.execute(statement).all()
        values = list(zip(*rows, strict=True)) or [()] * len(columns)
        arrays = {i: from_values(c, self.decode(c, values[i])) for i, c in enumerate(columns)}
        return Page(frame_of(arrays, columns), lambda row: tuple(rows[row]))

    def number_chunks(
        self, conn: sa.Connection, statement: sa.Select[Any], columns: Sequence[ColumnInfo]
    ) -> Iterator[list[np.ndarray[Any, Any]]]:
        """Read numeric columns chunk by chunk as arrays of doubles, NULL and NaN as NaN.

        :param statement: selects exactly these columns.
        """
        raise NotImplementedError

    def count_nans(self, conn: sa.Connection, rows: sa.Select[Any], columns: Sequence[ColumnInfo]) -> dict[str, int]:  # noqa: ARG002
        """Count the NaN of columns that :meth:`number_chunks` had gaps in, by name; those without are left out."""
        return {}

    def decode(self, column: ColumnInfo, values: Sequence[Any]) -> Sequence[Any]:  # noqa: ARG002
        """Driver values as Python values of the column's kind."""
        return values

    def bind(self, column: ColumnInfo, value: Any) -> sa.ColumnElement[Any]:  # noqa: ARG002
        """Make a raw value of the column a bind parameter that compares with it."""
        return sa.bindparam(None, value, type_=sa.types.NullType(), unique=True)

    def after(self, keys: Sequence[ColumnInfo], values: Sequence[Any]) -> sa.ColumnElement[bool]:
        """Condition: the key comes after these raw values. Spelled out, for databases that cannot compare rows."""
        column: sa.ColumnElement[Any] = sa.column(keys[0].name)
        value = self.bind(keys[0], values[0])
        if len(keys) == 1:
            return column > value
        rest = self.after(keys[1:], values[1:])
        return sa.and_(column >= value, sa.or_(column > value, rest))

    def stage(
        self, conn: sa.Connection, frame: pd.DataFrame, target: TableClause, columns: Sequence[ColumnInfo]
    ) -> AbstractContextManager[Mapping[str, sa.ColumnElement[Any]]]:
        """Put the frame where SQL can select from it, inside the caller's transaction; take it away at the end.

        :param frame: one column per entry of ``columns``, under its name, in the dtypes of ``frames``.
        :return: by column name, the expression that selects it.
        """
        raise NotImplementedError

    def upsert(
        self, target: TableClause, staged: Mapping[str, sa.ColumnElement[Any]], keys: Sequence[str]
    ) -> sa.sql.dml.UpdateBase:
        """Statement that inserts the staged rows and overwrites the rows that have their keys."""
        raise NotImplementedError

    def require_writable(self, conn: sa.Connection) -> None:
        """Refuse a database that this package cannot write to.

        :raises ConfigurationError: on a database without a leaf.
        """
        raise ConfigurationError(
            f"Claims cannot be written to {conn.dialect.name!r}: only to sqlite, duckdb and postgresql. "
            "Read from it, and write into=Table(..., conn_id=<one of those>)."
        )

    def serialise(self, conn: sa.Connection, table: Table) -> None:
        """Let one transaction at a time change the table's columns; held until the transaction ends."""

    def is_busy(self, error: BaseException) -> bool:  # noqa: ARG002
        """Whether the error says that another process holds the database."""
        return False

    def reason(self, error: BaseException) -> str:
        """Say what the database objected to, free of row values."""
        return type(error).__name__


def dialect_of(conn: sa.Connection) -> Dialect:
    """Find the leaf for a connection's database, the base if there is none."""
    name = conn.dialect.name
    if name not in _LEAVES:
        return Dialect()
    module = importlib.import_module(f"{__package__}.{_MODULES.get(name, name)}")
    leaf: Dialect = getattr(module, _LEAVES[name])()
    return leaf


def refuse_missing(table: Table) -> NoReturn:
    """Raise for a table that does not exist."""
    hint = " The name is one identifier: put the schema into schema=." if "." in table.name else ""
    raise TableNotFoundError(
        f"Table {table.full_name!r} does not exist on connection {table.conn_id!r}, or may not be read. "
        f"Check name, schema and connection.{hint}"
    )


def portable_type(dialect: Dialect, conn: sa.Connection, name: str, declared: TypeEngine[Any]) -> TypeEngine[Any]:
    """Turn a type read from one database into a column type of another.

    :raises ColumnTypeError: if this database has nothing like it.
    """
    kind = ColumnInfo(name, declared).kind
    if kind is not None:
        return dialect.column_type(kind, declared)
    own = type(declared).__module__.startswith(f"sqlalchemy.dialects.{conn.dialect.name}.")
    made = declared if own else _generic(declared)
    try:
        made.compile(dialect=conn.dialect)
    except (sa.exc.CompileError, sa.exc.UnsupportedCompilationError):
        raise ColumnTypeError(
            f"Column {name!r} has type {declared!r}, which {conn.dialect.name} has no column for. "
            "Leave it out, or create the target table yourself."
        ) from None
    return made


class CreateStage(sa.schema.ExecutableDDLElement):
    """``CREATE TEMPORARY TABLE … AS SELECT``: the target's own column types, none of its constraints.

    :param name: name of the temporary table.
    :param select: what it is made from; has no bind parameters but literals.
    """

    inherit_cache = False

    def __init__(self, name: str, select: sa.Select[Any], *, suffix: str = "") -> None:
        self.name = name
        self.select = select
        self.suffix = suffix


class AddColumn(sa.schema.ExecutableDDLElement):
    """``ALTER TABLE … ADD COLUMN``."""

    inherit_cache = False

    def __init__(self, column: sa.Column[Any]) -> None:
        self.column = column


@compiles(CreateStage)
def _compile_stage(element: CreateStage, compiler: Any, **_: Any) -> str:
    query = compiler.sql_compiler.process(element.select, literal_binds=True)
    return f"CREATE TEMPORARY TABLE {compiler.preparer.quote(element.name)} {element.suffix} AS {query}"


@compiles(AddColumn)
def _compile_add(element: AddColumn, compiler: Any, **_: Any) -> str:
    table = compiler.preparer.format_table(element.column.table)
    return f"ALTER TABLE {table} ADD COLUMN {compiler.get_column_specification(element.column)}"


_TYPES: dict[OutputType, type[TypeEngine[Any]]] = {
    OutputType.BOOLEAN: sa.Boolean,
    OutputType.INTEGER: sa.BigInteger,
    OutputType.NUMBER: sa.Double,
    OutputType.TEXT: sa.Text,
    OutputType.DATE: sa.Date,
}


def _generic(declared: TypeEngine[Any]) -> TypeEngine[Any]:
    try:
        return declared.as_generic()
    except NotImplementedError:
        return declared


def _is_partial(index: Mapping[str, Any]) -> bool:
    options = index.get("dialect_options", {})
    return bool(index.get("expressions")) or any(name.endswith("_where") for name in options)


def frame_of(arrays: dict[int, Any], columns: Sequence[ColumnInfo]) -> pd.DataFrame:
    """Put arrays, one per column, under the columns' names without copying them."""
    frame = pd.DataFrame(arrays, copy=False)
    frame.columns = pd.Index([c.name for c in columns])
    return frame
