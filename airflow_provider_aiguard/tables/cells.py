"""SQL expressions that put a number into a cell, or tell what it is not; and the row that says what a cell holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Sequence

NULL_CELL = -2
"""Cell of the rows where the column is NULL."""

NAN_CELL = -1
"""Cell of the rows where it is NaN."""

HUGE = 1e140
"""Values beyond this are counted, but left out of moments: PostgreSQL raises where their squares overflow."""

TINY = 1e-140
"""Squares of numbers nearer to 0 than this are left out of moments: PostgreSQL raises where they underflow."""

SUMS = 8
"""Numbers a branch may sum up besides the rows: ``m0`` to ``m7``."""

_FENCES = {"sqlite": "0", "postgresql": "'0'"}
"""In quotes it is a ``bigint`` at once: of ``0`` PostgreSQL makes one so late that it plans no parallel workers."""

_NAN_EQUALS_ITSELF = frozenset({"postgresql", "duckdb", "snowflake", "databricks", "spark", "hive"})


def is_nan(number: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[bool]:
    """Condition that a double is NaN.

    :param dialect: name of the dialect. PostgreSQL, DuckDB, Snowflake and Spark say NaN = NaN; elsewhere, by
        IEEE 754, it is not.
    """
    if dialect in _NAN_EQUALS_ITSELF:
        return number == sa.cast(sa.literal_column("'NaN'"), sa.Double)
    return number != number  # noqa: PLR0124  the definition of NaN


def fenced(query: sa.Select[Any], dialect: str, *, on: str = "sqlite") -> sa.Select[Any]:
    """Keep a database from merging a subquery into the query around it.

    It would write a cell's expression out once for each aggregate: on SQLite 100 columns take 15 s to prepare instead
    of 4 s. PostgreSQL evaluates it each time; and unmerged it takes the cells for 200, not for as many as there are
    values, so that it deals the columns out to parallel workers.

    :param dialect: name of the connection's dialect.
    :param on: name of the dialect to keep from it: SQLite, or PostgreSQL where that was measured to pay.
    """
    return query.offset(sa.literal_column(_FENCES[on])) if dialect == on else query


def found_row(
    index: int,
    *,
    cell: sa.ColumnElement[int],
    n: sa.ColumnElement[Any],
    key: sa.ColumnElement[str] | None = None,
    ends: Sequence[sa.ColumnElement[str]] = (),
    size: sa.ColumnElement[int] | None = None,
    sums: Sequence[sa.ColumnElement[Any]] = (),
) -> sa.Select[Any]:
    """Select a branch's row.

    :param index: which column of the statement it is about: ``i``.
    :param cell: the cell, or what kind of value the row is about.
    :param n: rows of the table.
    :param key: the level, or the bucket.
    :param ends: first and last value: ``low`` and ``high``.
    :param size: cell of the length.
    :param sums: at most :data:`SUMS` numbers.
    """
    # Each has its type in every branch: a database takes a column's type from the first.
    text, number = sa.cast(sa.null(), sa.String), sa.cast(sa.null(), sa.Double)
    low, high = ends or (text, text)
    padded = [sa.cast(value, sa.Double) for value in sums] + [number] * (SUMS - len(sums))
    return sa.select(
        sa.literal_column(str(index), sa.Integer).label("i"),
        cell.label("cell"),
        (text if key is None else key).label("key"),
        low.label("low"),
        high.label("high"),
        (sa.literal_column("0", sa.Integer) if size is None else size).label("size"),
        sa.cast(n, sa.BigInteger).label("n"),
        *(value.label(f"m{i}") for i, value in enumerate(padded)),
    )


def cell_of(number: str, edges: Sequence[float], *, closed_above: bool = True) -> sa.ColumnElement[int]:
    """Index of the cell that holds a number: a binary search, so 1,024 cells cost 10 comparisons.

    Written as text, because it is nothing but numbers: as bound values, 200 columns would be 200,000 expression
    objects, which SQLAlchemy takes minutes to compile, and more than drivers can bind.

    :param number: name of a double, neither NULL nor NaN, that needs no quotes.
    :param edges: finite borders, ascending.
    :param closed_above: whether a border belongs to the cell below it (default) or to the one above.
    """
    return sa.literal_column(_search(f"{number} {'<=' if closed_above else '<'}", edges, 0, len(edges)), sa.Integer)


def _search(below: str, edges: Sequence[float], low: int, high: int) -> str:
    if low == high:
        return str(low)
    middle = (low + high) // 2
    then, otherwise = _search(below, edges, low, middle), _search(below, edges, middle + 1, high)
    return f"CASE WHEN {below} {_double(edges[middle])} THEN {then} ELSE {otherwise} END"


def _double(number: float) -> str:
    """Write a number so that no database takes it for a decimal, which DuckDB would compare less exactly."""
    text = repr(float(number))
    return text if "e" in text else f"{text}e0"
