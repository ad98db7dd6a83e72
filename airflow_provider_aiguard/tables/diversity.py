"""Evidence on diversity: how often values occur, their moments, and what share of their n-grams is new."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.diversity import BLOCK, DistinctBlocks, DiversityEvidence, Moments
from airflow_provider_aiguard.core.errors import ColumnTypeError
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.provenance import Companions, Provenance
from airflow_provider_aiguard.tables.cells import fenced
from airflow_provider_aiguard.tables.columns import rows_of
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.reader import read_chunks
from airflow_provider_aiguard.tables.truth import NUMBERS, require

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_aiguard.core.table import Table
    from airflow_provider_aiguard.tables.columns import ColumnInfo

LARGEST = 1e60
"""Numbers beyond this are counted, but have no fourth power that every database can add up."""

CHUNK = 10_000
"""Texts read at a time."""


def diversity_evidence(
    connection: sa.Connection,
    table: Table,
    column: str,
    *,
    variance: bool = False,
    ngrams: Sequence[int] = (),
) -> DiversityEvidence:
    """Count how often the inferred values of a column occur.

    :param connection: where the table is; the caller owns it.
    :param table: the rows with claims; needs a key if ``ngrams`` are asked for.
    :param column: the AI-touched column. Only ``ai_inferred`` cells count.
    :param variance: also the moments of a numeric column.
    :param ngrams: also the distinct n-grams of a text column, for these lengths. Texts are then read, in key order and
        chunk by chunk; nothing is kept of them but the hashes of one block.
    :raises TableNotFoundError: if the table, the column or its companions do not exist.
    :raises ColumnTypeError: if the column has no moments or no n-grams.
    """
    provenance = Companions(column).provenance
    with transaction(connection):
        infos = require(connection, table, (column, provenance))
        rows = rows_of(table, infos.values()).subquery()
        value = rows.c[column].label("v")
        claims = sa.select(value).where(sa.cast(rows.c[provenance], sa.String) == Provenance.AI_INFERRED.value)
        frequencies: dict[Any, int] = dict(_frequencies(connection, claims))
        found = _moments(connection, claims, infos[column]) if variance else None
    blocks = _distinct(connection, table, infos[column], ngrams) if ngrams else {}
    return DiversityEvidence(
        column=column, nulls=frequencies.pop(None), frequencies=frequencies, moments=found, distinct=blocks
    )


def reference_moments(connection: sa.Connection, table: Table, column: str) -> Moments:
    """Moments of a numeric column, whatever its provenance: labels a model was trained on are observed.

    :raises TableNotFoundError: if the table or the column does not exist.
    :raises ColumnTypeError: if it is not numeric.
    """
    with transaction(connection):
        info = require(connection, table, [column])[column]
        rows = rows_of(table, [info]).subquery()
        return _moments(connection, sa.select(rows.c[column].label("v")), info)


def _frequencies(connection: sa.Connection, claims: sa.Select[Any]) -> Iterable[tuple[int | None, int]]:
    """How many values occur so many times; under ``None``, how many cells are NULL."""
    values = claims.subquery()
    of_value = sa.select(values.c.v, sa.func.count().label("times")).group_by(values.c.v).subquery()
    query = sa.select(of_value.c.times, sa.func.count().label("levels")).where(of_value.c.v.is_not(None))
    for row in connection.execute(query.group_by(of_value.c.times)):
        yield int(row.times), int(row.levels)
    yield None, connection.execute(sa.select(sa.func.count()).where(values.c.v.is_(None))).scalar_one()


def _moments(connection: sa.Connection, values: sa.Select[Any], info: ColumnInfo) -> Moments:
    """Two statements: powers are taken around the mean, or a large mean would drown them."""
    if info.kind not in NUMBERS:
        raise ColumnTypeError(f"Column {info.name!r} is {info.type}: only a numeric column has a variance.")
    numbers = values.with_only_columns(sa.cast(values.selected_columns.v, sa.Double).label("x")).subquery()
    x = numbers.c.x
    # NaN is larger than everything, or NULL: neither is smaller than the largest.
    usable = sa.and_(x >= -LARGEST, x <= LARGEST)
    kept = sa.select(sa.case((usable, x)).label("x"), sa.case((x.is_not(None), 1)).label("there"))
    inner = fenced(kept, connection.dialect.name).subquery()
    first = sa.select(sa.func.count(inner.c.x), sa.func.avg(inner.c.x), sa.func.count(inner.c.there))
    n, mean, there = connection.execute(first).one()
    if not n:
        return Moments(n=0, mean=0.0, second=0.0, fourth=0.0, unusable=there)
    mean = float(mean)
    away = inner.c.x - sa.literal(mean, sa.Double)
    # PostgreSQL raises where a power is too small to be a number.
    step = sa.select(sa.case((sa.func.abs(away) < 1 / LARGEST, 0.0), else_=away).label("d")).where(
        inner.c.x.is_not(None)
    )
    d = fenced(step, connection.dialect.name).subquery().c.d
    second, fourth = connection.execute(sa.select(sa.func.sum(d * d), sa.func.sum(d * d * d * d))).one()
    return Moments(n=n, mean=mean, second=float(second), fourth=float(fourth), unusable=there - n)


def _distinct(
    connection: sa.Connection, table: Table, info: ColumnInfo, lengths: Sequence[int]
) -> dict[int, DistinctBlocks]:
    if info.kind is not OutputType.TEXT:
        raise ColumnTypeError(f"Column {info.name!r} is {info.type}: only a text column has n-grams.")
    provenance = Companions(info.name).provenance
    counters = {n: _Counter(n) for n in lengths}
    for chunk in read_chunks(connection, table, [info.name, provenance], chunk_size=CHUNK):
        inferred = chunk[chunk[provenance] == Provenance.AI_INFERRED.value]
        for text in inferred[info.name].dropna():
            words = text.casefold().split()
            for counter in counters.values():
                counter.add(words)
    return {n: counter.blocks() for n, counter in counters.items()}


@dataclass
class _Counter:
    """Counts distinct n-grams, block by block; remembers the hashes of one block."""

    length: int
    seen: set[int] = field(default_factory=set)
    filled: int = 0
    shares: list[float] = field(default_factory=list)

    def add(self, words: Sequence[str]) -> None:
        for i in range(len(words) - self.length + 1):
            self.seen.add(hash(tuple(words[i : i + self.length])))
            self.filled += 1
            if self.filled == BLOCK:
                self.shares.append(len(self.seen) / BLOCK)
                self.seen, self.filled = set(), 0

    def blocks(self) -> DistinctBlocks:
        return DistinctBlocks(n=len(self.shares), total=sum(self.shares), squares=sum(s * s for s in self.shares))
