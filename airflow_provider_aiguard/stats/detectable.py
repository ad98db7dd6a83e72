"""The smallest change a test would see: known from the sizes of the samples, before looking.

Cohen, J. (1988). *Statistical Power Analysis for the Behavioral Sciences*, 2nd ed., ch. 6 and 7. For the
Kolmogorov-Smirnov distance: the critical value plus the .42 standard errors that give power .8 in the worst case.
"""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import chdtri, chndtrinc, kolmogi, ndtri

from airflow_provider_aiguard.stats.sample_size import effective_size

POWER = 0.8


def detectable_ks(n: float, m: float, alpha: float) -> float:
    """Smallest Kolmogorov-Smirnov distance found with power .8; 1 if a sample is empty.

    :param n: rows of the reference.
    :param m: rows of the current sample.
    :param alpha: level of this one test, family corrected.

    >>> round(detectable_ks(1_000, 1_000, 0.05 / 47), 3)
    0.106
    """
    size = effective_size(n, m)
    return min(1.0, (float(kolmogi(alpha)) + 0.42) / math.sqrt(size)) if size else 1.0


def detectable_tv(n: float, m: float, df: int, alpha: float) -> float:
    """Smallest total variation distance found with power .8 in the worst direction (w >= 2 TV); 1 if it cannot be.

    :param df: degrees of freedom of the chi-square test.

    >>> round(detectable_tv(1_000, 1_000, 9, 0.05 / 47), 3)
    0.12
    """
    size = effective_size(n, m)
    if not size or df < 1:
        return 1.0
    return min(1.0, math.sqrt(noncentrality(df, alpha) / size) / 2)


def noncentrality(df: int, alpha: float) -> float:
    """Non-centrality at which a chi-square test has power .8: the statistic's surplus over its degrees of freedom.

    :param df: degrees of freedom, at least 1.
    :param alpha: level of this one test, family corrected.

    >>> round(noncentrality(1, 0.05), 2)
    7.85
    """
    return float(chndtrinc(chdtri(df, alpha), df, 1 - POWER))


def detectable_shift(variance: float, alpha: float) -> float:
    """Smallest shift of a normal estimate found with power .8.

    :param variance: of the estimate.

    >>> round(detectable_shift(2 / 1_000, 0.05 / 47), 3)
    0.184
    """
    return float(ndtri(1 - alpha / 2) + ndtri(POWER)) * math.sqrt(variance)


def detectable_share(share: float, n: float, m: float, alpha: float) -> float:
    """Smallest rise of a share found with power .8; 1 if none is. The fall of a share p is the rise of 1 - p.

    :param share: the share in the reference.

    >>> round(detectable_share(0.02, 1_000, 1_000, 0.05 / 47), 3)
    0.035
    """
    if not n or not m or share >= 1:
        return 1.0
    z_alpha, z_power = float(ndtri(1 - alpha / 2)), float(ndtri(POWER))

    def excess(rise: float) -> float:
        after = share + rise
        pooled = (n * share + m * after) / (n + m)
        null = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
        return rise - z_alpha * null - z_power * math.sqrt(share * (1 - share) / n + after * (1 - after) / m)

    if excess(1 - share) <= 0:
        return 1.0
    return float(brentq(excess, 1e-12, 1 - share))


def shift_in_sd(distance: float) -> float:
    """Shift of a normal's mean, in standard deviations, that has this Kolmogorov-Smirnov distance.

    >>> round(shift_in_sd(0.106), 2)
    0.27
    """
    return 2 * float(ndtri((1 + min(distance, 1 - 1e-12)) / 2))
