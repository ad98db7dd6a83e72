"""Correlation of two short series that remember their past, with an interval that covers.

Fisher, R. A. (1924). The distribution of the partial correlation coefficient. *Metron* 3, 329-332. Of each pair of
values, what the step before it foretold, in either series, is taken off, and the rest is correlated: are the two
*surprised* together? Two series that drift slowly and have nothing to do with each other look alike otherwise (Granger,
C. W. J. and Newbold, P. (1974). Spurious regressions in econometrics. *Journal of Econometrics* 2, 111-120). The
interval is Fisher's z, with a point less for each regressor and Student's t in place of the normal; the leads that are
searched share ``alpha`` (Šidák, Z. (1967). *Journal of the American Statistical Association* 62, 626-633).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SHORTEST = 8
"""Points of a series, after the lead is taken off, below which no interval is worth its name."""


@dataclass(frozen=True)
class SeriesCorrelation:
    """Result for the leads together.

    :param correlation: the largest one over the leads, in [-1, 1].
    :param lead: at how many steps the first series leads the second there.
    :param low: lower end of the interval of the largest correlation over the leads.
    :param high: its upper end.
    """

    correlation: float
    lead: int
    low: float
    high: float


def series_correlation(
    first: Sequence[float], second: Sequence[float], *, max_lead: int = 0, alpha: float = 0.05
) -> SeriesCorrelation | None:
    """Correlate two series, the first as it is or leading by up to ``max_lead`` steps.

    :param first: values in time order, at equal steps.
    :param second: as many, of the same steps.
    :param max_lead: largest lead looked at, in steps, 0 or more.
    :param alpha: share of intervals that may miss, over all leads together, half on each side.
    :return: ``None`` if a series has no variance or fewer than ``SHORTEST + max_lead`` points.

    >>> wave = [math.sin(i) + 0.1 * (i % 3) for i in range(30)]
    >>> echo = [0.0, 0.0, *wave[:-2]]
    >>> found = series_correlation(wave, echo, max_lead=3)
    >>> found.lead, found.low > 0.8
    (2, True)
    >>> series_correlation(wave, [1.0] * 30) is None
    True
    """
    if len(first) < SHORTEST + max_lead:
        return None
    x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if not (_varies(x) and _varies(y)):
        return None
    level = (1 - (1 - alpha) ** (1 / (max_lead + 1))) / 2
    found = [(*_interval(x[: len(x) - lead], y[lead:], level), lead) for lead in range(max_lead + 1)]
    correlation, _, _, lead = max(found)
    return SeriesCorrelation(correlation, lead, max(low for _, low, _, _ in found), max(f[2] for f in found))


def _varies(series: NDArray[Any]) -> bool:
    return bool(np.isfinite(series).all() and np.ptp(series) > 1e-12 * np.abs(series).max())


def _interval(x: NDArray[Any], y: NDArray[Any], level: float) -> tuple[float, float, float]:
    """Correlation of what the step before leaves unexplained, and the ends of its interval."""
    before = np.column_stack([np.ones(len(x) - 1), x[:-1], y[:-1]])
    now = np.column_stack([x[1:], y[1:]])
    u, v = (now - before @ np.linalg.lstsq(before, now, rcond=None)[0]).T
    scale = math.sqrt(float(u @ u) * float(v @ v))
    # Within a rounding error of 1 the logarithm of Fisher's z has no end.
    correlation = min(1 - 1e-12, max(1e-12 - 1, float(u @ v) / scale)) if scale else 0.0
    reach = -float(stdtrit(len(u) - 4, level)) / math.sqrt(len(u) - 3 - 2)
    z = math.atanh(correlation)
    return correlation, math.tanh(z - reach), math.tanh(z + reach)
