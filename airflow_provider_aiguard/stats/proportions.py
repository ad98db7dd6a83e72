"""Two proportions, exactly.

Fisher, R. A. (1935). The logic of inductive inference. *Journal of the Royal Statistical Society* 98(1), 39-82. The
two-sided p-value is twice the smaller tail: valid for every share and every number of rows.
"""

from __future__ import annotations

from scipy.stats import hypergeom


def more_in_second(k: int, n: int, l: int, m: int) -> float:  # noqa: E741  k of n, l of m
    """One-sided p-value of "the share in the second sample is not larger".

    :param k: hits among the n rows of the first sample.
    :param n: rows of the first sample.
    :param l: hits among the m rows of the second.
    :param m: rows of the second sample.

    >>> round(more_in_second(0, 10, 5, 10), 5)
    0.01625
    """
    return min(1.0, float(hypergeom.sf(l - 1, n + m, k + l, m)))


def two_proportions(k: int, n: int, l: int, m: int) -> float:  # noqa: E741
    """Two-sided p-value of "k of n and l of m have the same share"; 1 if a sample is empty.

    >>> round(two_proportions(20, 1_000, 40, 1_000), 4)
    0.0121
    >>> two_proportions(0, 0, 3, 4)
    1.0
    """
    if not n or not m:
        return 1.0
    return min(1.0, 2 * min(more_in_second(k, n, l, m), more_in_second(l, m, k, n)))
