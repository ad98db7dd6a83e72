"""The rows that a profile is about: all that a table means, or a sample of them."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.profile import ColumnKind
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables import levels
from airflow_provider_aiguard.tables.cells import fenced
from airflow_provider_aiguard.tables.columns import rows_of
from airflow_provider_aiguard.tables.dialects.base import Dialect, dialect_of
from airflow_provider_aiguard.tables.dialects.expressions import Expressions, expressions_of
from airflow_provider_aiguard.tables.reader import count_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airflow_provider_aiguard.core.profile import ColumnProfile
    from airflow_provider_aiguard.tables.kinds import ColumnInfo

KINDS = {
    OutputType.INTEGER: ColumnKind.NUMERIC,
    OutputType.NUMBER: ColumnKind.NUMERIC,
    OutputType.DECIMAL: ColumnKind.NUMERIC,
    OutputType.TEXT: ColumnKind.CATEGORICAL,
    OutputType.BOOLEAN: ColumnKind.CATEGORICAL,
    OutputType.DATE: ColumnKind.TEMPORAL,
    OutputType.TIMESTAMP: ColumnKind.TEMPORAL,
}

WEIGHT = 60_000
"""Edges and levels in one statement. psycopg binds at most 65,535 levels."""

WEIGHT_ON_SQLITE = 4_000
"""SQLite compares each constant with all before it, and binds at most 32,766 levels."""

BRANCHES = 400
"""Columns in one statement. SQLite joins at most 500 by ``UNION ALL``."""


@dataclass(frozen=True)
class Source:
    """Where the rows are, and how they are asked for.

    :param connection: the connection.
    :param table: the table.
    :param infos: its columns.
    :param drawn: the sample, where every statement draws one of its own.
    :param share: share of the table's rows that are in it.
    """

    connection: sa.Connection
    table: Table
    infos: Mapping[str, ColumnInfo]
    drawn: sa.CTE | None = None
    share: float = 1.0

    @property
    def dialect(self) -> Dialect:
        """The database's way."""
        return dialect_of(self.connection)

    @property
    def words(self) -> Expressions:
        """The database's words."""
        return expressions_of(self.connection.dialect.name)

    def count(self) -> int:
        """How many rows there are; with ``drawn``, about."""
        return round(count_rows(self.connection, self.table) * (self.share if self.drawn is not None else 1.0))

    def select(self, names: Iterable[str], share: float = 1.0) -> sa.Select[Any]:
        """Select columns of the rows.

        :param share: of the rows, drawn at random.
        """
        if self.drawn is not None:
            query = sa.select(*(self.drawn.c[name] for name in names))
        else:
            query = rows_of(self.table, [self.infos[name] for name in names])
        return query.where(self.words.chance(share)) if share < 1 else query

    def expression(self, column: sa.ColumnElement[Any], info: ColumnInfo) -> sa.ColumnElement[Any]:
        """What a column is counted as: a double, a text, or a timestamp."""
        kind = KINDS[info.kind] if info.kind else None
        if kind is ColumnKind.CATEGORICAL:
            return levels.as_text(column, info.kind, self.words)
        return self.words.time(column, info) if kind is ColumnKind.TEMPORAL else sa.cast(column, sa.Double)

    def values(self, name: str, share: float = 1.0) -> sa.Subquery:
        """Select a column as ``v``."""
        rows = self.select([name], share)
        (column,) = rows.selected_columns
        made = self.expression(column, self.infos[name]).label("v")
        return fenced(rows.with_only_columns(made), self.connection.dialect.name).subquery()

    def run(self, columns: Sequence[ColumnProfile], branches: Sequence[Sequence[sa.Select[Any]]]) -> list[list[Any]]:
        """Run one statement, or as few as the limits allow; return its rows by column.

        :param branches: by column, selects whose first field is the column's place in ``columns``.
        """
        found: list[list[Any]] = [[] for _ in columns]
        for batch in self._batches(columns):
            selects = [select for i in batch for select in branches[i]]
            # Not worth a place in SQLAlchemy's cache: the key of so large a statement costs more than its SQL.
            for row in self.connection.execute(sa.union_all(*selects), execution_options={"compiled_cache": None}):
                found[row.i].append(row)
        return found

    def _batches(self, columns: Sequence[ColumnProfile]) -> Iterator[list[int]]:
        limit = WEIGHT_ON_SQLITE if self.connection.dialect.name == "sqlite" else WEIGHT
        batch: list[int] = []
        weight = 0
        for i, column in enumerate(columns):
            size = len(column.edges) + len(column.levels)
            if batch and (weight + size > limit or len(batch) == BRANCHES):
                yield batch
                batch, weight = [], 0
            batch.append(i)
            weight += size
        if batch:
            yield batch


class CreateSample(sa.sql.expression.Executable, sa.sql.expression.ClauseElement):
    """``CREATE TEMPORARY TABLE … AS SELECT`` that keeps the bind parameters of the select.

    :param name: name of the temporary table.
    :param select: what it is made from.
    """

    inherit_cache = False

    def __init__(self, name: str, select: sa.Select[Any]) -> None:
        self.name = name
        self.select = select


@compiles(CreateSample)
def _compile_sample(element: CreateSample, compiler: Any, **kwargs: Any) -> str:
    return f"CREATE TEMPORARY TABLE {element.name} AS {compiler.process(element.select, **kwargs)}"


@contextmanager
def sampled(source: Source, names: Sequence[str], share: float) -> Iterator[Source]:
    """Draw rows at random, each by itself, so that they count as independent.

    A database in this process keeps them in a temporary table; a server draws anew within each statement, because who
    may read there may not always create.

    :param names: the columns needed.
    :param share: of the rows, in (0, 1].
    """
    if share == 1 or not names:
        yield source
    elif not source.dialect.in_process:
        yield replace(source, drawn=source.select(names, share).cte("sampled"), share=share)
    else:
        name = f"aiguard_sample_{uuid.uuid4().hex}"
        source.connection.execute(CreateSample(name, source.select(names, share)))
        try:
            yield replace(source, table=Table(name), share=share)
        finally:
            source.connection.exec_driver_sql(f"DROP TABLE {name}")
