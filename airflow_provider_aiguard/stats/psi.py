"""The population stability index, without the part that chance alone adds.

Yurdakul, B. (2018). *Statistical Properties of Population Stability Index*. Western Michigan University: between two
samples of one distribution, PSI is ``(1/n + 1/m)`` times a chi-square of ``cells - 1`` degrees of freedom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def psi(reference: Sequence[int], current: Sequence[int]) -> float:
    """Compute the index of two samples on the same cells, bias-corrected; 0 if a sample is empty.

    Half a row is added to each cell, so that an empty cell gives a large number, not an infinite one.

    :param reference: counts by cell.
    :param current: counts by the same cells.

    >>> round(psi([500, 500], [600, 400]), 4)
    0.0385
    >>> psi([500, 500], [505, 495])
    0.0
    """
    n, m = sum(reference), sum(current)
    used = [(a, b) for a, b in zip(reference, current, strict=True) if a or b]
    if not n or not m or len(used) < 2:
        return 0.0
    p, q = (np.asarray(side, dtype=float) + 0.5 for side in zip(*used, strict=True))
    p, q = p / p.sum(), q / q.sum()
    raw = float(np.sum((q - p) * np.log(q / p)))
    return max(0.0, raw - (len(used) - 1) * (1 / n + 1 / m))


def merge_cells(reference: Sequence[int], current: Sequence[int], n_bins: int = 10) -> tuple[list[int], list[int]]:
    """Put neighbouring cells together until each holds about ``1 / n_bins`` of the reference.

    >>> merge_cells([1, 1, 1, 1], [0, 2, 0, 5], n_bins=2)
    ([2, 2], [2, 5])
    """
    share = sum(reference) / n_bins
    merged: tuple[list[int], list[int]] = ([0], [0])
    for a, b in zip(reference, current, strict=True):
        if share and merged[0][-1] >= share:
            merged[0].append(0)
            merged[1].append(0)
        merged[0][-1] += a
        merged[1][-1] += b
    return merged
