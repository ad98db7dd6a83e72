"""An interval for a share that covers it at least as often as it says.

Clopper, C. and Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in the case of the binomial.
*Biometrika* 26(4), 404-413.
"""

from __future__ import annotations

from scipy.special import betaincinv


def clopper_pearson(hits: int, n: int, alpha: float = 0.05) -> tuple[float, float]:
    """Exact interval of a share, of coverage at least ``1 - alpha``.

    :param hits: how many of the n rows have the property.
    :param n: rows; 0 gives ``(0, 1)``.
    :param alpha: share of intervals that may miss, half on each side.

    >>> low, high = clopper_pearson(86, 100)
    >>> round(low, 4), round(high, 4)
    (0.7763, 0.9213)
    >>> clopper_pearson(0, 0)
    (0.0, 1.0)
    """
    low = float(betaincinv(hits, n - hits + 1, alpha / 2)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - alpha / 2)) if hits < n else 1.0
    return low, high
