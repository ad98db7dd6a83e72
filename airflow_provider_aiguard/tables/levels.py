"""Categorical columns in counts: learn which values are levels, count rows by level."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.tables.cells import NULL_CELL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_aiguard.core.profile import ColumnProfile

MAX_LEVELS = 200
"""Values of the reference that are counted one by one."""

LEVEL_LENGTH = 100
"""Characters that count; longer texts that begin alike are one value."""

_OTHER, _LEVEL = 0, 1


def as_text(column: sa.ColumnElement[Any], kind: OutputType | None) -> sa.ColumnElement[Any]:
    """Express a categorical value as the text under which it is counted."""
    if kind is OutputType.BOOLEAN:
        return sa.case((column.is_(sa.true()), "true"), (column.is_(sa.false()), "false"))
    return sa.func.substr(sa.cast(column, sa.String), 1, LEVEL_LENGTH)


def frequencies(values: sa.Subquery, index: int, column: ColumnProfile) -> sa.Select[Any]:  # noqa: ARG001  a branch like the others
    """Select how many values occur how often: index, occurrences, values.

    :param values: one column ``v``.
    """
    often = _by_value(values).subquery()
    return sa.select(sa.literal_column(str(index)).label("i"), often.c.n, sa.func.count()).group_by(often.c.n)


def cut(column: ColumnProfile, found: Sequence[Sequence[Any]]) -> ColumnProfile:
    """Decide how often a value must occur to be a level, so that there are at most ``MAX_LEVELS``.

    :param found: rows of :func:`frequencies` for this column.
    """
    often = Counter({int(row[1]): int(row[2]) for row in found})
    cutoff, kept = 1, often.total()
    while kept > MAX_LEVELS:
        kept -= often[cutoff]
        cutoff += 1
    tail = sum(n * values for n, values in often.items() if n <= cutoff)
    return replace(column, cutoff=cutoff, tail=tail, tail_next=often[cutoff + 1])


def frequent(values: sa.Subquery, index: int, column: ColumnProfile) -> sa.Select[Any]:
    """Select the levels: index, value, occurrences."""
    often = _by_value(values).subquery()
    chosen = sa.select(sa.literal_column(str(index)).label("i"), often.c.v, often.c.n)
    return chosen.where(often.c.n >= column.cutoff)


def learnt(column: ColumnProfile, found: Sequence[Sequence[Any]]) -> ColumnProfile:
    """Name a column's levels, the most frequent first.

    :param found: rows of :func:`frequent` for this column.
    """
    ordered = sorted(found, key=lambda row: (-row[2], row[1]))
    return replace(column, levels=tuple(row[1] for row in ordered))


def branch(values: sa.Subquery, index: int, column: ColumnProfile) -> sa.Select[Any]:
    """Select per level, for all other values together, and for NULL: index, cell, first and last value, rows; then
    NULL where a number has moments.
    """  # noqa: D205
    v = values.c.v
    level = sa.case((v.in_(column.levels), v)) if column.levels else sa.cast(sa.null(), sa.String)
    leveled = sa.select(v, level.label("level")).subquery()
    cell = sa.case(
        (leveled.c.v.is_(None), sa.literal_column(str(NULL_CELL), sa.Integer)),
        (leveled.c.level.is_(None), sa.literal_column(str(_OTHER), sa.Integer)),
        else_=sa.literal_column(str(_LEVEL), sa.Integer),
    ).label("cell")
    found = sa.select(leveled.c.v, leveled.c.level, cell).subquery()
    nothing = sa.cast(sa.null(), sa.Double)
    return sa.select(
        sa.literal_column(str(index)).label("i"),
        found.c.cell.label("cell"),
        sa.func.min(found.c.v).label("first"),
        sa.func.max(found.c.v).label("last"),
        sa.func.count().label("n"),
        sa.literal_column("0").label("finite"),
        *(nothing.label(name) for name in ("s", "ss", "lo", "hi")),
    ).group_by(found.c.cell, found.c.level)


def counted(column: ColumnProfile, found: Sequence[sa.Row[Any]]) -> ColumnProfile:
    """Read the rows of :func:`branch` for this column."""
    rows = {row.first: row.n for row in found if row.cell == _LEVEL}
    others = [row for row in found if row.cell == _OTHER]
    return replace(
        column,
        nulls=sum(row.n for row in found if row.cell == NULL_CELL),
        counts=tuple(rows.get(level, 0) for level in column.levels),
        buckets=(sum(row.n for row in others),),
        unseen=tuple(sorted({value for row in others for value in (row.first, row.last)})),
    )


def _by_value(values: sa.Subquery) -> sa.Select[Any]:
    v = values.c.v
    return sa.select(v, sa.func.count().label("n")).where(v.is_not(None)).group_by(v)
