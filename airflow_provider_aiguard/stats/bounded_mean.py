"""An interval for the mean of numbers in [0, 1], such as a Brier score.

Agresti, A. and Coull, B. (1998). Approximate is better than "exact" for interval estimation of binomial proportions.
*The American Statistician* 52(2), 119-126: half of z**2 numbers at 0 and at 1 are added before the normal interval is
made. It holds where errors are so rare that few samples have one: of 100 claims that are right 99 % of the time,
Student's interval covers their Brier score in 63 % of samples. Student's in turn is the one that does not blame too
often. The interval here reaches as far as either.
"""

from __future__ import annotations

import math

from scipy.special import ndtri, stdtrit

from airflow_provider_aiguard.core.interval import Interval


def bounded_mean(n: int, total: float, squares: float, alpha: float = 0.05) -> Interval:
    """Interval of the mean of numbers in [0, 1].

    :param n: numbers; 0 gives ``(0, 1)``.
    :param total: their sum.
    :param squares: sum of their squares.
    :param alpha: share of intervals that may miss.

    >>> interval = bounded_mean(100, 0.01, 0.000001)  # a hundred claims of 0.99, all right
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.0, 0.0445)
    >>> bounded_mean(0, 0.0, 0.0)
    Interval(value=None, low=0.0, high=1.0)
    """
    if not n:
        return Interval(None, 0.0, 1.0)
    mean = total / n
    z = float(ndtri(1 - alpha / 2))
    more = n + z**2
    centre = (total + z**2 / 2) / more
    reach = z * math.sqrt(max(0.0, (squares + z**2 / 2) / more - centre**2) / more)
    spread = math.sqrt(max(0.0, squares / n - mean**2) / max(1, n - 1))
    student = float(stdtrit(max(1, n - 1), 1 - alpha / 2)) * spread
    low, high = min(centre - reach, mean - student), max(centre + reach, mean + student)
    return Interval(mean, max(0.0, low), min(1.0, high))
