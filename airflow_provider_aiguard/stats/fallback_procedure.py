"""Hypotheses tested in a fixed order, where a level that was used well goes on to the next.

Wiens, B. L. (2003). A fixed sequence Bonferroni procedure for testing multiple endpoints. *Pharmaceutical Statistics*
2(3), 211-215. The chance of any false rejection stays below delta, however the tests depend on each other. All weight
on the first hypothesis is the fixed-sequence test; equal weights are Bonferroni's that get better along the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def fallback_procedure(p_values: Sequence[float], weights: Sequence[float], delta: float) -> list[bool]:
    """Say which hypotheses are rejected.

    :param p_values: one for each hypothesis, in the order of testing, which must not depend on the data.
    :param weights: each one's own part of ``delta``; they add up to at most 1.
    :param delta: chance of any false rejection, in (0, 1).

    >>> fallback_procedure([0.03, 0.04, 0.2, 0.01], [1, 0, 0, 0], 0.05)
    [True, True, False, False]
    >>> fallback_procedure([0.03, 0.02, 0.04], [0.5, 0.5, 0], 0.05)
    [False, True, False]
    """
    rejected: list[bool] = []
    carried = 0.0
    for p, weight in zip(p_values, weights, strict=True):
        level = carried + weight * delta
        rejected.append(p <= level and level > 0)
        carried = level if rejected[-1] else 0.0
    return rejected
