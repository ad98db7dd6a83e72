"""The Wasserstein-1 distance of two samples, from counts on common cells.

del Barrio, E., Giné, E. and Matrán, C. (1999). Central limit theorems for the Wasserstein distance between the
empirical and the true distributions. *Annals of Probability* 27(2), 1009-1071: times the root of the sample size, it is
the integral of ``|B(F(x))|`` of a Brownian bridge B. Mean and variance of that integral are closed form, because they
need the bridge at two points only. A shifted gamma distribution of these moments, and of the skewness that the integral
has for uniform values, gives the p-value; of other values the skewness was seen to be less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincc, gammainccinv

from airflow_provider_aiguard.stats.sample_size import effective_size

if TYPE_CHECKING:
    from collections.abc import Sequence

SKEWNESS = 1.29
"""Of the integral of ``|B|`` over [0, 1], from the moments of Shepp, L. A. (1982), *Annals of Probability* 10(1)."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Wasserstein:
    """Result of the test.

    :param distance: area between the two distribution functions, in the unit of the values.
    :param p_value: by the gamma distribution that chance alone follows.
    :param effect: the distance without what chance alone would add.
    :param chance: start, shape and scale of that distribution.
    """

    distance: float
    p_value: float
    effect: float
    chance: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def critical(self, alpha: float) -> float:
        """Distance that chance alone exceeds with this probability.

        >>> round(wasserstein([0.0], [50, 50], [50, 50], low=-1.0, high=1.0).critical(0.05), 3)
        0.14
        """
        start, shape, scale = self.chance
        return start + float(gammainccinv(shape, alpha)) * scale if scale else 0.0


def wasserstein(
    edges: Sequence[float], reference: Sequence[float], current: Sequence[float], *, low: float, high: float
) -> Wasserstein:
    """Compare two samples counted on the same ordered cells.

    :param edges: upper borders of the cells but the last, ascending.
    :param reference: counts by cell, one more than edges.
    :param current: counts by the same cells.
    :param low: lowest value of both samples: where the first cell begins.
    :param high: highest value of both samples: where the last cell ends.
    :return: distance 0 and p-value 1 if a sample is empty.

    >>> result = wasserstein([0.0, 1.0], [500, 500, 0], [250, 500, 250], low=-1.0, high=2.0)
    >>> result.distance, result.p_value < 1e-6
    (0.5, True)
    >>> wasserstein([0.0], [0, 0], [3, 4], low=0.0, high=1.0).p_value
    1.0
    """
    ref, cur = (np.asarray(side, dtype=float) for side in (reference, current))
    n, m = float(ref.sum()), float(cur.sum())
    size = effective_size(n, m)
    if not size or not len(edges):
        return Wasserstein(distance=0.0, p_value=1.0, effect=0.0)
    widths = _widths(np.asarray(edges, dtype=float), low, high)
    distance = float(widths @ np.abs(np.cumsum(ref) / n - np.cumsum(cur) / m)[:-1])
    mean, variance = _moments(widths, np.cumsum(ref + cur)[:-1] / (n + m))
    mean, variance = mean / math.sqrt(size), variance / size
    if not variance:
        return Wasserstein(distance=distance, p_value=1.0, effect=0.0)
    sd = math.sqrt(variance)
    skewness = max(SKEWNESS, 2 * sd / mean)
    start, shape, scale = mean - 2 * sd / skewness, 4 / skewness**2, sd * skewness / 2
    return Wasserstein(
        distance=distance,
        p_value=float(gammaincc(shape, max(0.0, distance - start) / scale)),
        effect=math.sqrt(max(0.0, distance**2 - mean**2 - variance)),
        chance=(start, shape, scale),
    )


def _widths(edges: Numbers, low: float, high: float) -> Numbers:
    """By edge, the stretch of values for which the distribution functions at the edge stand."""
    around = np.concatenate([[min(low, edges[0])], edges, [max(high, edges[-1])]])
    widths: Numbers = (around[2:] - around[:-2]) / 2
    return widths


def _moments(widths: Numbers, shares: Numbers) -> tuple[float, float]:
    """Mean and variance of the weighted sum of ``|B|`` at these shares."""
    inside = (shares > 0) & (shares < 1)
    widths, shares = widths[inside], shares[inside]
    sd = np.sqrt(shares * (1 - shares))
    mean = math.sqrt(2 / math.pi) * float(widths @ sd)
    below, above = np.minimum.outer(shares, shares), np.maximum.outer(shares, shares)
    correlation = np.clip(np.sqrt(below * (1 - above) / (above * (1 - below))), 0.0, 1.0)
    shape = np.sqrt(1 - correlation**2) + correlation * np.arcsin(correlation) - 1
    weighted = widths * sd
    return mean, max(0.0, 2 / math.pi * float(weighted @ shape @ weighted))
