"""By how much clusters inflate a variance, when the clusters that say so are few.

Korn, E. L. and Graubard, B. I. (1990). Simultaneous testing of regression coefficients with complex survey data: use of
Bonferroni t statistics. *The American Statistician* 44(4), 270-276: a variance estimated from G clusters calls for
Student's t with G - 1 degrees of freedom where the normal distribution would stand.
"""

from __future__ import annotations

from scipy.special import ndtri, stdtrit

TAIL = 0.0005
"""One-sided level at which the two are made equal: that of one test among some fifty."""


def widened(design_effect: float, clusters: int | None) -> float:
    """Design effect to count with, at least 1.

    :param design_effect: as estimated.
    :param clusters: the clusters it was estimated from, at least 2; ``None`` if it was declared.

    >>> widened(3.0, None)
    3.0
    >>> round(widened(3.0, 20), 2), round(widened(3.0, 1_000), 2), widened(0.7, 1_000)
    (4.18, 3.02, 1.0)
    """
    if clusters is None or design_effect <= 1:
        return max(1.0, design_effect)
    return design_effect * float(stdtrit(clusters - 1, 1 - TAIL) / ndtri(1 - TAIL)) ** 2
