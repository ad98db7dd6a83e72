"""The one row that every branch of a counting statement selects, so that ``UNION ALL`` can put them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Sequence

SUMS = 8
"""Numbers a branch may sum up besides the rows: ``m0`` to ``m7``."""


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
