"""An interval for the mean of skewed numbers, such as absolute or squared errors.

Hall, P. (1992). On the removal of skewness by transformation. *Journal of the Royal Statistical Society B* 54(1),
221-228. Student's t takes the place of the normal quantile. Of squared normal errors, 30 of them, Student's interval
covers the mean in 91 % of samples, Hall's in 95 %; of symmetric ones with heavy tails, Student's does better. The
interval here reaches as far as either.
"""

from __future__ import annotations

import math

from scipy.special import cbrt, stdtrit

from airflow_provider_aiguard.core.interval import Interval

_SYMMETRIC = 1e-9


def mean_interval(n: int, first: float, second: float, third: float | None, alpha: float = 0.05) -> Interval:
    """Interval of a mean from raw moments.

    :param n: numbers seen; with fewer than two, or none that differ, the interval is the mean itself or everything.
    :param first: mean of x.
    :param second: mean of x**2.
    :param third: mean of x**3; ``None`` for numbers that are known to be symmetric: Student's interval.
    :param alpha: share of intervals that may miss.

    >>> interval = mean_interval(100, 1.0, 2.0, 6.0)  # exponential
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.801, 1.239)
    >>> mean_interval(1, 1.0, 1.0, 1.0).high
    inf
    """
    if n < 2:
        return Interval(first if n else None, -math.inf, math.inf)
    variance = second - first**2
    # What is left of a constant is rounding.
    if variance <= 1e-14 * second:
        return Interval(first, first, first)
    skewness = 0.0 if third is None else (third - 3 * first * second + 2 * first**3) / variance**1.5
    t = float(stdtrit(n - 1, 1 - alpha / 2))
    error = math.sqrt(variance / (n - 1))
    up, down = max(t, _hall(t, skewness, n)), min(-t, _hall(-t, skewness, n))
    return Interval(first, first - error * up, first - error * down)


def _hall(t: float, skewness: float, n: int) -> float:
    """Quantile of the studentised mean of skewed numbers that is at ``t`` for symmetric ones."""
    root = math.sqrt(n)
    if abs(skewness) < _SYMMETRIC:
        return t
    inner = 1 + skewness * (t / root - skewness / (6 * n))
    return float(3 * root / skewness * (cbrt(inner) - 1))
