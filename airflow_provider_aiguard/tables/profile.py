"""Profiles: a table in counts, made where the rows are.

The cells come from a sample of the reference and stay. A current table is then counted in one statement on a server:
for each column a ``GROUP BY`` of its cell, put together by ``UNION ALL``; on PostgreSQL in two, for its workers' sake.
DuckDB and SQLite run in this process: there the numbers pass by as arrays, which a sort counts in a third of the time,
and the statement counts the rest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile
from airflow_provider_aiguard.core.provenance import Companions
from airflow_provider_aiguard.tables import arrays, clusters, dependences, grid, levels, numbers, times
from airflow_provider_aiguard.tables.columns import read_columns, select_columns
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.source import KINDS, Source, sampled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import sqlalchemy as sa

    from airflow_provider_aiguard.core.table import Table
    from airflow_provider_aiguard.tables.columns import ColumnInfo


def profile_table(
    connection: sa.Connection,
    table: Table,
    columns: Sequence[str] | None = None,
    *,
    reference: TableProfile | None = None,
    sample: float | None = None,
    cluster: str | None = None,
    dependence: bool = False,
) -> TableProfile:
    """Profile the rows of a table.

    :param connection: where the table is; the caller owns it.
    :param table: the rows.
    :param columns: columns to profile. ``None``: those of the reference, or all but the key, the cluster and the
        ``…__run`` companions.
    :param reference: count on this profile's cells and levels. Without it they are learnt from the rows, or from some
        200,000 of them, drawn at random.
    :param sample: share of the rows to look at, in (0, 1], each drawn by itself; another draw each time. ``None``: all.
    :param cluster: column that says which rows belong together, such as a customer: estimate by how much that inflates
        the variance of each column.
    :param dependence: whether to count pairs of numeric columns too, of at most 20 of them.
    :return: the profile. A column that cannot be compared (a document, one that is gone or changed its kind) is in it
        as ``skipped``, with the reason.
    :raises TableNotFoundError: if the table, or a column named in ``columns`` or ``cluster``, does not exist.
    :raises ConfigurationError: if ``sample`` is no share.
    :raises ColumnTypeError: if SQLite holds something else in a column of numbers.
    """
    share = 1.0 if sample is None else _share(sample)
    with transaction(connection):
        infos = read_columns(connection, table)
        names = _names(table, infos, columns, reference, cluster)
        shapes = {name: _shape(name, infos.get(name), reference) for name in names}
        live = [shape for shape in shapes.values() if shape.kind is not ColumnKind.SKIPPED]
        needed = dict.fromkeys([*(shape.name for shape in live), *([cluster] if cluster else [])])
        whole = Source(connection, table, infos)
        whole.words.prepare(connection)
        with sampled(whole, list(needed), share) as source:
            found = _profile(source, live, reference, cluster=cluster, dependence=dependence)
    complete = {
        name: replace(shape, rows=found.rows) if shape.kind is ColumnKind.SKIPPED else found.columns[name]
        for name, shape in shapes.items()
    }
    return replace(found, table=table.full_name, columns=complete)


def _profile(
    source: Source,
    columns: Sequence[ColumnProfile],
    reference: TableProfile | None,
    *,
    cluster: str | None,
    dependence: bool,
) -> TableProfile:
    if reference is None:
        learnt = source.drawn is None
        columns = [replace(column, learnt=learnt) for column in _learn(source, columns)]
    columns = _count(source, columns)
    rows = max(column.rows for column in columns) if columns else source.count()
    number = None
    if cluster is not None:
        number, columns = clusters.with_design_effects(source, columns, cluster)
    found = TableProfile(
        table=source.table.full_name,
        rows=rows,
        columns={column.name: column for column in columns},
        sample=source.share,
        clusters=number,
    )
    return dependences.with_pairs(source, found, reference) if dependence else found


def _share(sample: float) -> float:
    if isinstance(sample, bool) or not isinstance(sample, int | float) or not 0 < sample <= 1:
        raise ConfigurationError(
            f"sample={sample!r} is no share of the rows: give a number above 0, and at most 1 for all of them."
        )
    return float(sample)


def _names(
    table: Table,
    infos: Mapping[str, ColumnInfo],
    columns: Sequence[str] | None,
    reference: TableProfile | None,
    cluster: str | None,
) -> list[str]:
    select_columns(table, infos, [*(columns or ()), *([cluster] if cluster else [])])
    if columns is not None:
        return [name for name in dict.fromkeys(columns) if reference is None or name in reference.columns]
    if reference is not None:
        return list(reference.columns)
    runs = {Companions(name).run for name in infos}
    return [name for name in infos if name not in {*table.key_columns, *runs, cluster}]


def _shape(name: str, info: ColumnInfo | None, reference: TableProfile | None) -> ColumnProfile:
    """Make the profile before anything is counted: the cells of the reference, or none yet."""
    if info is None:
        return _skipped(name, "", "the table no longer has the column")
    declared, known = str(info.type), reference.columns[name] if reference else None
    kind = KINDS.get(info.kind) if info.kind else None
    if kind is None:
        return _skipped(name, declared, f"columns of type {declared} are not compared; derive a number or a text")
    if known is None:
        return ColumnProfile(name=name, kind=kind, type=declared)
    if known.kind is not kind:
        return _skipped(name, declared, f"it was {known.kind} ({known.type}), now it is {kind} ({declared})")
    return replace(known.empty(), type=declared)


def _skipped(name: str, declared: str, reason: str) -> ColumnProfile:
    return ColumnProfile(name=name, kind=ColumnKind.SKIPPED, type=declared, reason=reason)


def _learn(source: Source, columns: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    """Make cells and levels from the rows, or from enough of them."""
    rows = source.count()
    share = min(1.0, grid.SAMPLE_ROWS / rows) if rows else 1.0
    tiles = grid.tiles_for(min(rows, grid.SAMPLE_ROWS))
    texts = _of(columns, ColumnKind.CATEGORICAL)
    learnt = {column.name: column for column in columns}
    branches = [levels.frequencies(source.values(column.name, share), i) for i, column in enumerate(texts)]
    for column, found in zip(texts, source.run(texts, branches), strict=True):
        learnt[column.name] = levels.learnt_from(column, found)
    figures = _of(columns, ColumnKind.NUMERIC)
    for column, cut in zip(figures, _tiles(source, figures, share, tiles), strict=True):
        learnt[column.name] = grid.learnt(column, cut)
    return list(learnt.values())


def _tiles(source: Source, columns: Sequence[ColumnProfile], share: float, number: int) -> Iterable[list[grid.Tile]]:
    if source.dialect.in_process:
        chunks = [[np.empty(0)] * len(columns), *_chunks(source, columns, share)]
        return [arrays.tiles_of(np.concatenate([c[i] for c in chunks]), number) for i in range(len(columns))]
    branches = [[numbers.tiles(source.values(c.name, share), i, number)] for i, c in enumerate(columns)]
    return map(numbers.read_tiles, source.run(columns, branches))


def _count(source: Source, columns: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    apart = _of(columns, ColumnKind.NUMERIC) if source.dialect.in_process else []
    counted = {column.name: column for column in _tally(source, apart)}
    rest = [column for column in columns if column.name not in counted]
    for part in _statements(source, rest):
        found = source.run(part, [[_branch(source, i, column)] for i, column in enumerate(part)])
        counted |= {column.name: _read(source, column, rows) for column, rows in zip(part, found, strict=True)}
    return [counted[column.name] for column in columns]


def _statements(source: Source, columns: Sequence[ColumnProfile]) -> list[list[ColumnProfile]]:
    """Part numbers from the rest on PostgreSQL, which deals branches out to parallel workers only if it can with all.

    Not of a sample: each statement would draw its own.
    """
    if source.words.dialect != "postgresql" or source.drawn is not None:
        return [list(columns)]
    return [_of(columns, ColumnKind.NUMERIC), [column for column in columns if column.kind is not ColumnKind.NUMERIC]]


def _branch(source: Source, index: int, column: ColumnProfile) -> sa.Select[Any]:
    values = source.values(column.name)
    if column.kind is ColumnKind.NUMERIC:
        return numbers.branch(values, index, column, source.words)
    if column.kind is ColumnKind.TEMPORAL:
        return times.branch(values, index, source.words)
    return levels.branch(values, index, column, source.words, text=_is_text(source, column))


def _read(source: Source, column: ColumnProfile, rows: Sequence[sa.Row[Any]]) -> ColumnProfile:
    column = replace(column, rows=sum(int(row.n) for row in rows))
    if column.kind is ColumnKind.NUMERIC:
        return numbers.counted(column, rows)
    if column.kind is ColumnKind.TEMPORAL:
        return times.counted(column, rows)
    return levels.counted(column, rows, text=_is_text(source, column))


def _tally(source: Source, columns: Sequence[ColumnProfile]) -> Iterable[ColumnProfile]:
    tallies = [arrays.Tally(column) for column in columns]
    for chunk in _chunks(source, columns):
        for tally, values in zip(tallies, chunk, strict=True):
            tally.add(values)
    gaps = [tally.column.name for tally in tallies if tally.rows > tally.values]
    nans = source.dialect.count_nans(source.connection, source.select(gaps), [source.infos[n] for n in gaps])
    return [tally.profile(nans.get(tally.column.name, 0)) for tally in tallies]


def _chunks(source: Source, columns: Sequence[ColumnProfile], share: float = 1.0) -> Iterable[list[arrays.Numbers]]:
    if not columns:
        return ()
    infos = [source.infos[column.name] for column in columns]
    return source.dialect.number_chunks(source.connection, source.select([info.name for info in infos], share), infos)


def _of(columns: Sequence[ColumnProfile], kind: ColumnKind) -> list[ColumnProfile]:
    return [column for column in columns if column.kind is kind]


def _is_text(source: Source, column: ColumnProfile) -> bool:
    return source.infos[column.name].kind is OutputType.TEXT
