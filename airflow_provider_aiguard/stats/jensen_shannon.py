"""The Jensen-Shannon divergence, without the part that chance alone adds.

Lin, J. (1991). Divergence measures based on the Shannon entropy. *IEEE Transactions on Information Theory* 37(1),
145-151. Weighted by the sizes of the samples it is the statistic of the G-test over ``2 (n + m)``, whence the p-value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, rel_entr

from airflow_provider_aiguard.stats.sample_size import effective_size

if TYPE_CHECKING:
    from collections.abc import Sequence

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class JensenShannon:
    """Result of the test.

    :param divergence: in nats, from 0 to log 2, as seen.
    :param df: degrees of freedom; 0 if there was nothing to compare.
    :param p_value: of the G-test.
    :param effect: the divergence without what chance alone would add.
    """

    divergence: float
    df: int
    p_value: float
    effect: float


def jensen_shannon(reference: Sequence[float], current: Sequence[float]) -> JensenShannon:
    """Compare two samples counted on the same cells.

    :param reference: counts by cell; a handful in each, or the p-value is too small.
    :param current: counts by the same cells.
    :return: divergence 0 and p-value 1 if a sample is empty.

    >>> result = jensen_shannon([500, 500], [600, 400])
    >>> round(result.divergence, 5), round(result.effect, 5), f"{result.p_value:.1e}"
    (0.00506, 0.00481, '6.8e-06')
    >>> jensen_shannon([0, 0], [3, 4]).p_value
    1.0
    """
    ref, cur = (np.asarray(side, dtype=float) for side in (reference, current))
    used = ref + cur > 0
    n, m, df = float(ref.sum()), float(cur.sum()), int(used.sum()) - 1
    size = effective_size(n, m)
    if not size or df < 1:
        return JensenShannon(divergence=0.0, df=0, p_value=1.0, effect=0.0)
    p, q = ref[used] / n, cur[used] / m
    statistic = 2 * (n + m) * _divergence(p, q, n / (n + m))
    divergence = _divergence(p, q, 0.5)
    return JensenShannon(
        divergence=divergence,
        df=df,
        p_value=float(chdtrc(df, statistic)),
        effect=max(0.0, divergence - df / (8 * size)),
    )


def _divergence(p: Shares, q: Shares, weight: float) -> float:
    mixed = weight * p + (1 - weight) * q
    return max(0.0, float(weight * rel_entr(p, mixed).sum() + (1 - weight) * rel_entr(q, mixed).sum()))
