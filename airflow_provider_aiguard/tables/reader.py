"""Read the rows of a table in key order, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ConfigurationError, TableKeyError
from airflow_provider_aiguard.tables.columns import condition, read_columns, select_columns, sql_table
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.dialects.base import Dialect, Page, dialect_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from airflow_provider_aiguard.core.table import Table
    from airflow_provider_aiguard.tables.kinds import ColumnInfo


def count_rows(conn: sa.Connection, table: Table) -> int:
    """How many rows the table means, ``where`` applied.

    :raises TableNotFoundError: if there is no such table.
    """
    columns = read_columns(conn, table)
    query = sa.select(sa.func.count()).select_from(sql_table(table, columns.values())).where(condition(table))
    with transaction(conn):
        return int(conn.execute(query).scalar_one())


def read_chunks(
    conn: sa.Connection, table: Table, columns: Sequence[str] | None = None, *, chunk_size: int
) -> Iterator[pd.DataFrame]:
    """Read in key order, in frames of at most ``chunk_size`` rows.

    Each page is a short transaction of its own; between pages nothing is open, so a model may take its time and the
    caller may write, even to the same table. Rows inserted before the place reached are not seen.

    :param table: needs a ``key``.
    :param columns: columns to read, all if ``None``; the key columns come first, asked for or not.
    :param chunk_size: rows a frame, at least 1. Memory holds one page.
    :return: frames with columns in the dtypes of :mod:`airflow_provider_aiguard.tables.frames`.
    :raises TableKeyError: if a key is NULL or repeated.
    :raises TableNotFoundError: if the table or a column does not exist.
    :raises ConfigurationError: if the table has no key, or ``chunk_size`` is below 1.
    """
    if chunk_size < 1:
        raise ConfigurationError(f"chunk_size must be at least 1; got {chunk_size!r}.")
    keys = table.require_key()
    found = read_columns(conn, table)
    wanted = select_columns(table, found, [*keys, *(found if columns is None else columns)])
    pages = _Pages(conn, dialect_of(conn), table, list(wanted.values()), len(keys))
    pages.refuse_null_keys()
    return pages.read(chunk_size)


@dataclass(frozen=True)
class _Pages:
    conn: sa.Connection
    dialect: Dialect
    table: Table
    columns: list[ColumnInfo]
    key_count: int

    @property
    def keys(self) -> list[ColumnInfo]:
        return self.columns[: self.key_count]

    @property
    def names(self) -> list[str]:
        return [k.name for k in self.keys]

    def read(self, size: int) -> Iterator[pd.DataFrame]:
        after: tuple[Any, ...] | None = None
        expected: tuple[Any, ...] | None = None
        while True:
            page = self._fetch(after, size + 1)
            if expected is not None and after is not None and (page.frame.empty or self._key(page, 0) != expected):
                self._refuse_lost(after, expected)
            self._refuse_repeated(page.frame)
            if not page.frame.empty:
                yield page.frame.iloc[:size]
            if len(page.frame) <= size:
                return
            after, expected = self._key(page, size - 1), self._key(page, size)

    def refuse_null_keys(self) -> None:
        """Before the first page: a comparison with NULL would drop such rows without a word."""
        nullable = [sa.column(k.name).is_(None) for k in self.keys if k.nullable]
        if not nullable:
            return
        query = self._select([sa.column(n) for n in self.names]).where(sa.or_(*nullable)).limit(1)
        with transaction(self.conn):
            row = self.conn.execute(query).first()
        if row is not None:
            raise TableKeyError(
                f"Table {self.table.full_name!r} has a row with NULL in its key: {self._show(row)}. A key identifies a "
                f"row, so none of {self.names!r} may be NULL: choose another key, or exclude such rows in where=."
            )

    def _fetch(self, after: tuple[Any, ...] | None, limit: int) -> Page:
        query = self._select([self.dialect.expression(c).label(f"c{i}") for i, c in enumerate(self.columns)])
        if after is not None:
            query = query.where(self.dialect.after(self.keys, after))
        query = query.order_by(*(sa.column(n) for n in self.names)).limit(limit)
        with transaction(self.conn):
            return self.dialect.fetch(self.conn, query, self.columns)

    def _select(self, expressions: Sequence[sa.ColumnElement[Any]]) -> sa.Select[Any]:
        source = sql_table(self.table, [c.name for c in self.columns])
        return sa.select(*expressions).select_from(source).where(condition(self.table))

    def _key(self, page: Page, row: int) -> tuple[Any, ...]:
        return page.raw(row)[: self.key_count]

    def _refuse_repeated(self, frame: pd.DataFrame) -> None:
        repeated = frame.duplicated(subset=self.names)
        if repeated.any():
            row = frame.loc[repeated, self.names].iloc[0].tolist()
            raise TableKeyError(
                f"Table {self.table.full_name!r} has more than one row with key {self._show(row)}. A key identifies "
                f"one row: name the columns that do in key=, now {self.names!r}."
            )

    def _refuse_lost(self, after: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
        """Find out why the row seen behind the last page is not the first of this one.

        It was deleted or one was inserted before it, or else it is equal to the row before it for the database (a
        case-insensitive collation) and not for Python: then the page condition has skipped it.
        """
        same = [sa.column(k.name) == self.dialect.bind(k, v) for k, v in zip(self.keys, expected, strict=True)]
        query = self._select([sa.literal(1)]).where(*same, sa.not_(self.dialect.after(self.keys, after))).limit(1)
        with transaction(self.conn):
            lost = self.conn.execute(query).first() is not None
        if lost:
            raise TableKeyError(
                f"Table {self.table.full_name!r} has keys that the database holds to be equal: {self._show(after)} and "
                f"{self._show(expected)}. A key identifies one row: choose key columns without such a collation."
            )

    def _show(self, values: Sequence[Any]) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in zip(self.names, values, strict=True))
