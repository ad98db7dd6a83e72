"""Errors of a numeric prediction from the sums of their powers, each with an interval.

They are means of the absolute, the squared and the plain errors: :mod:`.mean_interval` has the interval, which the
skewness of absolute and squared errors does not mislead. Willmott, C. and Matsuura, K. (2005), *Climate
Research* 30, 79-82, on which of them to prefer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.stats.mean_interval import mean_interval

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.evidence import ErrorSums


def mean_absolute_error(errors: ErrorSums, alpha: float = 0.05) -> Interval:
    """Mean of the absolute errors, in the column's unit.

    >>> from airflow_provider_aiguard.core.evidence import ErrorSums
    >>> ones = ErrorSums.of([1, -1, 1, -1])
    >>> mean_absolute_error(ones).value
    1.0
    """
    found = _mean(errors.n, errors.absolute, errors.squares, errors.absolute_cubes, alpha)
    return Interval(found.value, max(0.0, found.low), found.high)


def root_mean_squared_error(errors: ErrorSums, alpha: float = 0.05) -> Interval:
    """Square root of the mean squared error, in the column's unit.

    >>> from airflow_provider_aiguard.core.evidence import ErrorSums
    >>> twos = ErrorSums.of([2, -2])
    >>> root_mean_squared_error(twos).value
    2.0
    """
    found = _mean(errors.n, errors.squares, errors.fourths, errors.sixths, alpha)
    value = None if found.value is None else math.sqrt(found.value)
    return Interval(value, math.sqrt(max(0.0, found.low)), math.sqrt(max(0.0, found.high)))


def bias(errors: ErrorSums, alpha: float = 0.05) -> Interval:
    """Mean error, claim minus truth, in the column's unit.

    >>> from airflow_provider_aiguard.core.evidence import ErrorSums
    >>> up = ErrorSums.of([1, 1])
    >>> bias(up).value
    1.0
    """
    return _mean(errors.n, errors.total, errors.squares, errors.cubes, alpha)


def _mean(n: int, first: float, second: float, third: float, alpha: float) -> Interval:
    scale = max(1, n)
    return mean_interval(n, first / scale, second / scale, third / scale, alpha)
