"""An interval for a weighted sum, from the intervals of its parts.

Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures: a general approach.
*Statistics in Medicine* 27(10), 1693-1702 ("MOVER"): each part's variance near a limit is recovered from its own limit,
so skewed and bounded parts keep their shape.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence


def weighted_sum(weights: Sequence[float], parts: Sequence[Interval]) -> Interval:
    """Interval of ``sum(weight * part)``, at the level of the parts' own intervals.

    :param weights: one a part, not negative.
    :param parts: independent estimates, each with its interval.

    >>> half = Interval(0.5, 0.4, 0.6)
    >>> both = weighted_sum([0.5, 0.5], [half, half])
    >>> round(both.low, 4), round(both.high, 4)
    (0.4293, 0.5707)
    """
    values = [part.value if part.value is not None else (part.low + part.high) / 2 for part in parts]
    total = math.fsum(w * v for w, v in zip(weights, values, strict=True))
    below = math.hypot(*(w * (v - part.low) for w, v, part in zip(weights, values, parts, strict=True)))
    above = math.hypot(*(w * (part.high - v) for w, v, part in zip(weights, values, parts, strict=True)))
    return Interval(total, total - below, total + above)
