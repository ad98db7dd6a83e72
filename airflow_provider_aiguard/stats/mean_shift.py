"""Two means, without assuming that the spreads are equal.

Welch, B. L. (1947). The generalization of "Student's" problem when several different population variances are involved.
*Biometrika* 34(1-2), 28-35. Where the smaller sample has few of what makes the mean (a rare event, a long tail), it
underestimates its own spread just when its mean is off; the pooled variance of Student (1908). The probable error of a
mean. *Biometrika* 6(1), 1-25, knows better. The p-value is the larger of the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import stdtr

from airflow_provider_aiguard.stats.proportions import two_proportions

LARGEST = 1e140
"""Shifts and ratios beyond this count as this: their squares still are numbers."""


@dataclass(frozen=True)
class MeanShift:
    """Result of the test.

    :param shift: difference of the means in standard deviations of the reference; if that has none, of the current
        sample; infinite if neither has.
    :param p_value: two-sided.
    :param effect: size of the shift without what chance alone would add.
    :param variance: of ``shift``, by chance alone.
    """

    shift: float
    p_value: float
    effect: float
    variance: float


def mean_shift(reference: tuple[float, float, float], current: tuple[float, float, float]) -> MeanShift:
    """Compare two samples by their moments.

    :param reference: rows, mean, standard deviation.
    :param current: the same.
    :return: p-value 1 if a sample has fewer than two rows: nothing is known of its spread.

    >>> result = mean_shift((1_000, 10.0, 2.0), (1_000, 10.5, 2.0))
    >>> round(result.shift, 3), round(result.effect, 3), f"{result.p_value:.0e}"
    (0.25, 0.246, '3e-08')
    >>> mean_shift((1, 5.0, 0.0), (1, 6.0, 0.0)).p_value
    1.0
    """
    (n, before, sd), (m, after, current_sd) = reference, current
    if min(n, m) < 2:
        return MeanShift(shift=0.0, p_value=1.0, effect=0.0, variance=math.inf)
    if not sd:
        return _of_a_constant(n, m, after - before, current_sd)
    # In units of the reference, so that no square over- or underflows.
    shift = min(max((after - before) / sd, -LARGEST), LARGEST)
    times = min(current_sd / sd, LARGEST) ** 2
    variance = 1 / n + times / m
    own = 1 / n / variance
    df = 1 / (own**2 / (n - 1) + (1 - own) ** 2 / (m - 1))
    pooled = (n + m * times) / (n + m - 2) * (1 / n + 1 / m)
    tests = ((df, variance), (n + m - 2, pooled))
    return MeanShift(
        shift=shift,
        p_value=min(1.0, max(2 * float(stdtr(free, -abs(shift) / math.sqrt(v))) for free, v in tests)),
        effect=math.sqrt(max(0.0, shift**2 - variance)),
        variance=variance,
    )


def _of_a_constant(n: float, m: float, difference: float, current_sd: float) -> MeanShift:
    """Compare with a sample of one value: it has no spread, and how many rows have another is a question of shares.

    By Cauchy and Schwarz a mean moves by so many standard deviations only if this share of the rows moved, or more.
    """
    if not difference:
        return MeanShift(shift=0.0, p_value=1.0, effect=0.0, variance=1 / m)
    if not current_sd:
        p_value, shift = two_proportions(0, round(n), round(m), round(m)), math.copysign(math.inf, difference)
        return MeanShift(shift=shift, p_value=p_value, effect=math.inf, variance=1 / m)
    shift = min(max(difference / current_sd, -LARGEST), LARGEST)
    moved = shift**2 / (1 + shift**2)
    return MeanShift(
        shift=shift,
        p_value=two_proportions(0, round(n), round(moved * m), round(m)),
        effect=math.sqrt(max(0.0, shift**2 - 1 / m)),
        variance=1 / m,
    )
