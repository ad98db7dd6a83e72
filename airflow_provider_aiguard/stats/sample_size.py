"""How much two samples together can say.

Kish, L. (1965). *Survey Sampling*. Wiley: the precision of a difference is that of two halves of this size.
"""

from __future__ import annotations


def effective_size(n: float, m: float) -> float:
    """Rows that count when n rows are compared with m: ``n m / (n + m)``, 0 if either is empty.

    >>> effective_size(10_000, 10_000)
    5000.0
    >>> effective_size(0, 10_000)
    0.0
    """
    return n * m / (n + m) if n > 0 and m > 0 else 0.0
