"""Profiles by SQL: a table in counts, made where the rows are.

The cells come from the reference and stay. A current table is then counted in one statement: for each column a
``GROUP BY`` of its cell, put together by ``UNION ALL``. (Tables with more edges and levels than ``WEIGHT`` take as few
statements as that allows.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile
from airflow_provider_aiguard.core.provenance import Companions
from airflow_provider_aiguard.tables import levels, numbers
from airflow_provider_aiguard.tables.cells import fenced
from airflow_provider_aiguard.tables.columns import read_columns, rows_of, select_columns
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.reader import count_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from airflow_provider_aiguard.core.table import Table
    from airflow_provider_aiguard.tables.columns import ColumnInfo

WEIGHT = 30_000
"""Edges and levels in one statement. SQLite binds at most 32,766 levels by default, psycopg 65,535."""

WEIGHT_ON_SQLITE = 4_000
"""SQLite compares each constant with all before it: 150 columns take 6 s to prepare in one statement, 1 s in five."""

BRANCHES = 400
"""Columns in one statement. SQLite joins at most 500 by ``UNION ALL``."""

_KINDS = {
    OutputType.INTEGER: ColumnKind.NUMERIC,
    OutputType.NUMBER: ColumnKind.NUMERIC,
    OutputType.DECIMAL: ColumnKind.NUMERIC,
    OutputType.TEXT: ColumnKind.CATEGORICAL,
    OutputType.BOOLEAN: ColumnKind.CATEGORICAL,
}


def profile_table(
    connection: sa.Connection,
    table: Table,
    columns: Sequence[str] | None = None,
    *,
    reference: TableProfile | None = None,
) -> TableProfile:
    """Profile the rows of a table.

    :param connection: where the table is; the caller owns it.
    :param table: the rows.
    :param columns: columns to profile. ``None``: those of the reference, or all but the key and the ``…__run``
        companions.
    :param reference: count on this profile's cells and levels. Without it they are learnt from the rows, by three
        more statements.
    :return: the profile. A column that cannot be compared (a timestamp, a document, one that is gone or changed its
        kind) is in it as ``skipped``, with the reason.
    :raises TableNotFoundError: if the table, or a column named in ``columns``, does not exist.
    """
    with transaction(connection):
        return _profile(connection, table, columns, reference)


def _profile(
    connection: sa.Connection, table: Table, columns: Sequence[str] | None, reference: TableProfile | None
) -> TableProfile:
    infos = read_columns(connection, table)
    names = _names(table, infos, columns, reference)
    shapes = {name: _shape(name, infos.get(name), reference) for name in names}
    statements = _Statements(connection, table, infos)
    live = [shape for shape in shapes.values() if shape.kind is not ColumnKind.SKIPPED]
    if reference is None:
        live = _learn(statements, live)
    shapes.update({column.name: column for column in _count(statements, live)})
    rows = shapes[live[0].name].rows if live else count_rows(connection, table)
    return TableProfile(
        table=table.full_name,
        rows=rows,
        columns={n: replace(c, rows=rows) if c.kind is ColumnKind.SKIPPED else c for n, c in shapes.items()},
    )


def _names(
    table: Table, infos: Mapping[str, ColumnInfo], columns: Sequence[str] | None, reference: TableProfile | None
) -> list[str]:
    if columns is not None:
        select_columns(table, infos, columns)
        return [name for name in columns if reference is None or name in reference.columns]
    if reference is not None:
        return list(reference.columns)
    runs = {Companions(name).run for name in infos}
    return [name for name in infos if name not in {*table.key_columns, *runs}]


def _shape(name: str, info: ColumnInfo | None, reference: TableProfile | None) -> ColumnProfile:
    """Make the profile before anything is counted: the cells of the reference, or none yet."""
    if info is None:
        return _skipped(name, "", "the table no longer has the column")
    declared, known = str(info.type), reference.columns[name] if reference else None
    kind = _KINDS.get(info.kind) if info.kind else None
    if kind is None:
        return _skipped(name, declared, f"columns of type {declared} are not compared; derive a number or a text")
    if known is None:
        return ColumnProfile(name=name, kind=kind, type=declared, rows=0)
    if known.kind is not kind:
        return _skipped(name, declared, f"it was {known.kind} ({known.type}), now it is {kind} ({declared})")
    return replace(known.empty(), type=declared)


def _skipped(name: str, declared: str, reason: str) -> ColumnProfile:
    return ColumnProfile(name=name, kind=ColumnKind.SKIPPED, type=declared, rows=0, reason=reason)


@dataclass(frozen=True)
class _Statements:
    """Runs statements that have a branch for each column, and hands each column its rows."""

    connection: sa.Connection
    table: Table
    infos: Mapping[str, ColumnInfo]

    def run(
        self, columns: Sequence[ColumnProfile], branch: Callable[[sa.Subquery, int, ColumnProfile], sa.Select[Any]]
    ) -> list[list[sa.Row[Any]]]:
        """Run one statement, or as few as the limits allow; return its rows by column."""
        found: list[list[sa.Row[Any]]] = [[] for _ in columns]
        weight = WEIGHT_ON_SQLITE if self.connection.dialect.name == "sqlite" else WEIGHT
        for batch in _batches(columns, weight):
            branches = [branch(self._values(columns[i]), i, columns[i]) for i in batch]
            # Not worth a place in SQLAlchemy's cache: the key of so large a statement costs more than its SQL.
            for row in self.connection.execute(sa.union_all(*branches), execution_options={"compiled_cache": None}):
                found[row.i].append(row)
        return found

    def _values(self, column: ColumnProfile) -> sa.Subquery:
        """Select the column as ``v``: as a double, or as text if it is categorical."""
        rows = rows_of(self.table, [self.infos[column.name]])
        (value,) = rows.selected_columns
        if column.kind is ColumnKind.CATEGORICAL:
            value = levels.as_text(value, self.infos[column.name].kind)
        else:
            value = sa.cast(value, sa.Double)
        return fenced(rows.with_only_columns(value.label("v")), self.connection.dialect.name).subquery()


def _batches(columns: Sequence[ColumnProfile], limit: int) -> Iterator[list[int]]:
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


def _learn(statements: _Statements, columns: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    """Make cells and levels from the rows."""
    tiled = dict(_each(statements, columns, ColumnKind.NUMERIC, numbers.tiles, numbers.learnt))
    cut = dict(_each(statements, columns, ColumnKind.CATEGORICAL, levels.frequencies, levels.cut))
    named = dict(_each(statements, list(cut.values()), ColumnKind.CATEGORICAL, levels.frequent, levels.learnt))
    learnt = tiled | named
    return [learnt[column.name] for column in columns]


def _each(
    statements: _Statements,
    columns: Sequence[ColumnProfile],
    kind: ColumnKind,
    branch: Callable[[sa.Subquery, int, ColumnProfile], sa.Select[Any]],
    read: Callable[[ColumnProfile, Sequence[sa.Row[Any]]], ColumnProfile],
) -> Iterator[tuple[str, ColumnProfile]]:
    chosen = [column for column in columns if column.kind is kind]
    for column, rows in zip(chosen, statements.run(chosen, branch), strict=True):
        yield column.name, read(column, rows)


def _count(statements: _Statements, columns: Sequence[ColumnProfile]) -> Iterator[ColumnProfile]:
    dialect = statements.connection.dialect.name

    def branch(values: sa.Subquery, index: int, column: ColumnProfile) -> sa.Select[Any]:
        if column.kind is ColumnKind.NUMERIC:
            return numbers.branch(values, index, column, dialect)
        return levels.branch(values, index, column)

    for column, rows in zip(columns, statements.run(columns, branch), strict=True):
        read = numbers.counted if column.kind is ColumnKind.NUMERIC else levels.counted
        yield replace(read(column, rows), rows=sum(row.n for row in rows))
