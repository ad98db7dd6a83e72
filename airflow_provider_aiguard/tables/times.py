"""Columns of dates and timestamps in counts by SQL: rows by hour of the week, earliest and latest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.profile import HOURS_OF_WEEK
from airflow_provider_aiguard.tables.cells import NAN_CELL, NULL_CELL, fenced, found_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_aiguard.core.profile import ColumnProfile
    from airflow_provider_aiguard.tables.dialects.expressions import Expressions


def branch(values: sa.Subquery, index: int, words: Expressions) -> sa.Select[Any]:
    """Select per hour of the week: rows, earliest and latest second.

    :param values: one column ``v`` of timestamps.
    """
    v = values.c.v
    hour = sa.case(
        (v.is_(None), sa.literal_column(str(NULL_CELL), sa.Integer)),
        else_=sa.func.coalesce(words.hour_of_week(v), sa.literal_column(str(NAN_CELL), sa.Integer)),
    )
    found = fenced(sa.select(hour.label("cell"), words.seconds(v).label("s")), words.dialect).subquery()
    ends = [sa.func.min(found.c.s), sa.func.max(found.c.s)]
    return found_row(index, cell=found.c.cell, n=sa.func.count(), sums=ends).group_by(found.c.cell)


def counted(column: ColumnProfile, found: Sequence[sa.Row[Any]]) -> ColumnProfile:
    """Read the rows of :func:`branch` for this column. A time that is infinite, or a text that is none, is a NaN."""
    by_hour = {int(row.cell): int(row.n) for row in found}
    known = [row for row in found if row.cell >= 0]
    return replace(
        column,
        nulls=by_hour.get(NULL_CELL, 0),
        nans=by_hour.get(NAN_CELL, 0),
        counts=tuple(by_hour.get(hour, 0) for hour in range(HOURS_OF_WEEK)),
        minimum=min((float(row.m0) for row in known), default=None),
        maximum=max((float(row.m1) for row in known), default=None),
    )
