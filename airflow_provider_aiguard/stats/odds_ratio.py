"""Whether the dependence between two columns changed, from counts below and above their medians.

Woolf, B. (1955). On estimating the relation between blood group and disease. *Annals of Human Genetics* 19, 251-253:
the variance of an odds ratio's logarithm is the sum of the counts' inverses. Half a row is added to each count. As an
effect, Yule's coefficient of colligation: 0 if independent, 1 if one column says all about the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import ndtr


@dataclass(frozen=True)
class OddsRatio:
    """Result of the test.

    :param before: Yule's Y of the reference, from -1 to 1.
    :param after: Yule's Y of the current sample.
    :param p_value: two-sided, of "the odds ratio is the same".
    :param effect: size of the change of Y without what chance alone would add.
    :param logarithm: of the reference's odds ratio.
    :param variance: of the difference of the logarithms, by chance alone.
    """

    before: float
    after: float
    p_value: float
    effect: float
    logarithm: float
    variance: float


def odds_ratio(reference: Sequence[float], current: Sequence[float]) -> OddsRatio:
    """Compare the dependence in two samples.

    :param reference: rows with both low, first high only, second high only, both high.
    :param current: the same.

    >>> result = odds_ratio([300, 200, 200, 300], [250, 250, 250, 250])
    >>> round(result.before, 3), round(result.after, 3), f"{result.p_value:.1e}"
    (0.2, 0.0, '7.4e-06')
    """
    (before, noise), (after, current_noise) = _logarithm(reference), _logarithm(current)
    variance, change = noise + current_noise, yule(after) - yule(before)
    # A change of the logarithm by one changes Y by (1 - Y^2) / 4.
    chance = sum(((1 - yule(log) ** 2) / 4) ** 2 * v for log, v in ((before, noise), (after, current_noise)))
    return OddsRatio(
        before=yule(before),
        after=yule(after),
        p_value=min(1.0, 2 * float(ndtr(-abs(after - before) / math.sqrt(variance)))),
        effect=math.sqrt(max(0.0, change**2 - chance)),
        logarithm=before,
        variance=variance,
    )


def yule(logarithm: float) -> float:
    """Yule's Y of an odds ratio's logarithm.

    >>> round(yule(math.log(2.25)), 3)
    0.2
    """
    return math.tanh(logarithm / 4)


def _logarithm(counts: Sequence[float]) -> tuple[float, float]:
    neither, first, second, both = (n + 0.5 for n in counts)
    variance = sum(1 / n for n in (neither, first, second, both))
    return math.log(neither) + math.log(both) - math.log(first) - math.log(second), variance
