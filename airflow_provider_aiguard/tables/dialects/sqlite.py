"""SQLite: any column holds any value, so declared types are a promise that is checked while reading.

Booleans are 0 and 1, dates and timestamps ISO 8601 text, NaN is NULL. Decimals that this package creates are text
(``DECIMAL_TEXT``): the ``DECIMAL`` of SQLite is a float and keeps 15 digits.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles

from airflow_provider_aiguard.core.errors import ColumnTypeError
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.tables.dialects.base import CreateStage, Dialect, refuse_missing
from airflow_provider_aiguard.tables.frames import to_list
from airflow_provider_aiguard.tables.kinds import ColumnInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd
    from sqlalchemy.sql.expression import TableClause
    from sqlalchemy.types import TypeEngine

    from airflow_provider_aiguard.core.table import Table


_COLUMNS = 'SELECT name, type, "notnull", pk FROM pragma_table_xinfo(:name, :schema) WHERE hidden <> 1'

_UNIQUE_INDEXES = """
SELECT i.name, c.name FROM pragma_index_list(:name, :schema) AS i JOIN pragma_index_info(i.name, :schema) AS c
WHERE i."unique" AND NOT i.partial
"""


class ExactDecimal(sa.Numeric[Any]):
    """A decimal kept as text, so that no digit is lost."""


class ZonedTimestamp(sa.DateTime):
    """A timestamp kept as ISO 8601 text in UTC, so that text order is time order."""

    def __init__(self) -> None:
        super().__init__(timezone=True)


@compiles(ExactDecimal, "sqlite")
def _compile_decimal(_element: ExactDecimal, _compiler: Any, **_: Any) -> str:
    return "DECIMAL_TEXT"


@compiles(ZonedTimestamp, "sqlite")
def _compile_timestamp(_element: ZonedTimestamp, _compiler: Any, **_: Any) -> str:
    return "TIMESTAMPTZ"


_CHUNK = 200_000
"""Values in a chunk of all columns, as Python objects."""


class SQLiteDialect(Dialect):
    """See the module."""

    in_process = True

    def columns(self, conn: sa.Connection, table: Table) -> dict[str, ColumnInfo]:
        """Columns by ``PRAGMA table_xinfo``: reflection drops the names of declared types."""
        rows = _described(conn, table)
        rowid = [r.name for r in rows if r.pk] if sum(bool(r.pk) for r in rows) == 1 else []
        return {
            r.name: ColumnInfo(
                r.name,
                _declared(r.type),
                nullable=not r.notnull and not (r.name in rowid and r.type.upper() == "INTEGER"),
            )
            for r in rows
        }

    def unique_keys(self, conn: sa.Connection, table: Table) -> list[frozenset[str]]:
        """Read the primary key, and the unique indexes on plain columns: a constraint is one of those."""
        given = {"name": table.name, "schema": table.schema or "main"}
        indexes: dict[str, list[str]] = {}
        for index, column in conn.execute(sa.text(_UNIQUE_INDEXES), given):
            indexes.setdefault(index, []).append(column)
        primary = frozenset(r.name for r in _described(conn, table) if r.pk)
        return [primary, *(frozenset(columns) for columns in indexes.values())]

    def column_type(self, kind: OutputType, like: TypeEngine[Any] | None = None) -> TypeEngine[Any]:
        """As the base, but a zone needs a type of its own."""
        made = super().column_type(kind, like)
        return ZonedTimestamp() if getattr(made, "timezone", False) else made

    def decimal_type(self, precision: int | None, scale: int | None) -> TypeEngine[Any]:  # noqa: ARG002
        """Text: exact whatever the size."""
        return ExactDecimal()

    def decimal_digits(self, column: ColumnInfo) -> tuple[int | None, int | None]:
        """15 digits in a ``DECIMAL`` column, which is a float; no limit in ours."""
        return (None, None) if isinstance(column.type, ExactDecimal) else (15, None)

    def decode(self, column: ColumnInfo, values: Sequence[Any]) -> Sequence[Any]:
        """Check and convert what was stored to what was declared."""
        if column.kind not in _DECODE:
            return values
        convert = _DECODE[column.kind]
        try:
            return [None if value is None else convert(value) for value in values]
        except (TypeError, ValueError, ArithmeticError):
            raise ColumnTypeError(
                f"Column {column.name!r} is declared as {column.kind}, but SQLite holds something else in it "
                f"({', '.join(sorted({type(v).__name__ for v in values}))} among the values of one page). Booleans are "
                "0 or 1, dates and timestamps ISO 8601 text: correct the values or the declaration."
            ) from None

    def number_chunks(
        self, conn: sa.Connection, statement: sa.Select[Any], columns: Sequence[ColumnInfo]
    ) -> Iterator[list[np.ndarray[Any, Any]]]:
        """As stored, since a cast would take a text for 0."""
        cursor: Any = conn.execute(statement).cursor
        while rows := cursor.fetchmany(max(1, _CHUNK // len(columns))):
            values = zip(*rows, strict=True)
            yield [_doubles(self, column, found) for column, found in zip(columns, values, strict=True)]

    def after(self, keys: Sequence[ColumnInfo], values: Sequence[Any]) -> sa.ColumnElement[bool]:
        """By row values, which can use an index on the key."""
        bound = [self.bind(k, v) for k, v in zip(keys, values, strict=True)]
        return sa.tuple_(*(sa.column(k.name) for k in keys)) > sa.tuple_(*bound)

    @contextmanager
    def stage(
        self, conn: sa.Connection, frame: pd.DataFrame, target: TableClause, columns: Sequence[ColumnInfo]
    ) -> Iterator[Mapping[str, sa.ColumnElement[Any]]]:
        """Fill a temporary table by ``executemany``."""
        names = [f"c{i}" for i in range(len(columns))]
        stage = sa.table(f"aiguard_stage_{uuid.uuid4().hex}", *(sa.column(n) for n in names))
        source = (target.c[c.name].label(n) for c, n in zip(columns, names, strict=True))
        conn.execute(CreateStage(stage.name, sa.select(*source).where(sa.false())))
        try:
            values = [self._encode(c, frame[c.name]) for c in columns]
            rows = zip(*values, strict=True)
            conn.exec_driver_sql(
                f"INSERT INTO temp.{stage.name} VALUES ({', '.join('?' * len(names))})",  # noqa: S608 - names made above
                list(rows),
            )
            yield {c.name: stage.c[n] for c, n in zip(columns, names, strict=True)}
        finally:
            # Leaves the name to nobody if the statement before it failed; sqlite3 rolls a failed chunk back anyway.
            conn.exec_driver_sql(f"DROP TABLE IF EXISTS temp.{stage.name}")

    def upsert(
        self, target: TableClause, staged: Mapping[str, sa.ColumnElement[Any]], keys: Sequence[str]
    ) -> sa.sql.dml.UpdateBase:
        """``INSERT … SELECT … WHERE true ON CONFLICT``; without the WHERE, SQLite reads ON as a join's."""
        query = sa.select(*staged.values()).where(sa.true())
        insert = sqlite.insert(target).from_select(list(staged), query)
        changed = {name: insert.excluded[name] for name in staged if name not in keys}
        return insert.on_conflict_do_update(index_elements=list(keys), set_=changed)

    def require_writable(self, conn: sa.Connection) -> None:
        """Allow it."""

    def serialise(self, conn: sa.Connection, table: Table) -> None:  # noqa: ARG002
        """Take the file's write lock at once: a transaction that reads first may not wait for it later."""
        if not getattr(conn.connection.dbapi_connection, "in_transaction", False):
            conn.exec_driver_sql("BEGIN IMMEDIATE")

    def is_busy(self, error: BaseException) -> bool:
        """Whether another process held the write lock longer than the busy timeout."""
        return "is locked" in str(error)

    def reason(self, error: BaseException) -> str:
        """SQLite's messages name tables and columns, never values."""
        return str(error)

    def _encode(self, column: ColumnInfo, array: Any) -> list[Any]:
        values = to_list(array)
        if column.kind is OutputType.DECIMAL:
            return [None if v is None else str(v) for v in values]
        if column.kind is OutputType.DATE:
            return [None if v is None else v.isoformat() for v in values]
        if column.kind is OutputType.TIMESTAMP:
            return [None if v is None else v.isoformat(" ", "microseconds") for v in values]
        return values


