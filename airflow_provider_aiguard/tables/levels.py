"""Categorical columns in counts by SQL: learn which values are levels; count rows by level, bucket, length, pattern."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.profile import BUCKETS, LENGTH_EDGES, PATTERNS
from airflow_provider_aiguard.tables.cells import NULL_CELL, cell_of, fenced, found_row
from airflow_provider_aiguard.tables.dialects.expressions import LOWER, UPPER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_aiguard.core.profile import ColumnProfile
    from airflow_provider_aiguard.tables.dialects.expressions import Expressions

MAX_LEVELS = 200
"""Values of the reference that are counted one by one."""

LEVEL_LENGTH = 100
"""Characters that count; longer texts that begin alike are one value."""

_OTHER, _LEVEL = 0, 1


def as_text(column: sa.ColumnElement[Any], kind: OutputType | None, words: Expressions) -> sa.ColumnElement[Any]:
    """Express a categorical value as the text under which it is counted, not cut yet."""
    if kind is OutputType.BOOLEAN:
        return sa.case((column.is_(sa.true()), "true"), (column.is_(sa.false()), "false"))
    return words.text(column)


def frequencies(values: sa.Subquery, index: int) -> list[sa.Select[Any]]:
    """Select how many values occur how often, and the most frequent ones: index, value or NULL, occurrences, values.

    :param values: one column ``v`` of texts.
    """
    shown = sa.select(sa.func.substr(values.c.v, 1, LEVEL_LENGTH, type_=sa.String).label("v")).subquery()
    grouped = sa.select(shown.c.v, sa.func.count().label("n")).where(shown.c.v.is_not(None)).group_by(shown.c.v)
    # A common table expression, so that both parts see one sample.
    found = grouped.cte(f"values_{index}")
    i = sa.literal_column(str(index), sa.Integer).label("i")
    first = sa.select(found.c.v, found.c.n).order_by(found.c.n.desc(), found.c.v).limit(MAX_LEVELS).subquery()
    often = sa.select(i, sa.cast(sa.null(), sa.String).label("v"), found.c.n, sa.func.count().label("values"))
    return [often.group_by(found.c.n), sa.select(i, first.c.v, first.c.n, sa.literal_column("1", sa.Integer))]


def learnt_from(column: ColumnProfile, found: Sequence[Sequence[Any]]) -> ColumnProfile:
    """Decide on a column's levels.

    :param found: rows of :func:`frequencies` for this column.
    """
    column = cut(column, [(row[0], row[2], row[3]) for row in found if row[1] is None])
    return learnt(column, [row[:3] for row in found if row[1] is not None and row[2] >= column.cutoff])


def cut(column: ColumnProfile, found: Sequence[Sequence[Any]]) -> ColumnProfile:
    """Decide how often a value must occur to be a level, so that there are at most ``MAX_LEVELS``.

    :param found: index of the column, occurrences, and how many values occur that often.
    """
    often = Counter({int(row[1]): int(row[2]) for row in found})
    cutoff, kept = 1, often.total()
    while kept > MAX_LEVELS:
        kept -= often[cutoff]
        cutoff += 1
    tail = sum(n * values for n, values in often.items() if n <= cutoff)
    total = sum(n * values for n, values in often.items())
    return replace(column, cutoff=cutoff, tail=tail, tail_next=often[cutoff + 1], grid_values=total)


def learnt(column: ColumnProfile, found: Sequence[Sequence[Any]]) -> ColumnProfile:
    """Name a column's levels, the most frequent first.

    :param found: index of the column, value and occurrences of the levels.
    """
    ordered = sorted(found, key=lambda row: (-row[2], row[1]))
    return replace(column, levels=tuple(row[1] for row in ordered))


def branch(values: sa.Subquery, index: int, column: ColumnProfile, words: Expressions, *, text: bool) -> sa.Select[Any]:
    """Select per level, or bucket of the others, and cell of length: rows, first and last value, sums of lengths and
    patterns.

    :param values: one column ``v`` of texts, not cut.
    :param text: whether lengths and patterns mean something: not for booleans.
    """  # noqa: D205
    if _is_repetitive(column):
        v = values.c.v
        grouped = sa.select(v, sa.func.count().label("n")).group_by(v).subquery()
        v, n = grouped.c.v, grouped.c.n
    else:
        # Grouping texts that hardly repeat would keep all of them in memory.
        v, n = values.c.v, sa.literal_column("1", sa.Integer).label("n")
    shown = sa.func.substr(v, 1, LEVEL_LENGTH, type_=sa.String)
    level = sa.case((shown.in_(column.levels), shown)) if column.levels else sa.cast(sa.null(), sa.String)
    named = {"v": v, "shown": shown, "level": level, "n": n, "length": words.length(v)}
    inner = fenced(sa.select(*(value.label(name) for name, value in named.items())), words.dialect).subquery()
    counted = _celled(inner, words, text=text)
    c = counted.c
    sums = [c[f"s{i}"] * c.n for i in range(2 + len(PATTERNS))] if text else []
    return found_row(
        index,
        cell=c.cell,
        key=c.key,
        ends=[sa.func.min(c.shown), sa.func.max(c.shown)],
        size=c.size,
        n=sa.func.sum(c.n),
        sums=[sa.func.sum(term) for term in sums],
    ).group_by(c.cell, c.key, c.size)


def counted(column: ColumnProfile, found: Sequence[sa.Row[Any]], *, text: bool) -> ColumnProfile:
    """Read the rows of :func:`branch` for this column."""
    levels: Counter[str] = Counter()
    buckets: Counter[int] = Counter()
    lengths: Counter[int] = Counter()
    for row in found:
        if row.cell == _LEVEL:
            levels[row.key] += int(row.n)
        elif row.cell == _OTHER:
            buckets[int(row.key, BUCKETS)] += int(row.n)
        if row.cell != NULL_CELL:
            lengths[row.size] += int(row.n)
    others = [row for row in found if row.cell == _OTHER]
    ends = sorted({value for row in others for value in (row.low, row.high)})
    column = replace(
        column,
        nulls=sum(int(row.n) for row in found if row.cell == NULL_CELL),
        counts=tuple(levels[level] for level in column.levels),
        buckets=tuple(buckets[i] for i in range(BUCKETS)) if others else (),
        unseen=tuple(dict.fromkeys((ends[0], ends[-1]))) if ends else (),
    )
    if not text:
        return column
    sums = [sum(int(row[7 + i] or 0) for row in found) for i in range(2 + len(PATTERNS))]
    return replace(
        column,
        lengths=tuple(lengths[i] for i in range(len(LENGTH_EDGES) + 1)),
        length_sum=sums[0],
        length_squares=sums[1],
        patterns=dict(zip(PATTERNS, sums[2:], strict=True)),
    )


def _is_repetitive(column: ColumnProfile) -> bool:
    """Whether most rows have a level: then each value is worth looking at once."""
    return column.tail * 2 <= column.grid_values


def _celled(inner: sa.Subquery, words: Expressions, *, text: bool) -> sa.Subquery:
    c = inner.c
    is_level = c.level.is_not(None)
    cell = sa.case(
        (c.v.is_(None), sa.literal_column(str(NULL_CELL), sa.Integer)),
        (is_level, sa.literal_column(str(_LEVEL), sa.Integer)),
        else_=sa.literal_column(str(_OTHER), sa.Integer),
    )
    key = sa.case((c.v.is_(None), sa.null()), (is_level, c.shown), else_=words.digit(c.shown))
    chosen = [c.shown, c.n, cell.label("cell"), key.label("key")]
    if not text:
        return fenced(sa.select(*chosen, sa.literal_column("0", sa.Integer).label("size")), words.dialect).subquery()
    size = sa.case((c.v.is_(None), sa.literal_column("0")), else_=cell_of("length", LENGTH_EDGES)).label("size")
    length = sa.cast(c.length, sa.BigInteger)
    terms = [length, length * length, *(sa.case((held, 1), else_=0) for held in _patterns(c.v, c.length, words))]
    measured = (term.label(f"s{i}") for i, term in enumerate(terms))
    return fenced(sa.select(*chosen, size, *measured), words.dialect).subquery()


def _patterns(
    v: sa.ColumnElement[str], length: sa.ColumnElement[int], words: Expressions
) -> list[sa.ColumnElement[bool]]:
    """Conditions in the order of :data:`~airflow_provider_aiguard.core.profile.PATTERNS`."""
    bare = sa.func.trim(v, type_=sa.String)
    lower, upper = words.has_any(v, LOWER), words.has_any(v, UPPER)
    return [
        length == 0,
        bare != v,
        sa.func.replace(bare, " ", "", type_=sa.String) != bare,
        sa.not_(sa.or_(lower, upper)),
        sa.and_(lower, sa.not_(upper)),
        sa.and_(upper, sa.not_(lower)),
    ]
