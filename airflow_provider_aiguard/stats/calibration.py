"""Expected calibration error on stated bins, with an interval that holds for a calibrated model too.

Guo, C. et al. (2017). On calibration of modern neural networks. *ICML*, for the error; Clopper, C. and Pearson, E. S.
(1934) in each bin, at the level of Sidak, Z. (1967), *JASA* 62, 626-633, over the bins that hold something. What is
estimated is the error on these bins, given the confidences: finer bins would see more. A bootstrap does not work: the
error of a sample lies above the truth, so a percentile interval never covers that of a calibrated model, which is 0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_aiguard.core.calibration import CalibrationBin


def expected_calibration_error(bins: Sequence[CalibrationBin], alpha: float = 0.05) -> Interval:
    """Mean distance between confidence and the share that was right, weighted by the bins' labels.

    :param bins: labels by confidence.
    :param alpha: share of intervals that may miss.
    :return: value ``None`` and ``(0, 1)`` without labels.

    >>> from airflow_provider_aiguard.core.calibration import CalibrationBin
    >>> sure = CalibrationBin(n=1_000, confidence=900.0, correct=800)
    >>> error = expected_calibration_error([sure, CalibrationBin()])
    >>> round(error.value, 3), round(error.low, 3), round(error.high, 3)
    (0.1, 0.076, 0.126)
    """
    filled = [b for b in bins if b.n]
    if not filled:
        return Interval(None, 0.0, 1.0)
    total = sum(b.n for b in filled)
    limits = reliability(filled, alpha)
    value = math.fsum(abs(b.correct - b.confidence) for b in filled) / total
    near = math.fsum(b.n * max(0.0, low - c, c - high) for b, (c, low, high) in zip(filled, limits, strict=True))
    far = math.fsum(b.n * max(c - low, high - c) for b, (c, low, high) in zip(filled, limits, strict=True))
    return Interval(value, near / total, min(1.0, far / total))


def reliability(bins: Sequence[CalibrationBin], alpha: float = 0.05) -> list[tuple[float, float, float]]:
    """Mean confidence of each bin that holds something, and the interval of the share that was right.

    :return: ``(mean confidence, low, high)`` a bin; all intervals hold together with probability ``1 - alpha``.

    >>> from airflow_provider_aiguard.core.calibration import CalibrationBin
    >>> [(c, low, high)] = reliability([CalibrationBin(n=10, confidence=9.0, correct=9)])
    >>> c, round(low, 3), round(high, 3)
    (0.9, 0.555, 0.997)
    """
    filled = [b for b in bins if b.n]
    # Each of K independent intervals may miss so often that all hold with probability 1 - alpha.
    each = -math.expm1(math.log1p(-alpha) / max(1, len(filled)))
    return [(b.confidence / b.n, *clopper_pearson(b.correct, b.n, each)) for b in filled]
