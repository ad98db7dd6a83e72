"""Entropy of a categorical column, with an interval that reckons with values not seen.

Miller, G. (1955). Note on the bias of information estimates. In *Information Theory in Psychology*, 95-100: the entropy
of a sample lies below the truth by about (K - 1) / 2n. The interval is that of the delta method; it reaches from the
uncorrected estimate down, and from the corrected one up. Values not seen are reckoned with by the estimate of Chao, A.
(1984). Nonparametric estimation of the number of classes in a population. *Scandinavian Journal of Statistics* 11,
265-270. As Agresti and Coull do for a share, z**2 rows are spread over the values before the variance is taken: without
them a sample of one value would have none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from airflow_provider_aiguard.core.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Mapping


def entropy(frequencies: Mapping[int, int], classes: int | None = None, alpha: float = 0.05) -> Interval:
    """Entropy in bits.

    :param frequencies: how many values occur so many times.
    :param classes: how many values there can be, if that is known.
    :param alpha: share of intervals that may miss.
    :return: value corrected for bias, at least 0 and at most log2 of ``classes``; ``None`` without rows.

    >>> fair = entropy({500: 2})
    >>> round(fair.value, 3), round(fair.low, 3), round(fair.high, 3)
    (1.0, 0.998, 1.0)
    >>> stuck = entropy({1000: 1})
    >>> stuck.value, round(stuck.high, 3)
    (0.0, 0.045)
    """
    times = np.array(list(frequencies), dtype=float)
    levels = np.array(list(frequencies.values()), dtype=float)
    n, seen = float(times @ levels), float(levels.sum())
    if not n:
        return Interval(None, 0.0, math.log2(classes) if classes else math.inf)
    possible = max(2.0, seen, float(classes)) if classes else max(2.0, _chao(frequencies, seen))
    plain, _ = _moments(times, levels, n)
    z = float(ndtri(1 - alpha / 2))
    smooth, variance = _moments(*_spread(times, levels, z**2), n + z**2)
    reach = z * math.sqrt(variance / (n + z**2) + (possible - 1) / (2 * n**2))
    most = math.log(possible)
    low = min(plain, smooth, most) - reach
    high = max(plain + (possible - 1) / (2 * n), smooth) + reach
    value = min(most, plain + (seen - 1) / (2 * n))
    bits = (max(0.0, x) / math.log(2) for x in (value, low, min(most, high)))
    return Interval(*bits)


def _moments(times: np.ndarray, levels: np.ndarray, n: float) -> tuple[float, float]:
    """Mean and variance of -log p over the rows."""
    information = -np.log(times / n)
    weight = levels * times / n
    mean = float(weight @ information)
    return mean, max(0.0, float(weight @ information**2) - mean**2)


def _spread(times: np.ndarray, levels: np.ndarray, rows: float) -> tuple[np.ndarray, np.ndarray]:
    """Add rows, as many to each value; a sample of one value gets a second."""
    if levels.sum() == 1:
        return np.append(times + rows / 2, rows / 2), np.append(levels, 1.0)
    return times + rows / levels.sum(), levels


def _chao(frequencies: Mapping[int, int], seen: float) -> float:
    once, twice = frequencies.get(1, 0), frequencies.get(2, 0)
    return math.ceil(seen + once * (once - 1) / (2 * (twice + 1)))
