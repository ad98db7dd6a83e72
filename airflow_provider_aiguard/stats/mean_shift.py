"""Two means, without assuming that the spreads are equal.

Welch, B. L. (1947). The generalization of "Student's" problem when several different population variances are involved.
*Biometrika* 34(1-2), 28-35.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import stdtr

from airflow_provider_aiguard.stats.proportions import two_proportions


@dataclass(frozen=True)
class MeanShift:
    """Result of the test.

    :param shift: difference of the means in standard deviations of the reference; infinite if that has none.
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
    difference, variance = after - before, 0.0
    if min(n, m) < 2:
        return MeanShift(shift=0.0, p_value=1.0, effect=0.0, variance=math.inf)
    parts = sd**2 / n, current_sd**2 / m
    variance = sum(parts)
    shift = difference / sd if sd else math.copysign(math.inf, difference) if difference else 0.0
    if not variance:
        # Two constants. That all of one and none of the other differ is a question of shares.
        p_value = two_proportions(0, round(n), round(m), round(m)) if difference else 1.0
        return MeanShift(shift=shift, p_value=p_value, effect=abs(shift), variance=0.0)
    df = variance**2 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (m - 1))
    scaled = variance / sd**2 if sd else 0.0
    return MeanShift(
        shift=shift,
        p_value=min(1.0, 2 * float(stdtr(df, -abs(difference) / math.sqrt(variance)))),
        effect=math.sqrt(max(0.0, shift**2 - scaled)),
        variance=scaled,
    )
