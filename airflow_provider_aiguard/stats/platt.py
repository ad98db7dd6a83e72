"""From raw confidences to calibrated ones, by two numbers.

Platt, J. (1999). Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods.
*Advances in Large Margin Classifiers*, 61-74; with the targets and the Newton steps of Lin, H.-T., Lin, C.-J. and Weng,
R. C. (2007). A note on Platt's probabilistic outputs for support vector machines. *Machine Learning* 68, 267-276. The
score is the log-odds of the confidence. Two numbers can be learnt from a few hundred rows; a curve needs a thousand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

EDGE = 1e-6
"""Confidences nearer to 0 or 1 than this count as this near: the log-odds of 1 are infinite."""

STEPS = 100
RIDGE = 1e-9


def log_odds(confidences: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give log(c / (1 - c))."""
    clipped = np.clip(confidences, EDGE, 1 - EDGE)
    result: npt.NDArray[np.float64] = np.log(clipped / (1 - clipped))
    return result


def platt(confidences: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Fit slope and intercept of the log-odds of being right on the log-odds of the confidence.

    :param confidences: n numbers in [0, 1].
    :param right: which of the n claims are right.

    >>> sure = np.repeat([0.6, 0.9], 500)
    >>> slope, intercept = platt(sure, np.tile([True, True, True, True, False], 200))
    >>> abs(slope) < 0.05, 1.2 < intercept < 1.6  # right in 80 % of cases, whatever it says
    (True, True)
    """
    x = np.stack([log_odds(confidences), np.ones(len(confidences))])
    hits = int(right.sum())
    target = np.where(right, (hits + 1) / (hits + 2), 1 / (len(right) - hits + 2))
    weights = np.array([0.0, np.log((hits + 1) / (len(right) - hits + 1))])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-weights @ x))
        gradient = x @ (target - chance)
        hessian = (x * (chance * (1 - chance))) @ x.T + RIDGE * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        # A full step can overshoot where the classes are far apart; along the way down it is cut short.
        weights = weights + step * min(1.0, 5.0 / float(np.abs(step).max() or 1.0))
        if np.abs(step).max() < 1e-8:
            break
    return float(weights[0]), float(weights[1])
