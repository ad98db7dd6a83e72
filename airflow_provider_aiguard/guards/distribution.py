"""What a person looks at when a column has drifted: both distributions in a few cells."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.distribution import Distribution
from airflow_provider_aiguard.core.profile import HOURS_OF_WEEK, ColumnKind, ColumnProfile, TableProfile

if TYPE_CHECKING:
    from collections.abc import Sequence

CELLS = 24
"""Cells of equal width, over the middle of the values, that a numeric column is drawn in."""

MIDDLE = (0.005, 0.995)
"""Quantiles of both tables together between which those cells lie; what is outside has a cell on either side."""

LEVELS = 12
"""Categories drawn one by one: half of them the most frequent, half those that moved most."""


def distributions(reference: TableProfile, current: TableProfile) -> list[Distribution]:
    """Give the distributions of the columns that both profiles counted on the same cells, in table order.

    :param reference: the profile that made the cells, or one on the same cells.
    :param current: the other.
    """
    pairs = [(column, current.columns.get(name)) for name, column in reference.columns.items()]
    return [
        _DRAWN[before.kind](before, after)
        for before, after in pairs
        if after and before.kind in _DRAWN and before.values and after.values and after.has_grid_of(before)
    ]


def _numeric(before: ColumnProfile, after: ColumnProfile) -> Distribution:
    if not before.edges:
        return _named(before.name, [("no finite value", 1.0, 1.0)])
    values = {cell: edge for cell, (below, edge) in enumerate(pairwise(before.edges), 1) if edge == _next(below)}
    counted = [cell for cell in values if before.counts[cell] or after.counts[cell]]
    if len(counted) <= CELLS and all(sum(c.counts[i] for i in counted) == c.values for c in (before, after)):
        shares = [(before.counts[i] / before.values, after.counts[i] / after.values) for i in counted]
        return _named(before.name, [(f"{values[i]:g}", *s) for i, s in zip(counted, shares, strict=True)])
    return _histogram(before, after)


def _next(number: float) -> float:
    return math.nextafter(number, math.inf)


def _histogram(before: ColumnProfile, after: ColumnProfile) -> Distribution:
    lows = [c.minimum for c in (before, after) if c.minimum is not None]
    highs = [c.maximum for c in (before, after) if c.maximum is not None]
    ends = (min(lows, default=before.edges[0]), max(highs, default=before.edges[-1]))
    knots = [min(before.edges[0], ends[0]), *before.edges, max(before.edges[-1], ends[1])]
    steps = [_cumulative(c.counts) for c in (before, after)]
    both = [a + b for a, b in zip(*steps, strict=True)]
    # Beyond the reference's own values nothing is known but how many there are: they share the outer cells.
    low, high = (min(max(_quantile(knots, both, q), before.edges[0]), before.edges[-1]) for q in MIDDLE)
    if not low < high:
        low, high = ends
    borders = _borders(low, high, ends)
    shares = [
        tuple(b - a for a, b in pairwise(_at(knots, step, x) for x in (-math.inf, *borders[1:-1], math.inf)))
        for step in steps
    ]
    labels = tuple(f"{a:.4g} to {b:.4g}" for a, b in pairwise(borders))
    return Distribution(
        column=before.name, labels=labels, reference=shares[0], current=shares[1], borders=tuple(borders)
    )


def _cumulative(counts: Sequence[int]) -> list[float]:
    n = sum(counts)
    return [0.0, *(c / n for c in accumulate(counts))]


def _quantile(knots: Sequence[float], step: Sequence[float], q: float) -> float:
    """Where the distribution function ``step``, given at ``knots``, reaches the share q of its end."""
    i = min(max(bisect_left(step, q * step[-1]), 1), len(step) - 1)
    return knots[i]


def _at(knots: Sequence[float], step: Sequence[float], x: float) -> float:
    """Give the distribution function at x, straight within a cell."""
    i = bisect_left(knots, x)
    if i == 0:
        return step[0]
    if i == len(knots):
        return step[-1]
    width = knots[i] - knots[i - 1]
    return step[i - 1] + (step[i] - step[i - 1]) * ((x - knots[i - 1]) / width)


def _borders(low: float, high: float, ends: tuple[float, float]) -> list[float]:
    """Cells of equal width from ``low`` to ``high``, and one on either side for what is beyond."""
    if not low < high:
        return [low, high]
    inner = [*(min(low + (high - low) * i / CELLS, high) for i in range(CELLS)), high]
    return [*([ends[0]] if ends[0] < low else []), *inner, *([ends[1]] if ends[1] > high else [])]


def _categorical(before: ColumnProfile, after: ColumnProfile) -> Distribution:
    shares = [(a / before.values, b / after.values) for a, b in zip(before.counts, after.counts, strict=True)]
    order = sorted(range(len(shares)), key=lambda i: -max(shares[i]))
    frequent, others = order[: LEVELS // 2], order[LEVELS // 2 :]
    moved = sorted(others, key=lambda i: -abs(shares[i][0] - shares[i][1]))
    shown, rest = sorted([*frequent, *moved[: LEVELS // 2]]), moved[LEVELS // 2 :]
    cells = [(before.levels[i], *shares[i]) for i in shown]
    together = len(cells) if rest else None
    if rest:
        cells.append((f"{len(rest)} more", sum(shares[i][0] for i in rest), sum(shares[i][1] for i in rest)))
    if before.other or after.other:
        cells.append(("rare or unseen", before.other / before.values, after.other / after.values))
    return replace(_named(before.name, cells), together=together)


def _temporal(before: ColumnProfile, after: ColumnProfile) -> Distribution:
    """Draw the hours of the day; weekdays where there is no hour but midnight."""
    hours = [[sum(c.counts[h::24]) for h in range(24)] for c in (before, after)]
    if any(sum(counts[1:]) for counts in hours):
        named = [f"{h:02}:00" for h in range(24)]
        counts = hours
    else:
        named = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        counts = [[sum(c.counts[d : d + 24]) for d in range(0, HOURS_OF_WEEK, 24)] for c in (before, after)]
    return _named(
        before.name,
        [(name, a / before.values, b / after.values) for name, a, b in zip(named, *counts, strict=True)],
    )


def _named(column: str, cells: Sequence[tuple[str, float, float]]) -> Distribution:
    labels, reference, current = zip(*cells, strict=True) if cells else ((), (), ())
    return Distribution(column=column, labels=labels, reference=reference, current=current)


_DRAWN = {ColumnKind.NUMERIC: _numeric, ColumnKind.CATEGORICAL: _categorical, ColumnKind.TEMPORAL: _temporal}
