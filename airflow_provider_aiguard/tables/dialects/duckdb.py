"""DuckDB: whole columns in and out. Rows that pass through Python tuples cost a hundred times as much.

Reflection through duckdb-engine fails (``pg_collation``), so the catalogue is read with queries of our own.
"""

from __future__ import annotations

import re
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import sqlalchemy as sa
from duckdb_engine import DuckDBIdentifierPreparer
from sqlalchemy.dialects import postgresql

from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.tables.dialects.base import Dialect, Page, frame_of, refuse_missing
from airflow_provider_aiguard.tables.frames import from_numpy, objects, to_list
from airflow_provider_aiguard.tables.kinds import ColumnInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy.sql.expression import TableClause
    from sqlalchemy.types import TypeEngine

    from airflow_provider_aiguard.core.table import Table

_KEYWORDS = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'type_function'"
"""Words that duckdb-engine does not quote, though no column may have them for a name: ``at``, ``map``, ``columns`` …"""

DuckDBIdentifierPreparer.reserved_words = DuckDBIdentifierPreparer.reserved_words | {
    word for (word,) in duckdb.cursor().execute(_KEYWORDS).fetchall()
}

_DEFAULT_DECIMAL = (38, 18)
"""DuckDB's decimals have a fixed size of at most 38 digits; this leaves 20 before the point."""

_COLUMNS = """
SELECT column_name, data_type, is_nullable, table_catalog FROM information_schema.columns
WHERE lower(table_name) = lower(:name)
  AND ((table_schema = coalesce(:schema, current_schema()) AND table_catalog = current_database())
       OR (:schema IS NULL AND table_catalog = 'temp'))
ORDER BY table_catalog = 'temp' DESC, ordinal_position
"""

_CONSTRAINTS = """
SELECT constraint_column_names FROM duckdb_constraints()
WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE')
  AND lower(table_name) = lower(:name) AND schema_name = coalesce(:schema, current_schema())
  AND database_name = current_database()
"""

_UNIQUE_INDEXES = """
SELECT expressions FROM duckdb_indexes()
WHERE is_unique
  AND lower(table_name) = lower(:name) AND schema_name = coalesce(:schema, current_schema())
  AND database_name = current_database()
"""


_VECTOR = 2_048
"""Rows of DuckDB's smallest piece."""

_CHUNK = 1_000_000
"""Numbers in a chunk of all columns: 8 MB, and a column of it stays in the processor's cache while it is counted."""


