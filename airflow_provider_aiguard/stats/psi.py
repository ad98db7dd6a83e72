"""The population stability index, without the part that chance alone adds.

Yurdakul, B. (2018). *Statistical Properties of Population Stability Index*. Western Michigan University: between two
samples of one distribution, PSI is ``(1/n + 1/m)`` times a chi-square of ``cells - 1`` degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class StabilityIndex:
    """Result of the test.

    :param index: as seen.
    :param df: degrees of freedom; 0 if there was nothing to compare.
    :param p_value: upper tail of what chance alone follows.
    :param effect: the index without what chance alone would add.
    """

    index: float
    df: int
    p_value: float
    effect: float


def psi(reference: Sequence[float], current: Sequence[float]) -> StabilityIndex:
    """Compare two samples counted on the same cells.

    Half a row is added to each cell, so that an empty cell gives a large number, not an infinite one.

    :param reference: counts by cell; a handful in each, or the p-value is too small.
    :param current: counts by the same cells.
    :return: index 0 and p-value 1 if a sample is empty.

    >>> result = psi([500, 500], [600, 400])
    >>> round(result.index, 4), round(result.effect, 4), f"{result.p_value:.1e}"
    (0.0405, 0.0385, '6.9e-06')
    >>> psi([500, 500], [505, 495]).effect
    0.0
    """
    n, m = sum(reference), sum(current)
    used = [(a, b) for a, b in zip(reference, current, strict=True) if a or b]
    if not n or not m or len(used) < 2:
        return StabilityIndex(index=0.0, df=0, p_value=1.0, effect=0.0)
    p, q = (np.asarray(side, dtype=float) + 0.5 for side in zip(*used, strict=True))
    p, q = p / p.sum(), q / q.sum()
    index, df, unit = float(np.sum((q - p) * np.log(q / p))), len(used) - 1, 1 / n + 1 / m
    return StabilityIndex(
        index=index, df=df, p_value=float(chdtrc(df, index / unit)), effect=max(0.0, index - df * unit)
    )


def merge_cells(
    reference: Sequence[float], current: Sequence[float], n_bins: int = 10
) -> tuple[list[float], list[float]]:
    """Put neighbouring cells together until each holds about ``1 / n_bins`` of the reference.

    A cell that is as heavy as that by itself takes in none of those below: of a column of zeros, what falls below zero
    would be hidden.

    >>> merge_cells([1, 1, 1, 1], [0, 2, 0, 5], n_bins=2)
    ([2, 2], [2, 5])
    >>> merge_cells([0, 9, 1], [9, 0, 1])
    ([0, 9, 1], [9, 0, 1])
    """
    share = sum(reference) / n_bins
    merged: tuple[list[float], list[float]] = ([], [])
    full = True
    for a, b in zip(reference, current, strict=True):
        if full or (share and a >= share):
            merged[0].append(0)
            merged[1].append(0)
        merged[0][-1] += a
        merged[1][-1] += b
        full = 0 < share <= merged[0][-1]
    return merged
