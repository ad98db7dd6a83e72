"""Scores of a classifier from counts, each with an interval.

Accuracy, precision and recall are shares of rows: Clopper, C. and Pearson, E. S. (1934), exact. So is F1: with J the
share of the true positives among all rows that are claimed or truly positive, F1 = 2 J / (1 + J), which carries J's
exact interval over (Jaccard's and Dice's indices; Dice, L. R. (1945). *Ecology* 26, 297-302). Balanced accuracy is a
mean of shares of different rows: :mod:`.mover`.
"""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson
from airflow_provider_aiguard.stats.mover import weighted_sum

Confusion = Mapping[tuple[str, str], int]
"""Rows by (claimed class, true class)."""


def share(hits: int, n: int, alpha: float = 0.05) -> Interval:
    """Share with its exact interval; value ``None`` without rows.

    >>> share(0, 0)
    Interval(value=None, low=0.0, high=1.0)
    """
    return Interval(hits / n if n else None, *clopper_pearson(hits, n, alpha))


def precision(confusion: Confusion, positive: str, alpha: float = 0.05) -> Interval:
    """Share of the rows claimed to be positive that are.

    >>> precision({("yes", "yes"): 8, ("yes", "no"): 2, ("no", "yes"): 5}, "yes").value
    0.8
    """
    claimed = sum(n for (guess, _), n in confusion.items() if guess == positive)
    return share(confusion.get((positive, positive), 0), claimed, alpha)


def recall(confusion: Confusion, positive: str, alpha: float = 0.05) -> Interval:
    """Share of the rows that are positive that were claimed to be.

    >>> recall({("yes", "yes"): 8, ("yes", "no"): 2, ("no", "yes"): 2}, "yes").value
    0.8
    """
    actual = sum(n for (_, truth), n in confusion.items() if truth == positive)
    return share(confusion.get((positive, positive), 0), actual, alpha)


def f1(confusion: Confusion, positive: str, alpha: float = 0.05) -> Interval:
    """Harmonic mean of precision and recall.

    >>> found = f1({("yes", "yes"): 80, ("yes", "no"): 20, ("no", "yes"): 20, ("no", "no"): 900}, "yes")
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.8, 0.73, 0.857)
    """
    either = sum(n for pair, n in confusion.items() if positive in pair)
    jaccard = share(confusion.get((positive, positive), 0), either, alpha)
    value = None if jaccard.value is None else 2 * jaccard.value / (1 + jaccard.value)
    return Interval(value, *(2 * j / (1 + j) for j in (jaccard.low, jaccard.high)))


def balanced_accuracy(confusion: Confusion, alpha: float = 0.05) -> Interval:
    """Mean over the true classes of the share that was claimed right.

    >>> found = balanced_accuracy({("a", "a"): 90, ("b", "a"): 10, ("b", "b"): 50, ("a", "b"): 50})
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.7, 0.636, 0.757)
    """
    classes = sorted({truth for _, truth in confusion})
    if not classes:
        return Interval(None, 0.0, 1.0)
    return weighted_sum([1 / len(classes)] * len(classes), [recall(confusion, c, alpha) for c in classes])
