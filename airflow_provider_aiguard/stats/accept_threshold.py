"""The lowest confidence from which claims can be accepted without asking anybody else, with a bound that holds.

Angelopoulos, A. N., Bates, S., Candès, E. J., Jordan, M. I. and Lei, L. (2021). Learn then test: calibrating predictive
algorithms to achieve risk control. arXiv:2110.01052. Each threshold of a grid that was fixed beforehand is a
hypothesis, "its error is above alpha", with an exact binomial p-value; the hypotheses are tested from the highest
threshold down with family-wise control (:mod:`~airflow_provider_aiguard.stats.fallback_procedure`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.special import bdtr

from airflow_provider_aiguard.stats.fallback_procedure import fallback_procedure

if TYPE_CHECKING:
    from collections.abc import Sequence

MANY = 100_000_000
"""Rows that nobody labels."""


@dataclass(frozen=True)
class Tested:
    """What was seen at one threshold.

    :param n: rows that count.
    :param bad: those of them that break the promise.
    """

    n: int
    bad: int


def lowest_certified(seen: Sequence[Tested], weights: Sequence[float], *, alpha: float, delta: float) -> int | None:
    """Give the position of the lowest threshold whose error is at most alpha, with probability 1 - delta.

    :param seen: what was seen at each threshold, from the highest to the lowest.
    :param weights: each threshold's own part of ``delta``; see :func:`fallback_procedure`.
    :param alpha: largest share of bad rows, in (0, 1).
    :param delta: chance that the bound does not hold, over the draw of the labelled rows.
    :return: ``None`` if no threshold can be certified.

    >>> lowest_certified([Tested(500, 0), Tested(500, 1), Tested(500, 9)], [1, 0, 0], alpha=0.01, delta=0.05)
    1
    """
    p_values = [float(bdtr(one.bad, one.n, alpha)) if one.n else 1.0 for one in seen]
    certified = fallback_procedure(p_values, weights, delta)
    return max((i for i, yes in enumerate(certified) if yes), default=None)


def rows_needed(rate: float, *, alpha: float, level: float) -> int | None:
    """Say about how many rows that count would certify a threshold, if they were as bad as those seen.

    :param rate: share of bad rows seen.
    :param alpha: largest share allowed.
    :param level: the threshold's own part of delta.
    :return: ``None`` if no number would.

    >>> rows_needed(0.0, alpha=0.05, level=0.05), rows_needed(0.02, alpha=0.05, level=0.05)
    (59, 181)
    >>> rows_needed(0.05, alpha=0.05, level=0.05)
    """
    if rate >= alpha:
        return None
    few, enough = 0, 1
    while bdtr(math.ceil(rate * enough), enough, alpha) > level:
        few, enough = enough, enough * 2
        if enough > MANY:
            return None
    while enough - few > 1:
        middle = (few + enough) // 2
        if bdtr(math.ceil(rate * middle), middle, alpha) <= level:
            enough = middle
        else:
            few = middle
    return enough
