"""Series of runs whose error rate changes in a known way: for the benchmark and for ``tests/validity``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from airflow_provider_aiguard.core.concept import DriftType
from airflow_provider_aiguard.stats.drift_type import MIN_DWELL

Generator = np.random.Generator
Array = npt.NDArray[np.float64]
TYPES = list(DriftType)


def share_of_new(rng: Generator, kind: DriftType, runs: int) -> Array:
    """Share of the new level by run. The change begins in the first half; transitions take 20 to 80 runs and do end.

    :param kind: shape of the change.
    :param runs: length of the series, at least 60.
    """
    begin, t = int(rng.integers(int(0.15 * runs), int(0.45 * runs))), np.arange(runs)
    if kind is DriftType.ABRUPT:
        return (t >= begin).astype(float)
    if kind is DriftType.RECURRING:
        return _switching(rng, begin, runs)
    width = int(rng.integers(20, min(80, runs - begin - MIN_DWELL - 2) + 1))
    share = np.clip((t - begin + 1) / (width + 1), 0, 1)
    return share if kind is DriftType.INCREMENTAL else (rng.random(runs) < share).astype(float)


def _switching(rng: Generator, begin: int, runs: int) -> Array:
    at, count = [begin], rng.integers(2, 5)
    while len(at) < count and runs - at[-1] > 2 * MIN_DWELL + 2:
        longest = max(MIN_DWELL + 3, runs - at[-1] - MIN_DWELL)
        at.append(at[-1] + int(rng.integers(MIN_DWELL + 2, longest)))
    return (np.searchsorted(at, np.arange(runs), side="right") % 2).astype(float)


def errors(rng: Generator, rate: Array, labels: int, wobble: float = 0.0) -> npt.NDArray[np.int64]:
    """Errors of runs with these rates.

    :param wobble: standard deviation of a run's rate around its own, relative to it.
    """
    wobbling = np.clip(rate * (1 + wobble * rng.normal(size=rate.shape)), 0.001, 0.999)
    return rng.binomial(labels, wobbling)


def typed_series(rng: Generator, kind: DriftType, runs: int, labels: int, **how: Any) -> list[int]:
    """Errors of a series that changes from one level to another.

    :param how: ``low`` and ``high``, the two error rates, default .1 and .2, and ``wobble``.
    """
    low, high = how.get("low", 0.1), how.get("high", 0.2)
    rate = low + (high - low) * share_of_new(rng, kind, runs)
    found: list[int] = errors(rng, rate, labels, how.get("wobble", 0.0)).tolist()
    return found
