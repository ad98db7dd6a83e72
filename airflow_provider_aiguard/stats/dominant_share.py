"""Share of the most frequent value, with an interval that knows it was picked for being the most frequent.

Clopper, C. and Pearson, E. S. (1934) for one share; Bonferroni's inequality over the values for the lower end, since
the largest of many counts is large by luck. The upper end needs none: the value that is truly most frequent was counted
at most as often.
"""

from __future__ import annotations

from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson


def dominant_share(most: int, n: int, levels: int, alpha: float = 0.05) -> Interval:
    """Interval of the largest share.

    :param most: rows with the most frequent value.
    :param n: rows.
    :param levels: different values seen.
    :param alpha: share of intervals that may miss, half on each side.

    >>> share = dominant_share(60, 100, 2)
    >>> share.value, round(share.low, 3), round(share.high, 3)
    (0.6, 0.483, 0.697)
    >>> dominant_share(0, 0, 0)
    Interval(value=None, low=0.0, high=1.0)
    """
    low, _ = clopper_pearson(most, n, alpha / max(1, levels))
    _, high = clopper_pearson(most, n, alpha)
    return Interval(most / n if n else None, low, high)
