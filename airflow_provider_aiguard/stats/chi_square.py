"""The two-sample chi-square test of homogeneity, with an effect that chance does not inflate.

Pearson, K. (1911). On the probability that two independent distributions of frequency are really samples from the same
population. *Biometrika* 8, 250-254. Effect: Cohen, J. (1988). *Statistical Power Analysis*, ch. 7, less the ``df`` that
chance adds to the statistic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from airflow_provider_aiguard.stats.sample_size import effective_size

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_EXPECTED = 5.0
"""Cochran's rule: a cell is tested by itself if at least so many rows are expected in either sample."""

Counts = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ChiSquare:
    """Result of the test.

    :param statistic: Pearson's X2.
    :param df: degrees of freedom; 0 if there was nothing to compare.
    :param p_value: upper tail of the chi-square distribution.
    :param effect: Cohen's w, without what chance alone would add.
    :param total_variation: half the sum of absolute share differences over the cells tested, as seen.
    """

    statistic: float
    df: int
    p_value: float
    effect: float
    total_variation: float


NOTHING = ChiSquare(statistic=0.0, df=0, p_value=1.0, effect=0.0, total_variation=0.0)


def chi_square(
    reference: Sequence[float], current: Sequence[float], *, cutoff: float = 0, homes: Sequence[int] = ()
) -> ChiSquare:
    """Compare two samples counted on the same unordered cells. The last cells take in the rare ones.

    :param reference: counts by level, then those of all other values: one cell, or several.
    :param current: counts by the same cells.
    :param cutoff: how often a value had to occur in the reference to get a cell. Cells so near to it that they may owe
        their place to luck are not tested by themselves, or the test would be fooled by the choice.
    :param homes: by level, which of the last cells takes it in if it is rare; default: there is one, for all.
    :return: p-value 1 and df 0 if fewer than two cells can be tested.

    >>> result = chi_square([400, 250, 350, 0], [380, 270, 350, 0])
    >>> round(result.statistic, 3), result.df, round(result.p_value, 3)
    (1.282, 2, 0.527)
    >>> chi_square([10, 0], [12, 0]).df
    0
    """
    ref, cur = merge_rare(reference, current, cutoff=cutoff, homes=homes)
    n, m = float(ref.sum()), float(cur.sum())
    size, df = effective_size(n, m), len(ref) - 1
    if not size or df < 1:
        return NOTHING
    difference = ref / n - cur / m
    statistic = float(size * np.sum(difference**2 / ((ref + cur) / (n + m))))
    return ChiSquare(
        statistic=statistic,
        df=df,
        p_value=float(chdtrc(df, statistic)),
        effect=math.sqrt(max(0.0, statistic - df) / size),
        total_variation=float(np.abs(difference).sum() / 2),
    )


def merge_rare(
    reference: Sequence[float], current: Sequence[float], *, cutoff: float = 0, homes: Sequence[int] = ()
) -> tuple[Counts, Counts]:
    """Cells that are tested by themselves. Chosen by both samples together: it favours neither.

    :return: counts of reference and current.

    >>> [side.tolist() for side in merge_rare([90, 5, 3, 2], [91, 6, 2, 1], homes=[0, 1])]
    [[90.0, 10.0], [91.0, 9.0]]
    """
    both = np.array([reference, current], dtype=float)
    n, m = both.sum(axis=1)
    if not n or not m:
        return both[0, :0], both[1, :0]
    levels = len(homes) or both.shape[1] - 1
    smaller = min(n, m) / (n + m)
    pooled = both.sum(axis=0)
    own = pooled[:levels] * n / (n + m) >= cutoff + 4 * math.sqrt(cutoff)
    own &= pooled[:levels] * smaller >= MIN_EXPECTED
    rest = both[:, levels:].copy()
    home = np.asarray(homes or [0] * levels, dtype=int)
    for side in (0, 1):
        np.add.at(rest[side], home[~own], both[side, :levels][~own])
    filled = rest.sum(axis=0) * smaller >= MIN_EXPECTED
    cells, leftover = np.hstack([both[:, :levels][:, own], rest[:, filled]]), rest[:, ~filled].sum(axis=1)
    if leftover.sum() * smaller >= MIN_EXPECTED:
        cells = np.column_stack([cells, leftover])
    elif cells.shape[1]:
        cells[:, cells.sum(axis=0).argmin()] += leftover
    return cells[0], cells[1]
