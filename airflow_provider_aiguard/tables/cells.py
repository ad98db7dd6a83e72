"""SQL expressions that put a number into a cell, or tell what it is not."""

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

_NAN_EQUALS_ITSELF = frozenset({"postgresql", "duckdb"})


def is_nan(number: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[bool]:
    """Condition that a double is NaN.

    :param dialect: name of the dialect. PostgreSQL and DuckDB say NaN = NaN; elsewhere, by IEEE 754, it is not.
    """
    if dialect in _NAN_EQUALS_ITSELF:
        return number == sa.cast(sa.literal_column("'NaN'"), sa.Double)
    return number != number  # noqa: PLR0124  the definition of NaN


def cell_of(
    number: sa.ColumnElement[Any], edges: Sequence[float], *, closed_above: bool = True
) -> sa.ColumnElement[int]:
    """Index of the cell that holds a number: a binary search, so 128 cells cost 7 comparisons.

    Edges are bound, not written out: SQLite's and DuckDB's readings of a decimal can be one bit off.

    :param number: a double, neither NULL nor NaN.
    :param edges: borders, ascending.
    :param closed_above: whether a border belongs to the cell below it (default) or to the one above.
    """
    return _search(number, edges, 0, len(edges), closed_above)


def _search(
    number: sa.ColumnElement[Any], edges: Sequence[float], low: int, high: int, closed_above: bool
) -> sa.ColumnElement[int]:
    if low == high:
        return sa.literal_column(str(low), sa.Integer)
    middle = (low + high) // 2
    edge = sa.literal(edges[middle], sa.Double)
    below = number <= edge if closed_above else number < edge
    return sa.case(
        (below, _search(number, edges, low, middle, closed_above)),
        else_=_search(number, edges, middle + 1, high, closed_above),
    )
