"""The two-sample Kolmogorov-Smirnov test, from counts on common cells.

Smirnov, N. (1948). Table for estimating the goodness of fit of empirical distributions. *Annals of Mathematical
Statistics* 19(2), 279-281. Seen through cells the distance can only be smaller, and with ties the p-value only larger:
both err towards silence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import kolmogorov

from airflow_provider_aiguard.stats.sample_size import effective_size

if TYPE_CHECKING:
    from collections.abc import Sequence

NULL_SQUARE = math.pi**2 / 12
"""Expected square of the Kolmogorov distribution: what chance alone adds to ``n_eff * distance ** 2``."""


@dataclass(frozen=True)
class KolmogorovSmirnov:
    """Result of the test.

    :param distance: largest difference of the two distribution functions, in [0, 1].
    :param p_value: asymptotic, two-sided.
    :param effect: the distance without what chance alone would add.
    """

    distance: float
    p_value: float
    effect: float


def kolmogorov_smirnov(reference: Sequence[float], current: Sequence[float]) -> KolmogorovSmirnov:
    """Compare two samples counted on the same ordered cells.

    :param reference: counts by cell.
    :param current: counts by the same cells.
    :return: distance 0 and p-value 1 if a sample is empty.

    >>> kolmogorov_smirnov([50, 50, 0], [25, 50, 25]).distance
    0.25
    >>> round(kolmogorov_smirnov([50, 50, 0], [25, 50, 25]).p_value, 4)
    0.0039
    >>> kolmogorov_smirnov([0, 0], [3, 4])
    KolmogorovSmirnov(distance=0.0, p_value=1.0, effect=0.0)
    """
    n, m = sum(reference), sum(current)
    size = effective_size(n, m)
    if not size:
        return KolmogorovSmirnov(distance=0.0, p_value=1.0, effect=0.0)
    distance = float(np.max(np.abs(np.cumsum(reference) / n - np.cumsum(current) / m)))
    effect = math.sqrt(max(0.0, distance**2 - NULL_SQUARE / size))
    return KolmogorovSmirnov(distance=distance, p_value=float(kolmogorov(math.sqrt(size) * distance)), effect=effect)
