"""Numeric columns in counts by SQL, for databases on a server: tiles of a sample, rows by cell with moments."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.tables.cells import HUGE, fenced, found_row
from airflow_provider_aiguard.tables.grid import Tile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_aiguard.core.profile import ColumnProfile
    from airflow_provider_aiguard.tables.dialects.expressions import Expressions


def tiles(values: sa.Subquery, index: int, number: int) -> sa.Select[Any]:
    """Select per tile: index of the column, tile, lowest and highest value, rows, sum.

    :param values: one column ``v`` of doubles.
    :param number: how many tiles.
    """
    v = values.c.v
    tile = sa.func.ntile(sa.literal_column(str(number))).over(order_by=v).label("tile")
    tiled = sa.select(v.label("x"), tile).where(_is_finite(v)).subquery()
    x = tiled.c.x
    return sa.select(
        sa.literal_column(str(index)).label("i"),
        tiled.c.tile.label("tile"),
        sa.func.min(x).label("low"),
        sa.func.max(x).label("high"),
        sa.func.count().label("n"),
        sa.func.sum(x).label("total"),
    ).group_by(tiled.c.tile)


def read_tiles(found: Sequence[Sequence[Any]]) -> list[Tile]:
    """Read the rows of :func:`tiles` for a column."""
    return [
        Tile(float(low), float(high), int(rows), float(total))
        for _, _, low, high, rows, total in sorted(found, key=lambda row: row[1])
    ]


def branch(values: sa.Subquery, index: int, column: ColumnProfile, words: Expressions) -> sa.Select[Any]:
    """Select per cell: rows, finite rows, mean around the column's centre, variance, lowest and highest.

    Mean and variance, not sums: PostgreSQL gets both in one step, and raises where a square over- or underflows.

    :param values: one column ``v`` of doubles.
    """
    v = values.c.v
    cell, finite = words.cell(v, column.edges), sa.case((_is_finite(v), v))
    inner = sa.select(cell.label("cell"), finite.label("w"))
    found = fenced(inner, words.dialect, on="postgresql").subquery()
    w = found.c.w
    d = w - sa.literal_column(f"({column.center!r})", sa.Double)
    return found_row(
        index,
        cell=found.c.cell,
        n=sa.func.count(),
        sums=[sa.func.count(w), sa.func.avg(d), sa.func.var_pop(d), sa.func.min(w), sa.func.max(w)],
    ).group_by(found.c.cell)


def counted(column: ColumnProfile, found: Sequence[sa.Row[Any]]) -> ColumnProfile:
    """Read the rows of :func:`branch` for this column.

    :param column: whose cells were counted and whose centre the means are around.
    """
    by_cell = {row.cell: int(row.n) for row in found}
    cells, last = [row for row in found if row.m0], len(column.edges)
    return replace(
        column,
        nulls=by_cell.get(None, 0),
        nans=by_cell.get(last + 1, 0),
        counts=tuple(by_cell.get(cell, 0) for cell in range(last + 1)),
        finite=sum(int(row.m0) for row in cells),
        total=math.fsum(row.m0 * row.m1 for row in cells),
        squares=math.fsum(row.m0 * (row.m2 + row.m1**2) for row in cells),
        minimum=min((float(row.m3) for row in cells), default=None),
        maximum=max((float(row.m4) for row in cells), default=None),
    )


def _is_finite(number: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return sa.and_(
        number >= sa.literal_column(f"-{HUGE!r}", sa.Double), number <= sa.literal_column(repr(HUGE), sa.Double)
    )
