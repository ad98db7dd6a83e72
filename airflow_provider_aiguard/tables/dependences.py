"""Pairs of numeric columns in counts: a two by two table for each, split at the reference's medians."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from airflow_provider_aiguard.core.profile import ColumnKind
from airflow_provider_aiguard.tables.cells import fenced
from airflow_provider_aiguard.tables.clusters import quartiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_aiguard.core.profile import TableProfile
    from airflow_provider_aiguard.tables.source import Source

COLUMNS = 20
"""Columns whose pairs are counted: the first numeric ones that have a median."""

Pairs = dict[tuple[str, str], tuple[int, int, int, int]]


def with_pairs(source: Source, found: TableProfile, reference: TableProfile | None) -> TableProfile:
    """Add the pairs to a profile.

    :param found: the profile, with the counts of its columns.
    :param reference: whose medians split the columns; without it, or if it has none, those of ``found`` do.
    """
    known = reference.splits if reference is not None and reference.splits else _medians(found)
    splits = {name: split for name, split in known.items() if name in found.columns and _is_numeric(found, name)}
    if len(splits) < 2:
        return replace(found, splits=splits)
    pairs = _from_arrays(source, splits) if source.dialect.in_process else _by_sql(source, splits)
    return replace(found, splits=splits, pairs=pairs)


def _is_numeric(found: TableProfile, name: str) -> bool:
    return found.columns[name].kind is ColumnKind.NUMERIC


def _medians(found: TableProfile) -> dict[str, float]:
    varying = (c for c in found.columns.values() if _is_numeric(found, c.name) and c.minimum != c.maximum)
    medians = {column.name: quartiles(column) for column in varying}
    return {name: three[1] for name, three in islice(medians.items(), COLUMNS) if three}


def _from_arrays(source: Source, splits: Mapping[str, float]) -> Pairs:
    names, limits = list(splits), np.array(list(splits.values()))
    both = np.zeros((3, len(names), len(names)))
    infos = [source.infos[name] for name in names]
    for chunk in source.dialect.number_chunks(source.connection, source.select(names), infos):
        values = np.column_stack(chunk)
        known, above = (~np.isnan(values)).astype(np.float64), (values > limits).astype(np.float64)
        both += [known.T @ known, above.T @ known, above.T @ above]
    known_known, above_known, above_above = both.round().astype(int).tolist()
    return {
        (names[i], names[j]): _cells(known_known[i][j], above_known[i][j], above_known[j][i], above_above[i][j])
        for i, j in combinations(range(len(names)), 2)
    }


def _by_sql(source: Source, splits: Mapping[str, float]) -> Pairs:
    names, words = list(splits), source.words
    rows = source.select(names).subquery()
    values = [source.expression(rows.c[name], source.infos[name]).label(f"v{i}") for i, name in enumerate(names)]
    flat = fenced(sa.select(*values), words.dialect).subquery()
    marks = []
    for i, name in enumerate(names):
        v = flat.c[f"v{i}"]
        split = sa.literal_column(f"({splits[name]!r})", sa.Double)
        known = sa.and_(v.is_not(None), sa.not_(words.is_nan(v)))
        marks.append(sa.case((known, 1), else_=0).label(f"k{i}"))
        marks.append(sa.case((sa.and_(known, v > split), 1), else_=0).label(f"a{i}"))
    c = fenced(sa.select(*marks), words.dialect).subquery().c
    pairs = list(combinations(range(len(names)), 2))
    sums = [
        sa.func.sum(c[f"{first}{i}"] * c[f"{second}{j}"])
        for i, j in pairs
        for first, second in ("kk", "ak", "ka", "aa")
    ]
    row: Any = source.connection.execute(sa.select(*sums)).one()
    numbers = [int(value or 0) for value in row]
    return {(names[i], names[j]): _cells(*numbers[4 * k : 4 * k + 4]) for k, (i, j) in enumerate(pairs)}


def _cells(known: int, first: int, second: int, both: int) -> tuple[int, int, int, int]:
    """Turn rows with both values, and of them with the first, the second and both above, into the four cells."""
    return known - first - second + both, first - both, second - both, both
