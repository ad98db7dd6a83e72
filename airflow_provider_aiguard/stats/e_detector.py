"""A change of the error rate over runs, with a run length that is stated in runs and holds under wobble.

Shin, J., Ramdas, A. and Rinaldo, A. (2024). E-detectors: a nonparametric framework for sequential change detection.
*New England Journal of Statistics in Data Science* 2(2), 229-260. The evidence for one start of the change is the
two-sample t Bayes factor under the right-Haar prior: Gonen, M. et al. (2005). The Bayesian two-sample t test.
*The American Statistician* 59(3), 252-257; a likelihood ratio of what is left when level and spread are unknown:
Perez-Ortiz, M. F. et al. (2024). E-statistics, group invariance and anytime-valid testing. *Annals of Statistics*
52(4). Level and spread are learnt with the test, not before it. Error rates: Anscombe, F. J. (1948). *Biometrika* 35,
246-254.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

EFFECT_VARIANCE = 4.0
"""Prior variance of the change, in squared standard deviations of a run."""

Array = npt.NDArray[np.float64]


def stable_rate(errors: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Array, Array]:
    """Error rates on a scale where chance alone spreads all of them alike, and the variance that it gives them.

    :param errors: wrong values by run, 0 to ``labels``.
    :param labels: labelled values by run, at least 1.

    >>> rate, variance = stable_rate([10, 20], [100, 100])
    >>> rate.round(3).tolist(), variance.round(5).tolist()
    ([0.327, 0.466], [0.00249, 0.00249])
    """
    k, n = np.asarray(errors, dtype=float), np.asarray(labels, dtype=float)
    return np.arcsin(np.sqrt((k + 0.375) / (n + 0.75))), 1 / (4 * n + 2)


def log_evidence(errors: npt.ArrayLike, labels: npt.ArrayLike) -> Array:
    """Logarithm of the evidence for a change, after each run: alarm where it reaches ``log(run_length)``.

    Without a change, an alarm comes on average after ``run_length`` runs or later, and within T runs in at most the
    share ``T / run_length`` of all series.

    :param errors: wrong values by run; the last axis is time, others are series of their own.
    :param labels: labelled values by run, likewise.
    :return: an array of the same shape.

    >>> before, after = [10, 12, 9, 11, 10, 8, 12, 10, 9, 11], [22, 21, 25]
    >>> (log_evidence(before + after, [100] * 13)[-4:] / np.log(10)).round(1).tolist()
    [0.6, 1.1, 1.7, 2.4]
    """
    rate, variance = stable_rate(errors, labels)
    runs = rate.shape[-1]
    after = [_total(_log_factors(rate[..., :t], variance[..., :t])) for t in range(1, runs + 1)]
    return np.stack(after, axis=-1) if after else rate


def change_start(errors: npt.ArrayLike, labels: npt.ArrayLike) -> int:
    """Index of the first run after the change, if there was one: the start with the most evidence.

    :param errors: wrong values by run, of one series of at least 2 runs.
    :param labels: labelled values by run.

    >>> change_start([10, 12, 9, 11, 10, 22, 21, 25], [100] * 8)
    5
    """
    return int(_log_factors(*stable_rate(errors, labels)).argmax())


def smallest_visible_rate(errors: npt.ArrayLike, labels: npt.ArrayLike, run_length: float, runs: int = 4) -> float:
    """Lowest error rate above the present one that would raise the alarm if it came now and stayed.

    :param errors: wrong values by run, of one series.
    :param labels: labelled values by run.
    :param run_length: runs between false alarms.
    :param runs: how many runs it may take.
    :return: a rate in (0, 1], or ``inf`` if no rate would.

    >>> round(smallest_visible_rate([10, 12, 9, 11, 10, 8, 12, 10, 9, 11], [100] * 10, 1_000), 3)
    0.237
    """
    rate, variance = stable_rate(errors, labels)
    noise = np.append(variance, np.full(runs, variance.mean()))
    level = float(rate.mean())

    def seen(new: float) -> bool:
        values = np.append(rate, np.full(runs, new))
        return float(_total(_log_factors(values, noise))) >= math.log(run_length)

    low, high = level, math.pi / 2
    if not seen(high):
        return math.inf
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return math.sin(high) ** 2


def _total(factors: Array) -> Array:
    most = factors.max(axis=-1, keepdims=True)
    total: Array = most[..., 0] + np.log(np.exp(factors - most).sum(axis=-1))
    return total


def _chance(variance: Array) -> Array:
    """By split, the variance of one run that chance alone gives to the difference between the runs before and after.

    Where runs differ in their numbers of labels, that is not their mean variance: a few small runs after many large
    ones are far off by chance.
    """
    runs = variance.shape[-1]
    sums, total = np.cumsum(variance, axis=-1)[..., :-1], variance.sum(axis=-1, keepdims=True)
    before = np.arange(1, runs)
    after = runs - before
    of_difference = (sums / before**2 + (total - sums) / after**2) * before * after / runs
    chance: Array = np.maximum(of_difference, total / runs)
    return chance


def _log_factors(rate: Array, variance: Array) -> Array:
    """Log Bayes factor of each start 0 .. T - 1 after T runs. A change before the first run is none: factor 1."""
    runs = rate.shape[-1]
    factors = np.zeros_like(rate)
    if runs < 3:
        return factors
    before = np.arange(1, runs)
    after = runs - before
    # Centred, so that squares of large numbers are not subtracted from each other.
    sums = np.cumsum(rate - rate.mean(axis=-1, keepdims=True), axis=-1)[..., :-1]
    between = sums**2 * runs / (before * after)
    squares = rate.var(axis=-1, keepdims=True) * runs - between
    # The spread of runs is never below what chance gives them. A floor takes evidence away and adds none, and rates
    # that are equal by chance (no errors at all, ten times) do not make a single error an alarm.
    within = np.maximum(squares, (runs - 2) * _chance(variance))
    size = 1 + EFFECT_VARIANCE * before * after / runs
    ratio = between / within
    factors[..., 1:] = (runs - 1) / 2 * (np.log1p(ratio) - np.log1p(ratio / size)) - np.log(size) / 2
    return factors
