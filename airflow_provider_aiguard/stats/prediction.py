"""Whether one more batch is like those before it, wobble between batches included.

Student's prediction interval: Hahn, G. J. (1969). Factors for calculating two-sided prediction intervals for samples
from a normal distribution. *Journal of the American Statistical Association* 64, 878-888. The spread between batches is
never taken to be smaller than the rows of a batch allow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

from airflow_provider_aiguard.stats.detectable import POWER


@dataclass(frozen=True)
class Prediction:
    """Result of the test.

    :param shift: the new batch's value less the mean of those before it.
    :param p_value: two-sided.
    :param effect: size of the shift without what the finite number of rows adds.
    :param between: standard deviation between batches, that of the rows taken off.
    :param error: standard error of ``shift``, wobble included.
    :param df: degrees of freedom.
    """

    shift: float
    p_value: float
    effect: float
    between: float
    error: float
    df: int

    def detectable(self, alpha: float) -> float:
        """Smallest shift found with power .8; infinite if none is.

        :param alpha: level of this one test, family corrected.

        >>> batches = [(10.0 + i % 2, 0.01) for i in range(8)]
        >>> round(predict(batches, (10.5, 0.01)).detectable(0.05 / 90), 2)
        3.9
        """
        if self.df < 1:
            return math.inf
        return float(stdtrit(self.df, 1 - alpha / 2) + stdtrit(self.df, POWER)) * self.error


def predict(batches: Sequence[tuple[float, float]], current: tuple[float, float]) -> Prediction:
    """Compare a batch with those before it.

    :param batches: value and sampling variance of each.
    :param current: value and sampling variance of the new one.
    :return: p-value 1 if there are fewer than two batches, or nothing varies.

    >>> result = predict([(0.0, 0.01), (0.4, 0.01), (-0.4, 0.01), (0.2, 0.01), (-0.2, 0.01)], (2.0, 0.01))
    >>> round(result.between, 2), round(result.p_value, 4)
    (0.3, 0.0045)
    """
    k, (value, noise) = len(batches), current
    if k < 2:
        return Prediction(shift=0.0, p_value=1.0, effect=0.0, between=0.0, error=math.inf, df=0)
    mean = math.fsum(y for y, _ in batches) / k
    seen = math.fsum((y - mean) ** 2 for y, _ in batches) / (k - 1)
    sampling = math.fsum(v for _, v in batches) / k
    # A batch of fewer rows than those before it wobbles more.
    variance = max(seen, sampling) * (1 + 1 / k) + max(0.0, noise - sampling)
    shift, error = value - mean, math.sqrt(variance)
    alike = 1.0 if not shift else 0.0
    return Prediction(
        shift=shift,
        p_value=min(1.0, 2 * float(stdtr(k - 1, -abs(shift) / error))) if error else alike,
        effect=math.sqrt(max(0.0, shift**2 - noise - sampling / k)),
        between=math.sqrt(max(0.0, seen - sampling)),
        error=error,
        df=k - 1,
    )
