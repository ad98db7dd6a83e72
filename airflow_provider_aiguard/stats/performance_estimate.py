"""Accuracy before the truth is in, estimated from confidences that past truth has calibrated.

Kivimäki, J. et al. (2025). Confidence-based estimators for predictive performance in model monitoring. *Journal of
Artificial Intelligence Research* 82, 209-240: accuracy is the mean of calibrated confidences. They are calibrated by
counting, bin by bin: Zadrozny, B. and Elkan, C. (2001). Obtaining calibrated probability estimates from decision trees
and naive Bayesian classifiers. *ICML*. It assumes that a confidence still means what it meant: concept drift breaks it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scipy.special import ndtri

from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson
from airflow_provider_aiguard.stats.mover import weighted_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_aiguard.core.calibration import CalibrationBin


def estimated_accuracy(
    claimed: Sequence[CalibrationBin], past: Sequence[CalibrationBin], alpha: float = 0.05
) -> Interval:
    """Estimate which share of claims will turn out right, with the error of the calibration and of chance.

    :param claimed: claims whose truth is not known, by confidence.
    :param past: past claims whose truth is known, on the same bins. In a bin without any, the confidence itself is the
        estimate, and anything is possible.
    :param alpha: share of intervals that may miss the share that turns out right.
    :return: value ``None`` and ``(0, 1)`` without claims.

    >>> from airflow_provider_aiguard.core.calibration import CalibrationBin
    >>> now, then = CalibrationBin(n=2_000, confidence=1_800.0), CalibrationBin(n=1_000, confidence=900.0, correct=800)
    >>> estimate = estimated_accuracy([now], [then])
    >>> round(estimate.value, 3), round(estimate.low, 3), round(estimate.high, 3)
    (0.8, 0.769, 0.83)
    """
    pairs = [(now, then) for now, then in zip(claimed, past, strict=True) if now.n]
    if not pairs:
        return Interval(None, 0.0, 1.0)
    total = sum(now.n for now, _ in pairs)
    shares = [_calibrated(now, then, alpha) for now, then in pairs]
    mean = weighted_sum([now.n / total for now, _ in pairs], shares)
    value = min(1.0, max(0.0, mean.value or 0.0))
    noise = math.fsum(now.n * (p.value or 0) * (1 - (p.value or 0)) for (now, _), p in zip(pairs, shares, strict=True))
    chance = float(ndtri(1 - alpha / 2)) * math.sqrt(noise) / total
    low, high = value - math.hypot(value - mean.low, chance), value + math.hypot(mean.high - value, chance)
    return Interval(value, max(0.0, low), min(1.0, high))


def _calibrated(now: CalibrationBin, then: CalibrationBin, alpha: float) -> Interval:
    """Past share of right claims in a bin, moved by what the mean confidence within the bin has moved."""
    if not then.n:
        return Interval(now.confidence / now.n, 0.0, 1.0)
    moved = now.confidence / now.n - then.confidence / then.n
    low, high = clopper_pearson(then.correct, then.n, alpha)
    share, low, high = (min(1.0, max(0.0, p + moved)) for p in (then.correct / then.n, low, high))
    return Interval(share, low, high)
