"""From which confidence on a model's claims can be accepted: learnt from labelled rows, with a bound that holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.certificate import THRESHOLDS, Certificate, Promise
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.stats.accept_threshold import Tested, lowest_certified, rows_needed
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson

if TYPE_CHECKING:
    from airflow_provider_aiguard.tables.graded import Graded

STARTS = 4
"""Of the thresholds every so many is one to start from: the surest rows alone may be too few to prove anything."""


def learn_acceptance(
    graded: Graded,
    column: str,
    *,
    max_error: float | None = None,
    max_loss: float | None = None,
    stronger: str | None = None,
    delta: float = 0.05,
    thresholds: Sequence[float] = THRESHOLDS,
    model: str = "",
) -> Certificate:
    """Learn the lowest threshold that keeps a promise with probability ``1 - delta``.

    The labelled rows must be a random sample of rows like those to come, and must not have been used to make the model
    or its prompt.

    :param graded: the labelled rows.
    :param column: answers of the cheap model.
    :param max_error: promise that of the accepted claims at most this share is wrong.
    :param max_loss: promise that at most this share of all rows is wrong because the cheap model was believed and the
        stronger one would have been right. What the cheap one alone gets right is not counted in its favour.
    :param stronger: answers of the stronger model, for ``max_loss``.
    :param delta: chance that the promise does not hold, over the draw of the labelled rows.
    :param thresholds: the grid, from the highest down. It must not be made from the same rows.
    :param model: the cheap model, ``name@version``: a cascade that begins with another refuses the certificate.
    :raises ConfigurationError: if the arguments make no promise, or the answers have no confidence.
    """
    promise, alpha = _promise(max_error, max_loss, stronger, delta)
    if column not in graded.confidences:
        raise ConfigurationError(f"Column {column!r} has no {column}__confidence beside it: nothing to accept by.")
    if list(thresholds) != sorted(set(thresholds), reverse=True) or not thresholds:
        raise ConfigurationError(f"thresholds must fall from one to the next; got {list(thresholds)!r}.")
    wrong, sure = ~graded.right[column], graded.confidences[column]
    if stronger:
        wrong = wrong & graded.right[stronger]
    accepted = [int((sure >= t).sum()) for t in thresholds]
    bad = [int((wrong & (sure >= t)).sum()) for t in thresholds]
    counted = accepted if promise == "error" else [graded.labels] * len(accepted)
    seen = [Tested(n, k) for n, k in zip(counted, bad, strict=True)]
    weights = _weights(promise, len(seen))
    best = lowest_certified(seen, weights, alpha=alpha, delta=delta)
    return Certificate(
        promise=promise,
        alpha=alpha,
        delta=delta,
        threshold=None if best is None else float(thresholds[best]),
        model=model,
        stronger=stronger or "",
        learnt_on=graded.table,
        labels=graded.labels,
        accepted=0 if best is None else accepted[best],
        bad=0 if best is None else bad[best],
        missing=_missing(seen, weights, graded.labels, alpha=alpha, delta=delta) if best is None else None,
        hopeless=best is None and _too_bad(seen, weights, alpha=alpha, delta=delta),
        learnt_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def evaluate(certificate: Certificate) -> list[CheckResult]:
    """Say whether something could be certified: undecided if more labels may help, a breach if they will not."""
    outcome = Outcome.PASS
    if certificate.threshold is None:
        outcome = Outcome.BREACH if certificate.hopeless else Outcome.UNDECIDED
    check = CheckResult(
        check=f"models.{certificate.promise}",
        outcome=outcome,
        message=str(certificate),
        value=certificate.threshold,
        detail=certificate.to_dict(),
    )
    return [check]


def _promise(
    max_error: float | None, max_loss: float | None, stronger: str | None, delta: float
) -> tuple[Promise, float]:
    given = [value for value in (max_error, max_loss) if value is not None]
    if len(given) != 1:
        raise ConfigurationError(f"Give max_error or max_loss, one of them; got {max_error!r} and {max_loss!r}.")
    for what, value in (("delta", delta), ("max_error or max_loss", given[0])):
        if not (isinstance(value, float) and 0 < value < 1):
            raise ConfigurationError(f"{what} must be a share in (0, 1); got {value!r}.")
    if (stronger is None) != (max_loss is None):
        raise ConfigurationError("max_loss and the stronger model's answers belong together: it is lost against them.")
    return ("error" if max_loss is None else "loss"), given[0]


def _weights(promise: Promise, thresholds: int) -> list[float]:
    # A loss is a share of all rows, and it only grows from threshold to threshold: one start, from the top, is best.
    # An error is a share of the accepted rows, and at the top there may be too few of them.
    starts = [i % STARTS == 0 if promise == "error" else i == 0 for i in range(thresholds)]
    return [float(start) / sum(starts) for start in starts]


def _missing(
    seen: Sequence[Tested], weights: Sequence[float], labels: int, *, alpha: float, delta: float
) -> int | None:
    """About how many labels are missing, by the threshold that needs the fewest."""
    wanting = []
    for one, weight in zip(seen, weights, strict=True):
        needed = rows_needed(one.bad / one.n, alpha=alpha, level=weight * delta) if one.n and weight else None
        if needed is not None:
            wanting.append(math.ceil(needed * labels / one.n) - labels)
    return max(1, min(wanting)) if wanting else None


def _too_bad(seen: Sequence[Tested], weights: Sequence[float], *, alpha: float, delta: float) -> bool:
    """Whether the promise is broken for sure wherever one could start: the lower bound of each is above ``alpha``.

    All must be, so that each may have the whole ``delta``: one alone that keeps it is blamed in no more than that.
    """
    starts = [one for one, weight in zip(seen, weights, strict=True) if weight and one.n]
    return bool(starts) and all(clopper_pearson(one.bad, one.n, 2 * delta)[0] > alpha for one in starts)
