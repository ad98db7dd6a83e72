"""Learn a feature schema from a training table, with slack: what was seen is not all there is.

Three statements at most: numbers of each column, categories of texts with few, and the relations that all rows keep.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import EmptyTableError
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.schema import ColumnSchema, FeatureSchema, Relation, RelationRule
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson
from airflow_provider_aiguard.tables.columns import read_columns, rows_of, select_columns
from airflow_provider_aiguard.tables.comparable import Comparable, comparable
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.schema import feature_columns, is_ordered
from airflow_provider_aiguard.tables.truth import count_if

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.table import Table
    from airflow_provider_aiguard.tables.kinds import ColumnInfo

ALPHA = 0.002
"""Allowed shares are upper ends of exact intervals at this alpha: what the training rows leave possible."""

SLACK = 0.1
"""A range is widened on each side by this share of its width; numbers that had one sign keep it."""

LONGEST = 1.5
"""A text may be this many times as long as the longest that was seen."""

MAX_CATEGORIES = 50
"""A text with more different values, or with fewer than ``ROWS_PER_CATEGORY`` rows for each, has no categories."""

ROWS_PER_CATEGORY = 10

RELATED = 12
"""Columns that are searched for relations: the pairs grow with the square."""

ROWS_TO_RELATE = 100
"""Rows that must keep a relation before it is believed."""

NULLS_TO_RELATE = 10
"""Rows where both are NULL before two columns are believed to be NULL together."""

_BRANCHES = 400


@dataclass(frozen=True)
class _Seen:
    """One column of the training table in numbers."""

    info: ColumnInfo
    rows: int
    missing: int
    low: Any
    high: Any
    distinct: int


def learn_schema(
    connection: sa.Connection, table: Table, columns: Sequence[str] | None = None, *, slack: float = SLACK
) -> FeatureSchema:
    """Learn the schema of a table.

    :param connection: where the table is; the caller owns it.
    :param table: the training rows.
    :param columns: columns to learn; all but the key and companion columns if ``None``.
    :param slack: share of its width by which a range is widened on each side, 0 or more.
    :raises EmptyTableError: if there are no rows.
    :raises TableNotFoundError: if the table or a column does not exist.
    """
    with transaction(connection):
        infos = read_columns(connection, table)
        chosen = select_columns(table, infos, feature_columns(table, infos) if columns is None else columns)
        source = _Source(connection, rows_of(table, chosen.values()).subquery(), chosen)
        seen = _look(source)
        rows = next(iter(seen.values())).rows if seen else 0
        if not rows:
            raise EmptyTableError(
                f"Table {table.full_name!r} has no rows or no columns to learn a feature schema from; nothing was "
                "stored. Check its where= and parameters=, or run this task after the rows are there."
            )
        categories = _categories(source, seen)
        relations = _relations(source, seen)
    return FeatureSchema(
        table=table.full_name,
        rows=rows,
        max_share=learnt_share(0, rows),
        columns={name: _column(name, one, categories.get(name, {}), slack) for name, one in seen.items()},
        relations=tuple(relations),
    )


@dataclass(frozen=True)
class _Source:
    connection: sa.Connection
    rows: sa.Subquery
    infos: dict[str, ColumnInfo]

    def cell(self, name: str) -> Comparable:
        return comparable(self.rows.c[name], self.infos[name], self.connection.dialect.name)

    def one(self, expressions: Sequence[sa.ColumnElement[Any]]) -> Sequence[Any]:
        return self.connection.execute(sa.select(*expressions).select_from(self.rows)).one()


def _look(source: _Source) -> dict[str, _Seen]:
    expressions: list[sa.ColumnElement[Any]] = [sa.func.count()]
    for name, info in source.infos.items():
        cell = source.cell(name)
        expressions += [sa.func.count(sa.case((sa.not_(cell.missing), 1))), *_ends(cell.value, info.kind)]
    rows, *found = source.one(expressions)
    parts = [found[i : i + 4] for i in range(0, len(found), 4)]
    return {
        name: _Seen(info, rows, rows - present, low, high, distinct)
        for (name, info), (present, low, high, distinct) in zip(source.infos.items(), parts, strict=True)
    }


def _ends(value: sa.ColumnElement[Any], kind: OutputType | None) -> list[sa.ColumnElement[Any]]:
    """Lowest and highest value, or length; number of different texts."""
    if kind is OutputType.TEXT:
        length = sa.func.length(value)
        return [sa.func.min(length), sa.func.max(length), sa.func.count(sa.distinct(value))]
    if not is_ordered(kind):
        return [sa.null(), sa.null(), sa.literal_column("0")]
    low: sa.ColumnElement[Any] = sa.func.min(value)
    high: sa.ColumnElement[Any] = sa.func.max(value)
    if kind in {OutputType.DATE, OutputType.TIMESTAMP}:
        # As text: drivers differ in what they make of zones and of infinite dates.
        low, high = sa.cast(low, sa.Text), sa.cast(high, sa.Text)
    return [low, high, sa.literal_column("0")]


def _categories(source: _Source, seen: dict[str, _Seen]) -> dict[str, dict[str, int]]:
    """Rows by value, of the texts that have few values."""
    few = [name for name, one in seen.items() if 0 < one.distinct <= min(MAX_CATEGORIES, one.rows / ROWS_PER_CATEGORY)]
    found: dict[str, dict[str, int]] = {name: {} for name in few}
    for start in range(0, len(few), _BRANCHES):
        batch = few[start : start + _BRANCHES]
        for i, value, rows in source.connection.execute(
            sa.union_all(*(_counted(source, name, i) for i, name in enumerate(batch)))
        ):
            if value is not None:
                found[batch[i]][value] = rows
    return found


def _counted(source: _Source, name: str, index: int) -> sa.Select[Any]:
    values = sa.select(source.cell(name).value.label("v")).subquery()
    return sa.select(sa.literal_column(str(index)), values.c.v, sa.func.count()).group_by(values.c.v)


def _relations(source: _Source, seen: dict[str, _Seen]) -> list[Relation]:
    candidates = [*_orders(seen), *_null_pairs(seen)]
    if not candidates:
        return []
    expressions = []
    for relation in candidates:
        left, right = source.cell(relation.left), source.cell(relation.right)
        if relation.rule is RelationRule.NULL_WITH:
            differs = sa.case((left.missing, 1), else_=0) != sa.case((right.missing, 1), else_=0)
            expressions += [count_if(sa.not_(differs)), count_if(differs)]
        else:
            expressions += [count_if(left.value <= right.value), count_if(left.value > right.value)]
    found = source.one(expressions)
    kept, broken = found[::2], found[1::2]
    return [r for r, k, b in zip(candidates, kept, broken, strict=True) if not b and (k or 0) >= ROWS_TO_RELATE]


def _orders(seen: dict[str, _Seen]) -> list[Relation]:
    """Pairs whose ranges overlap: where they do not, the ranges already say all there is."""
    ordered = [name for name, one in seen.items() if is_ordered(one.info.kind) and one.low is not None][:RELATED]
    return [
        Relation(left=a, rule=RelationRule.AT_MOST, right=b)
        for a, b in permutations(ordered, 2)
        if _alike(seen[a], seen[b]) and seen[a].low <= seen[b].low < seen[a].high <= seen[b].high
    ]


def _alike(one: _Seen, other: _Seen) -> bool:
    times = {OutputType.DATE, OutputType.TIMESTAMP}
    kinds = {one.info.kind, other.info.kind}
    return len(kinds) == 1 if kinds & times else True


def _null_pairs(seen: dict[str, _Seen]) -> list[Relation]:
    """Pairs with the same number of NULLs: others are not NULL together."""
    sometimes = [name for name, one in seen.items() if NULLS_TO_RELATE <= one.missing < one.rows][:RELATED]
    return [
        Relation(left=a, rule=RelationRule.NULL_WITH, right=b)
        for a, b in combinations(sometimes, 2)
        if seen[a].missing == seen[b].missing
    ]


def _column(name: str, seen: _Seen, categories: dict[str, int], slack: float) -> ColumnSchema:
    kind = seen.info.kind
    base = ColumnSchema(name=name, type=kind, max_null_share=learnt_share(seen.missing, seen.rows))
    if categories:
        # By Good and Turing, as many rows have a value that was not seen as have one that was seen once; those of
        # values seen twice stand for the error of that (see stats/good_turing.py).
        rare = sum(rows for rows in categories.values() if rows <= 2)
        return replace(
            base, categories=tuple(sorted(categories)), max_share=learnt_share(rare, seen.rows) if rare else None
        )
    if seen.low is None:
        return base
    if kind is OutputType.TEXT:
        return replace(base, min_length=min(1, seen.low), max_length=math.ceil(seen.high * LONGEST))
    if kind in {OutputType.DATE, OutputType.TIMESTAMP}:
        return replace(base, minimum=_earliest(seen, slack))
    low, high = _range(_number(seen.low), _number(seen.high), slack, whole=kind is OutputType.INTEGER)
    return replace(base, minimum=low, maximum=high)


def _range(low: float, high: float, slack: float, *, whole: bool) -> tuple[float | None, float | None]:
    """Widen a range and round it outwards to two digits of its width; an infinite end is no limit."""
    width = high - low
    if not math.isfinite(width):
        return low if math.isfinite(low) else None, high if math.isfinite(high) else None
    if not width:
        return low, high
    step = 10.0 ** (math.floor(math.log10(width)) - 1)
    step = max(1.0, step) if whole else step
    wide_low = math.floor((low - slack * width) / step) * step if slack else low
    wide_high = math.ceil((high + slack * width) / step) * step if slack else high
    first = max(0.0, wide_low) if low >= 0 else wide_low
    last = min(0.0, wide_high) if high <= 0 else wide_high
    return (int(first), int(last)) if whole else (_short(first), _short(last))


def _short(number: float) -> float:
    """Without the digits that the multiplication by a power of ten added."""
    return float(f"{number:.12g}")


def _earliest(seen: _Seen, slack: float) -> str | None:
    """The start of a range of times; it has no end, because time goes on."""
    try:
        low, high = (datetime.fromisoformat(str(end)) for end in (seen.low, seen.high))
        start = low - timedelta(seconds=math.ceil(slack * (high - low).total_seconds()))
    except (ValueError, OverflowError):  # an infinite date, or one before our era
        return None
    return start.date().isoformat() if seen.info.kind is OutputType.DATE else start.replace(microsecond=0).isoformat()


def _number(value: Any) -> float:
    return value if isinstance(value, int) else float(value)


def learnt_share(broken: int, rows: int) -> float:
    """Give the share that the schema allows: the largest one that the training rows leave possible, at 99.8 %.

    :param broken: training rows that would break the rule.
    :param rows: training rows, at least 1.
    :return: rounded up to two digits; 1 if all rows would.
    """
    if broken == rows:
        return 1.0
    share = clopper_pearson(broken, rows, ALPHA)[1]
    step = 10.0 ** (math.floor(math.log10(share)) - 1)
    return min(1.0, _short(math.ceil(share / step) * step))