_NAMES: tuple[tuple[str, Callable[[], TypeEngine[Any]]], ...] = (
    ("BOOL", sa.Boolean),
    ("DECIMAL_TEXT", ExactDecimal),
    ("TIMESTAMPTZ", ZonedTimestamp),
    ("WITH TIME ZONE", ZonedTimestamp),
    ("DATETIME", sa.DateTime),
    ("TIMESTAMP", sa.DateTime),
    ("DATE", sa.Date),
    ("DECIMAL", sa.Numeric),
    ("NUMERIC", sa.Numeric),
    # From here SQLite's own rules of affinity, in its order: https://www.sqlite.org/datatype3.html
    ("INT", sa.BigInteger),
    ("CHAR", sa.Text),
    ("CLOB", sa.Text),
    ("TEXT", sa.Text),
    ("BLOB", sa.LargeBinary),
    ("REAL", sa.Double),
    ("FLOA", sa.Double),
    ("DOUB", sa.Double),
)


def _described(conn: sa.Connection, table: Table) -> Sequence[sa.Row[Any]]:
    databases = {row[0] for row in conn.execute(sa.text("SELECT name FROM pragma_database_list"))}
    schemas = [schema for schema in ([table.schema] if table.schema else ["temp", "main"]) if schema in databases]
    found = (conn.execute(sa.text(_COLUMNS), {"name": table.name, "schema": schema}).all() for schema in schemas)
    return next(filter(None, found), None) or refuse_missing(table)


def _declared(name: str) -> TypeEngine[Any]:
    upper = re.sub(r"\s+", " ", name.upper())
    return next((make() for part, make in _NAMES if part in upper), sa.types.NullType())


def _doubles(dialect: SQLiteDialect, column: ColumnInfo, values: Sequence[Any]) -> np.ndarray[Any, Any]:
    if not {float, int, type(None)}.issuperset(map(type, values)):
        values = dialect.decode(column, values)
    return np.array(values, dtype=np.float64)


def _boolean(value: Any) -> bool:
    if value not in (0, 1) or isinstance(value, float):
        raise ValueError
    return bool(value)


def _integer(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value


def _number(value: Any) -> float:
    if isinstance(value, str | bytes):
        raise TypeError
    return float(value)


def _decimal(value: Any) -> Decimal:
    # The shortest text that gives the same float: 1.1, not 1.100000000000000088817841970012523.
    return Decimal(repr(value) if isinstance(value, float) else value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


_DECODE: dict[OutputType | None, Callable[[Any], Any]] = {
    OutputType.BOOLEAN: _boolean,
    OutputType.INTEGER: _integer,
    OutputType.NUMBER: _number,
    OutputType.DECIMAL: _decimal,
    OutputType.TEXT: _text,
    OutputType.DATE: dt.date.fromisoformat,
    OutputType.TIMESTAMP: dt.datetime.fromisoformat,
}
