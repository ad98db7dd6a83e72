"""By how much rows that come in clusters inflate a column's variance.

Kish, L. (1965). *Survey Sampling*, section 8.2: the design effect is the variance under the design over that of a
simple random sample. The former by linearisation of the ratio mean, with the clusters as units of the first stage:
Särndal, C.-E., Swensson, B. and Wretman, J. (1992). *Model Assisted Survey Sampling*, section 5.5.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.profile import HOURS_OF_WEEK, ColumnKind
from airflow_provider_aiguard.tables.cells import HUGE, TINY, fenced
from airflow_provider_aiguard.tables.levels import LEVEL_LENGTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_aiguard.core.profile import ColumnProfile
    from airflow_provider_aiguard.tables.source import Source

LEVELS = 5
"""The most frequent levels of a categorical column stand for it."""

BATCH = 10
"""Columns in one statement: each takes some twenty sums."""

_QUARTERS = (0.25, 0.5, 0.75)


def with_design_effects(
    source: Source, columns: Sequence[ColumnProfile], cluster: str
) -> tuple[int, list[ColumnProfile]]:
    """Count the clusters, and add to each column its design effects: ``values`` and ``nulls``.

    That of the values is the largest of the mean's and the three quartiles', or of the most frequent levels'. With
    fewer than two clusters there are none.

    :param columns: with their counts.
    :param cluster: the column; NULL is a cluster too.
    :return: the number of clusters, and the columns.
    """
    found: list[ColumnProfile] = []
    number = 0
    for start in range(0, max(1, len(columns)), BATCH):
        batch = columns[start : start + BATCH]
        row = source.connection.execute(_totals(source, batch, cluster)).one()._mapping
        number = int(row["clusters"])
        found += [replace(column, design_effects=_effects(row, i, column)) for i, column in enumerate(batch)]
    return number, found


def design_effect(clusters: int, m: float, mm: float, t: float, tt: float, tm: float, variance: float) -> float:
    """Variance of a mean over clusters, over that of as many independent rows; at least 1.

    :param clusters: how many, G.
    :param m: sum over the clusters of their rows m_g.
    :param mm: sum of m_g squared.
    :param t: sum of their totals t_g.
    :param tt: sum of t_g squared.
    :param tm: sum of t_g m_g.
    :param variance: variance between rows.

    >>> design_effect(50, 500.0, 5_000.0, 250.0, 2_500.0, 2_500.0, 0.25)  # ten equal rows in each cluster
    10.204081632653061
    """
    if clusters < 2 or m <= 0 or variance <= 0:
        return 1.0
    mean = t / m
    residual = max(0.0, tt - 2 * mean * tm + mean * mean * mm)
    return max(1.0, clusters / (clusters - 1) * residual / (m * variance))


def _effects(row: Any, index: int, column: ColumnProfile) -> dict[str, float]:
    clusters = int(row["clusters"])
    if clusters < 2 or not column.rows:
        return {}
    m, mm = float(row[f"m{index}"] or 0), float(row[f"mm{index}"] or 0)
    effects = [1.0]
    for k in range(len(_terms(column, sa.column("v")))):
        t, tt, tm = (float(row[f"{name}{index}_{k}"] or 0) for name in ("t", "tt", "tm"))
        is_mean = column.kind is ColumnKind.NUMERIC and k == 0
        share = t / m if m else 0.0
        variance = (column.std or 0.0) ** 2 if is_mean else share * (1 - share)
        effects.append(design_effect(clusters, m, mm, t, tt, tm, variance))
    rows, present = float(row["n"]), m / float(row["n"])
    nulls = design_effect(
        clusters, rows, float(row["nn"]), m, mm, float(row[f"nm{index}"] or 0), present * (1 - present)
    )
    return {"values": max(effects), "nulls": nulls}


def _totals(source: Source, columns: Sequence[ColumnProfile], cluster: str) -> sa.Select[Any]:
    words = source.words
    rows = source.select(dict.fromkeys([cluster, *(column.name for column in columns)])).subquery()
    values = (
        source.expression(rows.c[column.name], source.infos[column.name]).label(f"v{i}")
        for i, column in enumerate(columns)
    )
    flat = fenced(sa.select(rows.c[cluster].label("g"), *values), words.dialect).subquery()
    sums = [sa.cast(sa.func.count(), sa.Double).label("n")]
    for i, column in enumerate(columns):
        v = flat.c[f"v{i}"]
        known = (
            sa.and_(v.is_not(None), sa.not_(words.is_nan(v))) if column.kind is ColumnKind.NUMERIC else v.is_not(None)
        )
        sums.append(_total(sa.case((known, 1.0), else_=0.0)).label(f"m{i}"))
        x = words.hour_of_week(v) if column.kind is ColumnKind.TEMPORAL else v
        for k, (held, value) in enumerate(_terms(column, x)):
            sums.append(_total(sa.case((sa.and_(known, held), value), else_=0.0)).label(f"t{i}_{k}"))
    found = fenced(sa.select(*sums).group_by(flat.c.g), words.dialect).subquery()
    return sa.select(sa.func.count().label("clusters"), *_squares(found.c, columns))


def _squares(c: Any, columns: Sequence[ColumnProfile]) -> list[sa.ColumnElement[Any]]:
    made: list[sa.ColumnElement[Any]] = [sa.func.sum(c.n).label("n"), sa.func.sum(c.n * c.n).label("nn")]
    for i, column in enumerate(columns):
        m = c[f"m{i}"]
        made += [
            sa.func.sum(m).label(f"m{i}"),
            sa.func.sum(m * m).label(f"mm{i}"),
            sa.func.sum(c.n * m).label(f"nm{i}"),
        ]
        for k in range(len(_terms(column, sa.column("v")))):
            t = c[f"t{i}_{k}"]
            products = {"t": t, "tt": t * t, "tm": t * m}
            made += [sa.func.sum(product).label(f"{name}{i}_{k}") for name, product in products.items()]
    return made


def _terms(column: ColumnProfile, v: sa.ColumnElement[Any]) -> list[tuple[sa.ColumnElement[bool], Any]]:
    """What is averaged: condition, and the value where it holds; 0 elsewhere."""
    if column.kind is ColumnKind.CATEGORICAL:
        shown = sa.func.substr(v, 1, LEVEL_LENGTH, type_=sa.String)
        return [(shown == level, 1.0) for level in column.levels[:LEVELS]]
    if column.kind is ColumnKind.TEMPORAL:
        return [(v < hours, 1.0) for hours in (HOURS_OF_WEEK // 4, HOURS_OF_WEEK // 2, HOURS_OF_WEEK * 3 // 4)]
    d = v - _double(column.center)
    squared = sa.and_(v >= _double(-HUGE), v <= _double(HUGE), sa.or_(d > _double(TINY), d < _double(-TINY)))
    return [(squared, d), *((v <= _double(q), 1.0) for q in dict.fromkeys(quartiles(column)))]


def quartiles(column: ColumnProfile) -> list[float]:
    """The edges nearest above the three quartiles of a numeric column; empty without an edge.

    >>> from airflow_provider_aiguard.core.profile import ColumnProfile
    >>> column = ColumnProfile(name="x", kind=ColumnKind.NUMERIC, type="REAL", edges=(0.0, 1.0), counts=(2, 3, 3))
    >>> quartiles(column)
    [0.0, 1.0, 1.0]
    """
    below = list(accumulate(column.counts))
    if not column.edges or not below or not below[-1]:
        return []
    return [column.edges[min(bisect_left(below, q * below[-1]), len(column.edges) - 1)] for q in _QUARTERS]


def _total(value: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
    return sa.func.sum(sa.cast(value, sa.Double))


def _double(number: float) -> sa.ColumnElement[float]:
    return sa.literal_column(f"({number!r})" if math.isfinite(number) else "NULL", sa.Double)
