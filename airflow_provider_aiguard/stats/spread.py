"""Two spreads, whatever the shape of the distribution.

Layard, M. W. J. (1973). Robust large-sample tests for homogeneity of variances. *Journal of the American Statistical
Association* 68, 195-198: the logarithm of a standard deviation has the variance ``(kurtosis - 1) / 4n``. Values beyond
the reference's 0.5 % and 99.5 % quantiles count as these quantiles: the kurtosis of a heavy tail has no estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

TRIMMED = 0.005
"""Share of the reference beyond either border."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Result of the test.

    :param shift: logarithm of the current standard deviation over the reference's; 0 if either has none.
    :param p_value: two-sided; 1 if either sample does not vary.
    :param effect: size of the shift without what chance alone would add.
    :param variance: of ``shift``, by chance alone; infinite if either sample does not vary.
    """

    shift: float
    p_value: float
    effect: float
    variance: float


def spread(edges: Sequence[float], reference: Sequence[float], current: Sequence[float]) -> Spread:
    """Compare two samples counted on the same ordered cells.

    :param edges: upper borders of the cells but the last, ascending.
    :param reference: counts by cell, one more than edges.
    :param current: counts by the same cells.

    >>> edges = [i / 4 for i in range(-8, 9)]
    >>> narrow, wide = [10] * 18, [20] * 3 + [5] * 12 + [20] * 3
    >>> result = spread(edges, narrow, wide)
    >>> round(result.shift, 2), result.p_value < 1e-6
    (0.22, True)
    >>> spread([0.0], [0, 10], [0, 12]).variance
    inf
    """
    values = centres(edges, reference)
    before, after = log_sd(values, reference), log_sd(values, current)
    if before is None or after is None:
        return Spread(shift=0.0, p_value=1.0, effect=0.0, variance=math.inf)
    shift, variance = after[0] - before[0], before[1] + after[1]
    p_value = min(1.0, 2 * float(ndtr(-abs(shift) / math.sqrt(variance)))) if variance else 1.0
    return Spread(shift=shift, p_value=p_value, effect=math.sqrt(max(0.0, shift**2 - variance)), variance=variance)


def centres(edges: Sequence[float], reference: Sequence[float]) -> Numbers:
    """One value for each cell, none beyond the reference's outer quantiles.

    >>> centres([0.0, 1.0, 2.0], [0, 50, 50, 0]).tolist()
    [0.0, 0.5, 1.5, 2.0]
    """
    if not len(edges):
        return np.zeros(1)
    borders, ref = np.asarray(edges, dtype=float), np.asarray(reference, dtype=float)
    values = np.concatenate([borders[:1], borders[:-1] / 2 + borders[1:] / 2, borders[-1:]])
    if not ref.sum():
        return values
    shares = np.cumsum(ref) / ref.sum()
    low, high = np.searchsorted(shares, [TRIMMED, 1 - TRIMMED])
    clipped: Numbers = np.clip(values, borders[max(low - 1, 0)], borders[min(high, len(borders) - 1)])
    return clipped


def log_sd(values: Numbers, counts: Sequence[float]) -> tuple[float, float] | None:
    """Logarithm of the standard deviation, and its variance; ``None`` if the sample does not vary.

    :param values: one value for each cell.
    :param counts: rows by cell.

    >>> result = log_sd(np.array([-1.0, 0.0, 1.0]), [1_000, 2_000, 1_000])
    >>> result is not None and [round(x, 5) for x in result]
    [-0.34657, 6e-05]
    """
    weights = np.asarray(counts, dtype=float)
    n = float(weights.sum())
    if n <= 1:
        return None
    # In units of half the widest distance, so that no square or fourth power overflows.
    used = values[weights > 0] / 2
    unit = float(used.max() - used.min())
    if not unit or not math.isfinite(unit):
        return None
    from_mean = values / unit - float(weights @ (values / unit)) / n
    square = float(weights @ from_mean**2) / n
    if not square:
        return None
    kurtosis = float(weights @ from_mean**4) / n / square**2
    # A kurtosis of 1 (two equal halves) would promise certainty; next to it the variance is of the second order.
    return math.log(square) / 2 + math.log(unit), (max(kurtosis - 1, 2 / n)) / (4 * n)
