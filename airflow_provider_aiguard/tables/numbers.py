"""Numeric columns in counts: learn cells of equal mass, count rows by cell, with moments."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.tables.cells import HUGE, NAN_CELL, NULL_CELL, cell_of, fenced, is_nan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_aiguard.core.profile import ColumnProfile

TILES = 128
"""Cells of equal mass. A value heavier than a tile gets a cell of its own."""


def tiles(values: sa.Subquery, index: int, column: ColumnProfile) -> sa.Select[Any]:  # noqa: ARG001  a branch like the others
    """Select per tile of equal mass: index of the column, tile, lowest and highest value, rows, sum.

    :param values: one column ``v`` of doubles.
    """
    v = values.c.v
    tile = sa.func.ntile(sa.literal_column(str(TILES))).over(order_by=v).label("tile")
    tiled = sa.select(v.label("x"), tile).where(_is_finite(v)).subquery()
    x = tiled.c.x
    return sa.select(
        sa.literal_column(str(index)).label("i"),
        tiled.c.tile,
        sa.func.min(x),
        sa.func.max(x),
        sa.func.count(),
        sa.func.sum(x),
    ).group_by(tiled.c.tile)


def learnt(column: ColumnProfile, found: Sequence[Sequence[Any]]) -> ColumnProfile:
    """Make a column's cells from its tiles.

    A value that fills a tile, or more, gets a cell of its own: its mass is then no error of the grid. What lies below
    the lowest value and above the highest get cells too, empty in the reference.

    :param found: rows of :func:`tiles` for this column.
    """
    if not found:
        return column
    lows, highs = [float(row[2]) for row in found], [float(row[3]) for row in found]
    atoms = {low for low, high in zip(lows, highs, strict=True) if low == high}
    atoms |= {high for high in highs if highs.count(high) > 1}
    edges = {*highs, *(math.nextafter(value, -math.inf) for value in {*atoms, min(lows)})}
    mean = math.fsum(float(row[5]) for row in found) / sum(row[4] for row in found)
    return replace(column, edges=tuple(sorted(edges)), center=mean)


def branch(values: sa.Subquery, index: int, column: ColumnProfile, dialect: str) -> sa.Select[Any]:
    """Select per cell: index, cell, NULL, NULL, rows, finite rows, sum and sum of squares around the column's mean,
    lowest and highest finite value.
    """  # noqa: D205
    v = values.c.v
    cell = sa.case(
        (v.is_(None), sa.literal_column(str(NULL_CELL), sa.Integer)),
        (is_nan(v, dialect), sa.literal_column(str(NAN_CELL), sa.Integer)),
        else_=cell_of("v", column.edges),
    )
    finite = sa.case((_is_finite(v), v))
    found = fenced(sa.select(cell.label("cell"), finite.label("w")), dialect).subquery()
    w = found.c.w
    d = w - sa.literal(column.center, sa.Double)
    nothing = sa.cast(sa.null(), sa.String)
    return sa.select(
        sa.literal_column(str(index)).label("i"),
        found.c.cell.label("cell"),
        nothing.label("first"),
        nothing.label("last"),
        sa.func.count().label("n"),
        sa.func.count(w).label("finite"),
        sa.func.sum(d).label("s"),
        sa.func.sum(d * d).label("ss"),
        sa.func.min(w).label("lo"),
        sa.func.max(w).label("hi"),
    ).group_by(found.c.cell)


def counted(column: ColumnProfile, found: Sequence[sa.Row[Any]]) -> ColumnProfile:
    """Read the rows of :func:`branch` for this column.

    :param column: whose cells were counted and whose mean the sums are around.
    """
    by_cell = {row.cell: row.n for row in found}
    cells = [row for row in found if row.finite]
    column = replace(
        column,
        nulls=by_cell.get(NULL_CELL, 0),
        nans=by_cell.get(NAN_CELL, 0),
        counts=tuple(by_cell.get(cell, 0) for cell in range(len(column.edges) + 1)),
    )
    if not cells:
        return column
    return replace(
        column,
        finite=sum(row.finite for row in cells),
        total=math.fsum(row.s for row in cells),
        squares=math.fsum(row.ss for row in cells),
        minimum=min(row.lo for row in cells),
        maximum=max(row.hi for row in cells),
    )


def _is_finite(number: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return sa.and_(number >= sa.literal(-HUGE, sa.Double), number <= sa.literal(HUGE, sa.Double))