class DuckDBDialect(Dialect):
    """See the module."""

    in_process = True

    def columns(self, conn: sa.Connection, table: Table) -> dict[str, ColumnInfo]:
        """Read ``information_schema``, views and temporary tables too; DuckDB tells no upper from lower case."""
        rows = conn.execute(sa.text(_COLUMNS), {"name": table.name, "schema": table.schema}).all()
        if not rows:
            refuse_missing(table)
        return {row[0]: ColumnInfo(row[0], _declared(row[1]), row[2] != "NO") for row in rows if row[3] == rows[0][3]}

    def unique_keys(self, conn: sa.Connection, table: Table) -> list[frozenset[str]]:
        """Primary keys, unique constraints, and unique indexes on plain columns."""
        given = {"name": table.name, "schema": table.schema}
        constraints = conn.execute(sa.text(_CONSTRAINTS), given).all()
        indexes = conn.execute(sa.text(_UNIQUE_INDEXES), given).all()
        return [frozenset(row[0]) for row in constraints] + [_indexed(row[0]) for row in indexes]

    def decimal_type(self, precision: int | None, scale: int | None) -> TypeEngine[Any]:
        """Take the size asked for, or 20 digits before and 18 after the point."""
        open_ended = precision is None or precision > _DEFAULT_DECIMAL[0]
        return sa.Numeric(*_DEFAULT_DECIMAL) if open_ended else sa.Numeric(precision, scale)

    def expression(self, column: ColumnInfo) -> sa.ColumnElement[Any]:
        """Decimals as text: DuckDB hands them out as floats otherwise."""
        selected: sa.ColumnElement[Any] = sa.column(column.name)
        return sa.cast(selected, sa.Text) if column.kind is OutputType.DECIMAL else selected

    def fetch(self, conn: sa.Connection, statement: sa.Select[Any], columns: Sequence[ColumnInfo]) -> Page:
        """By numpy arrays."""
        cursor: Any = conn.execute(statement).cursor
        fetched = list(cursor.fetchnumpy().values())
        arrays = {i: _array(c, fetched[i]) for i, c in enumerate(columns)}
        return Page(
            frame_of(arrays, columns), lambda row: tuple(_raw(c, a[row]) for c, a in zip(columns, fetched, strict=True))
        )

    def number_chunks(
        self, conn: sa.Connection, statement: sa.Select[Any], columns: Sequence[ColumnInfo]
    ) -> Iterator[list[np.ndarray[Any, Any]]]:
        """Stream them: the result is never whole in memory."""
        named = (sa.cast(c, sa.Double).label(f"c{i}") for i, c in enumerate(statement.selected_columns))
        cursor: Any = conn.execute(statement.with_only_columns(*named)).cursor
        vectors = max(1, _CHUNK // _VECTOR // len(columns))
        while True:
            chunk = cursor.fetch_df_chunk(vectors)
            if chunk.empty:
                return
            yield [chunk[name].to_numpy() for name in chunk]

    def count_nans(self, conn: sa.Connection, rows: sa.Select[Any], columns: Sequence[ColumnInfo]) -> dict[str, int]:
        """Ask the float columns: no other has them."""
        floats = [c.name for c in columns if c.kind is OutputType.NUMBER]
        if not floats:
            return {}
        c = rows.subquery().c
        sums = (sa.func.count(sa.case((sa.func.isnan(sa.cast(c[name], sa.Double)), 1))) for name in floats)
        return dict(zip(floats, conn.execute(sa.select(*sums)).one(), strict=True))

    @contextmanager
    def stage(
        self,
        conn: sa.Connection,
        frame: pd.DataFrame,
        target: TableClause,  # noqa: ARG002
        columns: Sequence[ColumnInfo],
    ) -> Iterator[Mapping[str, sa.ColumnElement[Any]]]:
        """Register the frame itself: nothing is copied before the statement reads it."""
        name = f"aiguard_stage_{uuid.uuid4().hex}"
        wires = [_wire(c, f"c{i}", frame[c.name]) for i, c in enumerate(columns)]
        arrays = {n: array for wire in wires for n, array in wire.arrays.items()}
        database: Any = conn.connection.dbapi_connection
        database.register(name, pd.DataFrame(arrays, copy=False))
        try:
            source = sa.table(name, *(sa.column(n) for n in arrays))
            yield {c.name: wire.expression(source) for c, wire in zip(columns, wires, strict=True)}
        except BaseException:
            # The caller rolls back anyway, but a transaction that failed lets nothing be unregistered before.
            with suppress(Exception):
                database.rollback()
            raise
        finally:
            database.unregister(name)

    def upsert(
        self, target: TableClause, staged: Mapping[str, sa.ColumnElement[Any]], keys: Sequence[str]
    ) -> sa.sql.dml.UpdateBase:
        """``INSERT … SELECT … ON CONFLICT``, in PostgreSQL's words."""
        insert = postgresql.insert(target).from_select(list(staged), sa.select(*staged.values()))
        changed = {name: insert.excluded[name] for name in staged if name not in keys}
        return insert.on_conflict_do_update(index_elements=list(keys), set_=changed)

    def require_writable(self, conn: sa.Connection) -> None:
        """Allow it."""


class Declared(sa.types.UserDefinedType[Any]):
    """A DuckDB type without an equal in SQLAlchemy, such as ``UUID`` or ``STRUCT(a INTEGER)``, as declared.

    :param spec: the declaration.
    """

    cache_ok = True

    def __init__(self, spec: str) -> None:
        self.spec = spec

    def get_col_spec(self, **_: Any) -> str:
        """Return the declaration."""
        return self.spec


@dataclass(frozen=True)
class _Wire:
    """Arrays that DuckDB reads without guessing, and the expression that makes the column of them."""

    arrays: dict[str, Any]
    expression: Callable[[TableClause], sa.ColumnElement[Any]]


def _wire(column: ColumnInfo, name: str, array: pd.Series[Any]) -> _Wire:
    if column.kind is OutputType.DECIMAL:
        text = [None if v is None else str(v) for v in to_list(array)]
        return _Wire({name: pd.array(text, dtype="str")}, lambda t: sa.cast(t.c[name], column.type))
    if column.kind is OutputType.DATE:
        days = np.array(to_list(array), dtype="datetime64[us]")
        return _Wire({name: days}, lambda t: sa.cast(t.c[name], sa.Date))
    if column.kind is OutputType.NUMBER:
        return _numbers(name, array.array)
    return _Wire({name: array.array}, lambda t: t.c[name])


def _numbers(name: str, array: Any) -> _Wire:
    """Send a second column that says which are NaN: a registered NaN arrives as NULL."""
    masked = isinstance(array, pd.arrays.FloatingArray)
    values = array.to_numpy(dtype=np.float64, na_value=0.0) if masked else array.to_numpy()
    nan = np.isnan(values)
    if not nan.any():
        return _Wire({name: array}, lambda t: t.c[name])
    flag = f"{name}_nan"
    is_nan = sa.cast(sa.literal("nan"), sa.Double)
    return _Wire({name: array, flag: nan}, lambda t: sa.case((t.c[flag], is_nan), else_=t.c[name]))


_NAMES: dict[str, Callable[[], TypeEngine[Any]]] = {
    "BOOLEAN": sa.Boolean,
    "TINYINT": sa.SmallInteger,
    "SMALLINT": sa.SmallInteger,
    "INTEGER": sa.Integer,
    "BIGINT": sa.BigInteger,
    "UTINYINT": sa.SmallInteger,
    "USMALLINT": sa.Integer,
    "UINTEGER": sa.BigInteger,
    # Wider than int64: exact as decimals without a fraction.
    "UBIGINT": lambda: sa.Numeric(38, 0),
    "HUGEINT": lambda: sa.Numeric(38, 0),
    "UHUGEINT": lambda: sa.Numeric(38, 0),
    "BIGNUM": lambda: sa.Numeric(38, 0),
    "FLOAT": sa.Float,
    "DOUBLE": sa.Double,
    "VARCHAR": sa.Text,
    "DATE": sa.Date,
    "TIMESTAMP": sa.DateTime,
    "TIMESTAMP_S": sa.DateTime,
    "TIMESTAMP_MS": sa.DateTime,
    "TIMESTAMP_NS": sa.DateTime,
    "TIMESTAMP WITH TIME ZONE": lambda: sa.DateTime(timezone=True),
    "BLOB": sa.LargeBinary,
}


def _declared(name: str) -> TypeEngine[Any]:
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", name)
    if decimal:
        return sa.Numeric(int(decimal[1]), int(decimal[2]))
    if re.fullmatch(r"ENUM\(.*\)", name, re.DOTALL):
        return sa.Text()
    return _NAMES[name]() if name in _NAMES else Declared(name)


def _array(column: ColumnInfo, fetched: np.ndarray[Any, Any]) -> Any:
    mask = np.ma.getmaskarray(fetched) if isinstance(fetched, np.ma.MaskedArray) else None
    values = np.ma.getdata(fetched)
    if column.kind is OutputType.DECIMAL:
        missing = mask if mask is not None else np.zeros(len(values), dtype=bool)
        return objects([None if null else Decimal(v) for v, null in zip(values, missing, strict=True)])
    return from_numpy(column, values, mask)


def _raw(column: ColumnInfo, value: Any) -> Any:
    """Turn a fetched scalar into what DuckDB reads back: text is cast to the column's type."""
    if isinstance(value, np.datetime64):
        day = column.kind is OutputType.DATE
        return f"{value.astype('datetime64[D]') if day else value}{'+00' if column.zoned else ''}"
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | bytes | bytearray) else str(value)


def _indexed(expressions: str) -> frozenset[str]:
    """Columns of ``[a, '"b c"']``, the way ``duckdb_indexes()`` prints them."""
    parts = re.findall(r"'?\"((?:[^\"]|\"\")*)\"'?|([^\[\], ]+)", expressions)
    return frozenset(quoted.replace('""', '"') if quoted else bare for quoted, bare in parts)
