"""Which earlier regime a truth signature is like, or that it is like none.

The two-sample chi-square test of :mod:`.chi_square`, against each regime. Runs of one regime differ by more than
chance, so the statistic is divided by how much they do: Rao, J. N. K. and Scott, A. J. (1981). The analysis of
categorical data from complex sample surveys. *JASA* 76, 221-230.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from airflow_provider_aiguard.stats.chi_square import MIN_EXPECTED, chi_square

MIN_REGIME_LABELS = 500
"""Labelled rows that a regime needs to be compared."""

MIN_P_VALUE = 0.01
"""A regime that is less like the present one is another."""


@dataclass(frozen=True)
class Recurrence:
    """The regime that is most like the present one.

    :param regime: its position among those compared, ``None`` if the present one is like none of them.
    :param p_value: of the most similar one; 0 if there was none to compare.
    """

    regime: int | None
    p_value: float


def recognise(current: Sequence[int], regimes: Sequence[Sequence[int]], *, overdispersion: float = 1.0) -> Recurrence:
    """Name the earlier regime that the present one is like.

    :param current: counts of the present signature, by cell.
    :param regimes: counts of the earlier ones by the same cells.
    :param overdispersion: see :func:`run_overdispersion`.

    >>> found = recognise([610, 190, 90, 110], [[400, 400, 100, 100], [600, 200, 100, 100]])
    >>> found.regime, round(found.p_value, 2)
    (1, 0.72)
    >>> recognise([100, 700, 100, 100], [[400, 400, 100, 100], [600, 200, 100, 100]]).regime is None
    True
    """
    likeness = [_p_value(regime, current, overdispersion) for regime in regimes]
    best = max(likeness, default=0.0)
    return Recurrence(regime=likeness.index(best) if best >= MIN_P_VALUE else None, p_value=best)


def run_overdispersion(regimes: Sequence[Sequence[Sequence[int]]]) -> float:
    """How much more than chance the runs of one regime differ from each other, at least 1.

    :param regimes: for each regime, for each of its runs, counts by cell.

    >>> run_overdispersion([[[50, 50], [70, 30], [30, 70]]])
    16.0
    >>> run_overdispersion([[[50, 50]]])
    1.0
    """
    statistic, freedom = 0.0, 0
    for runs in regimes:
        if len(runs) < 2:
            continue
        counts = np.asarray(runs, dtype=float)
        expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / max(counts.sum(), 1)
        cells = (expected >= MIN_EXPECTED).all(axis=0)
        if cells.sum() > 1:
            statistic += float(((counts - expected)[:, cells] ** 2 / expected[:, cells]).sum())
            freedom += (len(counts) - 1) * (int(cells.sum()) - int(cells.all()))
    return max(1.0, statistic / freedom) if freedom else 1.0


def _p_value(regime: Sequence[int], current: Sequence[int], overdispersion: float) -> float:
    found = chi_square([*regime, 0], [*current, 0])
    return float(chdtrc(found.df, found.statistic / overdispersion)) if found.df else 0.0
