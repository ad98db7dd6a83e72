"""Interval of any statistic of rows, by drawing the rows again.

Efron, B. (1987). Better bootstrap confidence intervals. *Journal of the American Statistical Association* 82(397),
171-185 ("BCa"). The acceleration comes from a jackknife over groups of rows. The levels are widened as Hesterberg, T.
(2015), *The American Statistician* 69(4), 371-386, does, because a resample varies less than a sample. It is
approximate: it needs two hundred rows and more, and a statistic that is smooth in them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, stdtrit

from airflow_provider_aiguard.core.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Callable

GROUPS = 50
"""Groups of the jackknife."""

Rows = npt.NDArray[np.int64]


def bootstrap(
    statistic: Callable[[Rows], float], n: int, *, alpha: float = 0.05, resamples: int = 999, seed: int = 0
) -> Interval:
    """Interval of a statistic.

    :param statistic: its value for these rows, given as indices from 0 to n - 1. What is not finite is left out.
    :param n: rows.
    :param alpha: share of intervals that may miss.
    :param resamples: how often rows are drawn.
    :param seed: of the random numbers: the same rows give the same interval.
    :return: value ``None`` and no limits if the statistic has no finite value.

    >>> x = np.random.default_rng(1).normal(size=400)
    >>> interval = bootstrap(lambda rows: float(x[rows].mean()), len(x))
    >>> round(interval.low, 1), round(interval.high, 1)
    (-0.2, 0.0)
    """
    everything = np.arange(n)
    value = statistic(everything) if n else math.nan
    if not math.isfinite(value):
        return Interval(None, -math.inf, math.inf)
    rng = np.random.default_rng(seed)
    drawn = np.array([statistic(rng.integers(0, n, n)) for _ in range(resamples)])
    drawn = np.sort(drawn[np.isfinite(drawn)])
    if not len(drawn) or drawn[0] == drawn[-1]:
        return Interval(value, value, value)
    below = (np.count_nonzero(drawn < value) + np.count_nonzero(drawn == value) / 2) / len(drawn)
    shift = float(ndtri(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn))))
    bend = _acceleration(statistic, everything)
    z = math.sqrt(n / (n - 1)) * float(stdtrit(n - 1, 1 - alpha / 2))
    low, high = (float(np.quantile(drawn, _level(side, shift, bend))) for side in (-z, z))
    return Interval(value, low, high)


def _level(z: float, shift: float, bend: float) -> float:
    return float(ndtr(shift + (shift + z) / (1 - bend * (shift + z))))


def _acceleration(statistic: Callable[[Rows], float], rows: Rows) -> float:
    groups = min(GROUPS, len(rows))
    left = np.array([statistic(rows[rows % groups != g]) for g in range(groups)] if groups > 1 else [0.0])
    left = left[np.isfinite(left)]
    away = left.mean() - left if len(left) else left
    spread = float((away**2).sum())
    return float((away**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
