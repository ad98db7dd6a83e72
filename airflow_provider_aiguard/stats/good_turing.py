"""How many values outside the known ones are to be expected, and whether there are more.

Robbins, H. (1968). Estimating the total probability of the unobserved outcomes of an experiment. *Annals of
Mathematical Statistics* 39(1), 256-257; its error by Esty, W. (1983). A normal limit law for a nonparametric estimator
of the coverage of a random sample. *Annals of Statistics* 11(3), 905-912.

Both carried from "seen never" to "seen fewer than c times": with f_s values seen s times, the share of values seen
fewer than c times is estimated by ``t / n`` with ``t = sum(s f_s, s <= c)``, and the square of its error, times n by n,
is ``t (1 - t / n) + c (c + 1) f_(c+1)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtr

from airflow_provider_aiguard.stats.proportions import more_in_second


@dataclass(frozen=True)
class Unseen:
    """Result of the test.

    :param expected: share of other values that an unchanged table would show.
    :param share: share of other values seen.
    :param p_value: one-sided, of "not more than expected".
    """

    expected: float
    share: float
    p_value: float


def unseen_values(*, tail: int, tail_next: int, cutoff: int, n: int, other: int, m: int) -> Unseen:
    """Whether more rows than expected hold a value that is no level of the reference.

    A rare value that the reference missed by chance is no news: a table of 150 carriers seen in 1,000 rows misses some.

    :param tail: reference rows whose value occurred at most ``cutoff`` times.
    :param tail_next: reference values that occurred ``cutoff + 1`` times.
    :param cutoff: occurrences that make a value a level.
    :param n: reference rows with a value.
    :param other: current rows whose value is no level.
    :param m: current rows with a value.

    >>> round(unseen_values(tail=0, tail_next=0, cutoff=1, n=1_000, other=12, m=1_000).p_value, 5)
    0.00025
    >>> round(unseen_values(tail=20, tail_next=9, cutoff=1, n=1_000, other=25, m=1_000).p_value, 3)
    0.273
    """
    if not n or not m:
        return Unseen(expected=0.0, share=0.0, p_value=1.0)
    expected, share = tail / n, other / m
    variance = (tail * (1 - expected) + cutoff * (cutoff + 1) * tail_next) / n**2 + share * (1 - share) / m
    normal = 1 - float(ndtr((share - expected) / math.sqrt(variance))) if variance else float(share <= expected)
    return Unseen(expected=expected, share=share, p_value=max(normal, more_in_second(min(tail, n), n, other, m)))
