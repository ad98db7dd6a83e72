"""Two proportions, exactly.

Fisher, R. A. (1935). The logic of inductive inference. *Journal of the Royal Statistical Society* 98(1), 39-82. The
two-sided p-value is twice the smaller tail: valid for every share and every number of rows. Where a thousand hits and
misses are expected on both sides, the normal tail with Yates' correction stands in: it agrees to a fifth of the p-value
down to 1e-4, and needs no sum over a million terms.
"""

from __future__ import annotations

import math

from scipy.special import ndtr
from scipy.stats import hypergeom

NORMAL_FROM = 1_000
"""Expected hits and misses on either side from which the normal tail is used."""


def more_in_second(k: int, n: int, l: int, m: int) -> float:  # noqa: E741  k of n, l of m
    """One-sided p-value of "the share in the second sample is not larger".

    :param k: hits among the n rows of the first sample.
    :param n: rows of the first sample.
    :param l: hits among the m rows of the second.
    :param m: rows of the second sample.

    >>> round(more_in_second(0, 10, 5, 10), 5)
    0.01625
    >>> round(more_in_second(20_000, 1_000_000, 20_600, 1_000_000), 5)
    0.00133
    """
    hits, rows = k + l, n + m
    if min(hits, rows - hits) * min(n, m) >= NORMAL_FROM * rows:
        variance = hits / rows * (1 - hits / rows) * n * m / (rows - 1)
        return float(ndtr((hits * m / rows - l + 0.5) / math.sqrt(variance)))
    # Hypergeometric either way; the fewer of hits and misses are drawn, because the sum is as long as the draw.
    if hits <= rows - hits:
        return min(1.0, float(hypergeom.sf(l - 1, rows, m, hits)))
    return min(1.0, float(hypergeom.cdf(m - l, rows, m, rows - hits)))


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
