"""How an error rate moved from one level to another, run by run, and how sure that is.

Four shapes are fitted to the rates by maximum likelihood, on a scale where chance alone spreads them alike: a step, a
ramp, a mixture of whole runs of either level with a growing share of the new one, and switches to and fro between two
levels. They are compared by the Bayesian information criterion: Schwarz, G. (1978). Estimating the dimension of a
model. *Annals of Statistics* 6(2), 461-464. The shapes are those of: Gama, J. et al. (2014). A survey on concept drift
adaptation. *ACM Computing Surveys* 46(4), 44. The criterion's weights are too sure of themselves, so they are
recalibrated by simulation: Guo, C. et al. (2017). On calibration of modern neural networks. *ICML*.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from airflow_provider_aiguard.core.concept import DriftType
from airflow_provider_aiguard.stats.e_detector import stable_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_DWELL = 8
"""Runs at the new level before a type is named, and between two switches."""

MIN_WIDTH = 10
"""A transition of fewer runs is abrupt."""

MAX_RUNS = 200
"""So many runs are looked at: half of them before the change, half of them after."""

MAX_SWITCHES = 6

MEDIAN_CHI_SQUARE = 0.4549
"""Median of a squared standard normal."""

LIKELY = 3.84
"""Twice the log likelihood that a value may lie under the best one: the 95 % point of chi-square with one degree."""

TEMPERATURE = 0.78
"""Recalibrates the weights: differences of the criterion are divided by it."""

HANDICAPS = {
    DriftType.ABRUPT: 0.0,
    DriftType.INCREMENTAL: 2.3,
    DriftType.GRADUAL: 3.0,
    DriftType.RECURRING: -2.2,
}
"""Recalibrates the weights: added to their logarithms, because the criterion charges a ramp's length like a free
number, and the many places of switches like few. Both were fitted by maximum likelihood on 2,400 simulated series of 60
to 200 runs with 50 to 500 rows, rates that grow by 1.7 to 2.5 times and 0 to 10 % wobble: ``python -m
benchmarks.concept calibrate``."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """A shape that was fitted.

    :param criterion: the Bayesian information criterion, up to what all shapes share.
    :param start: first run of the transition.
    :param end: first run after it.
    :param latest_end: the latest run that may well be that one.
    """

    criterion: float
    start: int
    end: int
    latest_end: int


@dataclass(frozen=True)
class TypedDrift:
    """The most probable shape.

    :param type: its name.
    :param probability: how probable it is, among the four, in (0, 1].
    :param probabilities: the same for each of the four.
    :param start: index of the first run that is not at the old level.
    :param end: index of the first run that is at the new level; beyond the last run while the transition goes on.
    :param runs_after: runs that are surely at the new level.
    """

    type: DriftType
    probability: float
    probabilities: Mapping[DriftType, float]
    start: int
    end: int
    runs_after: int

    @property
    def settled(self) -> bool:
        """Whether ``MIN_DWELL`` runs are at the new level: before, the type is a guess."""
        return self.runs_after >= MIN_DWELL


def drift_type(errors: Sequence[int], labels: Sequence[int], *, around: int = 0) -> TypedDrift:
    """Name the shape of a change that is known to have happened.

    :param errors: wrong values by run, oldest first, the runs before the change among them; at least 12 runs.
    :param labels: labelled values by run, at least 1 each.
    :param around: about where the change began; matters to series of more than ``MAX_RUNS`` runs.

    >>> found = drift_type([20, 18, 22, 21, 19] * 4 + [41, 38, 40, 42] * 4, [200] * 36)
    >>> str(found.type), found.start, found.settled, found.probability > 0.8
    ('abrupt', 20, True, True)
    """
    skipped = max(0, min(around - MAX_RUNS // 2, len(labels) - MAX_RUNS))
    window = slice(skipped, skipped + MAX_RUNS)
    fits = fit_shapes(errors[window], labels[window])
    shares = probabilities({kind: fit.criterion for kind, fit in fits.items()})
    best = max(shares, key=lambda kind: shares[kind])
    fit = fits[best]
    return TypedDrift(
        type=best,
        probability=shares[best],
        probabilities=shares,
        start=fit.start + skipped,
        end=fit.end + skipped,
        runs_after=max(0, min(MAX_RUNS, len(labels) - skipped) - fit.latest_end),
    )


def fit_shapes(errors: Sequence[int], labels: Sequence[int]) -> dict[DriftType, Fit]:
    """Fit each shape to a series; see :func:`drift_type`.

    >>> fits = fit_shapes([20] * 20 + [40] * 20, [200] * 40)
    >>> fits[DriftType.ABRUPT].start, min(fits, key=lambda kind: fits[kind].criterion).value
    (20, 'abrupt')
    """
    rate, noise = stable_rate(errors, labels)
    weights = _precision(rate, noise)
    return {
        DriftType.ABRUPT: _step(rate, weights),
        DriftType.INCREMENTAL: _ramp(rate, weights),
        DriftType.GRADUAL: _mixture(rate, weights),
        DriftType.RECURRING: _switches(rate, weights),
    }


def probabilities(criteria: Mapping[DriftType, float]) -> dict[DriftType, float]:
    """Recalibrated probability of each shape, from the criteria.

    >>> found = probabilities({DriftType.ABRUPT: 100.0, DriftType.INCREMENTAL: 110.0})
    >>> {kind.value: round(share, 2) for kind, share in found.items()}
    {'abrupt': 0.98, 'incremental': 0.02}
    """
    lowest = min(criteria.values())
    shares = {
        kind: math.exp((lowest - criterion) / 2 / TEMPERATURE + HANDICAPS[kind]) for kind, criterion in criteria.items()
    }
    total = sum(shares.values())
    return {kind: share / total for kind, share in shares.items()}


def _precision(rate: Array, noise: Array) -> Array:
    """One over the variance of each rate: chance, and what wobbles beyond it between neighbours.

    The median of squared differences hardly sees the few places where the level moves.
    """
    spread = float(np.median(np.diff(rate) ** 2)) / (2 * MEDIAN_CHI_SQUARE)
    chance = float(noise.mean())
    wobbles = spread > chance * (1 + 4 / math.sqrt(len(rate)))
    return 1 / (noise + max(0.0, spread - chance) * wobbles)


def _step(rate: Array, weights: Array) -> Fit:
    runs = len(rate)
    grid = np.array([(s, w) for w in (0, 3, 6, MIN_WIDTH - 1) for s in range(1, runs - w)])
    # A ramp too short to be called one costs its length, and is abrupt all the same.
    cost = _two_levels(rate, weights, _shares(runs, grid)) + (3 + (grid[:, 1] > 0)) * math.log(runs)
    start, width = grid[int(cost.argmin())].tolist()
    return Fit(float(cost.min()), start, start + width, _latest_end(cost, grid))


def _two_levels(rate: Array, weights: Array, share: Array) -> Array:
    """Weighted squared errors of ``old + (new - old) * share`` with the best levels, for each row of ``share``."""
    total, mean = weights.sum(), np.average(rate, weights=weights)
    centred = rate - mean
    product = share @ (weights * centred)
    square = (share**2) @ weights - (share @ weights) ** 2 / total
    cost: Array = (weights * centred**2).sum() - product**2 / np.maximum(square, 1e-12)
    return cost


@lru_cache(maxsize=16)
def _transitions(runs: int, start_step: int, width_factor: float) -> tuple[Array, npt.NDArray[np.int64]]:
    """Shares of the new level by run, for a grid of transitions, and their (start, width)."""
    widths = [MIN_WIDTH]
    while widths[-1] < runs:
        widths.append(max(widths[-1] + 1, round(widths[-1] * width_factor)))
    grid = np.array([(s, w) for s in range(2, runs - 2, start_step) for w in widths if s + w < runs + w // 2])
    return _shares(runs, grid), grid


def _shares(runs: int, grid: npt.NDArray[np.int64]) -> Array:
    start, width = grid[:, :1], grid[:, 1:]
    return np.clip((np.arange(runs) - start + 1) / (width + 1), 0, 1)


def _ramp(rate: Array, weights: Array) -> Fit:
    runs = len(rate)
    shares, grid = _transitions(runs, 2, 1.15)
    cost = _two_levels(rate, weights, shares)
    start, width = grid[int(cost.argmin())].tolist()
    return Fit(float(cost.min()) + 4 * math.log(runs), start, start + width, _latest_end(cost, grid))


def _latest_end(cost: Array, grid: npt.NDArray[np.int64]) -> int:
    """The latest end of a transition that the likelihood ratio test does not reject."""
    return int(grid[cost <= cost.min() + LIKELY].sum(axis=1).max())


def _mixture(rate: Array, weights: Array) -> Fit:
    runs = len(rate)
    shares, grid = _transitions(runs, 5, 1.3)
    cost, levels = _mixed(rate, weights, shares, np.tile(_outer_levels(rate), (len(grid), 1)), rounds=3)
    start, width = grid[int(cost.argmin())].tolist()
    near = [(s, round(width * f)) for s in range(start - 4, start + 5) for f in (0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3)]
    grid = np.array([(s, max(MIN_WIDTH, w)) for s, w in near if s >= 2])
    begin = np.tile(levels[int(cost.argmin())], (len(grid), 1))
    cost, _ = _mixed(rate, weights, _shares(runs, grid), begin, rounds=4)
    start, width = grid[int(cost.argmin())].tolist()
    return Fit(float(cost.min()) + 4 * math.log(runs), start, start + width, _latest_end(cost, grid))


def _outer_levels(rate: Array) -> Array:
    """The first and the last runs' level: where the search for two levels begins."""
    few = max(2, min(MIN_DWELL, len(rate) // 3))
    old, new = float(np.median(rate[:few])), float(np.median(rate[-few:]))
    if abs(new - old) < rate.std():
        new = float(np.quantile(rate, 0.9 if rate.mean() > old else 0.1))
    return np.array([old, new])


def _mixed(rate: Array, weights: Array, shares: Array, levels: Array, *, rounds: int) -> tuple[Array, Array]:
    """Fit the two levels by expectation-maximisation, all transitions at once; a run is of either level."""
    for _ in range(rounds):
        old, new, both = _densities(rate, weights, shares, levels)
        member = new / both * weights
        other = old / both * weights
        levels = np.stack([other @ rate / (other.sum(1) + 1e-12), member @ rate / (member.sum(1) + 1e-12)], axis=1)
    *_, both = _densities(rate, weights, shares, levels)
    return -2 * np.log(both).sum(axis=1), levels


def _densities(rate: Array, weights: Array, shares: Array, levels: Array) -> tuple[Array, Array, Array]:
    distance = weights * (rate - levels[:, :, None]) ** 2
    old, new = (1 - shares) * np.exp(-distance[:, 0] / 2), shares * np.exp(-distance[:, 1] / 2)
    return old, new, old + new + 1e-300


def _switches(rate: Array, weights: Array) -> Fit:
    """Two levels, each for at least ``MIN_DWELL`` runs at a time, with at least two switches."""
    runs = len(rate)
    best = Fit(math.inf, 1, runs, runs)
    few = np.convolve(rate, np.full(5, 0.2), mode="valid") if runs > 5 else rate
    for levels in (_outer_levels(rate), np.quantile(few, [0.1, 0.9]), np.quantile(few, [0.9, 0.1])):
        for count in range(2, MAX_SWITCHES + 1):
            cost, at = _best_switches(rate, weights, levels, count)
            if not at:
                break
            criterion = cost + (2 + count) * math.log(runs)
            if criterion < best.criterion:
                best = Fit(criterion, at[0], at[-1], at[-1])
    return best


def _best_switches(rate: Array, weights: Array, levels: Array, count: int) -> tuple[float, list[int]]:
    """Least cost with so many switches, levels and places in turn; no places if there is no room."""
    cost = math.inf
    at: list[int] = []
    for _ in range(4):
        costs = np.cumsum(weights * (rate - levels[:, None]) ** 2, axis=1)
        places = _places(np.pad(costs, ((0, 0), (1, 0))), count)
        if not places or places == at:
            break
        at = places
        inside = np.searchsorted(at, np.arange(len(rate)), side="right") % 2 == 1
        levels = np.array([np.average(rate[side], weights=weights[side]) for side in (~inside, inside)])
        cost = float((weights * (rate - levels[inside.astype(int)]) ** 2).sum())
    return cost, at


def _places(costs: Array, count: int) -> list[int]:
    """Dynamic programme over the switches: ``costs[level, t]`` is what the first t runs cost at a level."""
    runs = costs.shape[1] - 1
    best, chosen = np.where(np.arange(runs + 1) >= MIN_DWELL, costs[0], np.inf), []
    for switch in range(1, count + 1):
        level = costs[switch % 2]
        gain = best - level
        lowest = np.minimum.accumulate(gain)
        first = np.maximum.accumulate(np.where(gain <= lowest, np.arange(runs + 1), 0))
        chosen.append(first)
        best = np.full(runs + 1, np.inf)
        best[MIN_DWELL:] = level[MIN_DWELL:] + lowest[:-MIN_DWELL]
    if not math.isfinite(best[runs]):
        return []
    at: list[int] = []
    t = runs
    for first in reversed(chosen):
        t = int(first[t - MIN_DWELL])
        at.append(t)
    return at[::-1]
