"""How far two rankings agree, counting only what is known of them.

Kendall, M. G. (1938). A new measure of rank correlation. *Biometrika* 30, 81-93. Both rankings are of means that are
known from replicates only: the order of two items is *decided* if the t-interval of their difference leaves out 0, all
pairs of a ranking together at half of ``alpha`` (Bonferroni; Dunn, O. J. (1961). *Journal of the American Statistical
Association* 56, 52-64). Items that are nothing but noise have random ranks, which no plain rank correlation forgives:
tau is therefore over the pairs that are decided in the reference. A pair that the current ranking leaves undecided may
lie either way, so it belongs to both ends of the interval, which covers the true tau of those pairs with probability
``1 - alpha``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class RankCorrelation:
    """Result over the pairs that are decided in the reference.

    :param tau: Kendall's tau of the means, in [-1, 1]; 0 if there are no such pairs.
    :param low: lower end of its interval.
    :param high: its upper end.
    :param pairs: how many such pairs there are.
    :param reversed: how many of them are decided the other way round in the current ranking.
    """

    tau: float
    low: float
    high: float
    pairs: int
    reversed: int


def rank_correlation(
    reference: Sequence[Sequence[float]], current: Sequence[Sequence[float]], alpha: float = 0.05
) -> RankCorrelation:
    """Compare two rankings of the same items.

    :param reference: for each item its replicates, independent of each other, two or more; replicate i of all items
        comes from the same draw.
    :param current: the same items in the same order; it may have another number of replicates.
    :param alpha: share of intervals that may miss.

    >>> up = [[1.0, 1.1, 0.9], [2.0, 2.1, 1.9], [3.0, 3.1, 2.8]]
    >>> rank_correlation(up, up)
    RankCorrelation(tau=1.0, low=1.0, high=1.0, pairs=3, reversed=0)
    >>> rank_correlation(up, up[::-1]).high
    -1.0
    >>> rank_correlation(up, [[0.0, 9.0, -9.0]] * 3)
    RankCorrelation(tau=0.0, low=-1.0, high=1.0, pairs=3, reversed=0)
    >>> rank_correlation([[1.0, 1.0]], [[1.0, 1.0]]).pairs
    0
    """
    before, now = np.asarray(reference, dtype=float), np.asarray(current, dtype=float)
    first, second = np.triu_indices(len(before), k=1)
    known = _decided(before, first, second, alpha / 2)
    kept = np.flatnonzero(known)
    pairs = len(kept)
    if not pairs:
        return RankCorrelation(tau=0.0, low=-1.0, high=1.0, pairs=0, reversed=0)
    order, first, second = known[kept], first[kept], second[kept]
    decided = order * _decided(now, first, second, alpha / 2)
    means = now.mean(axis=1)
    kept_up, turned = int((decided > 0).sum()), int((decided < 0).sum())
    tau = float((order * np.sign(means[first] - means[second])).sum()) / pairs
    return RankCorrelation(
        tau=tau, low=(2 * kept_up - pairs) / pairs, high=(pairs - 2 * turned) / pairs, pairs=pairs, reversed=turned
    )


def _decided(values: NDArray[Any], first: NDArray[Any], second: NDArray[Any], alpha: float) -> NDArray[Any]:
    """For each pair the sign of its difference, 0 if it is not decided."""
    if not len(first):
        return np.zeros(0)
    differences = values[first] - values[second]
    n = differences.shape[1]
    reach = float(stdtrit(n - 1, 1 - alpha / (2 * len(first)))) * differences.std(axis=1, ddof=1) / math.sqrt(n)
    means = differences.mean(axis=1)
    return np.where(np.abs(means) > reach, np.sign(means), 0.0)
