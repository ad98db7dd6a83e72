"""The cheapest model that is good enough: by the lower bound of its accuracy, not by what was seen of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity
from airflow_provider_aiguard.stats.accept_threshold import rows_needed
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson

if TYPE_CHECKING:
    from airflow_provider_aiguard.tables.graded import Graded

IfUnmet = Literal["fail", "cheapest"]


@dataclass(frozen=True, kw_only=True)
class ModelScore:
    """One model on the labelled rows.

    :param model: its column.
    :param price: USD for a row.
    :param labels: labelled rows.
    :param accuracy: share of its answers that are right.
    :param low: lower bound of its accuracy. All models' bounds hold together with probability ``1 - delta``.
    :param high: upper bound, likewise.
    :param outcome: pass if the lower bound meets the requirement, breach if the upper one does not.
    :param missing: about how many labels are missing if it is undecided; ``None`` if no number of them would do that
        are like those seen.
    """

    model: str
    price: Decimal
    labels: int
    accuracy: float
    low: float
    high: float
    outcome: Outcome
    missing: int | None = None


def score_models(
    graded: Graded, prices: Mapping[str, Decimal], *, min_accuracy: float, delta: float = 0.05
) -> list[ModelScore]:
    """Score models on labelled rows, the cheapest first.

    :param graded: the labelled rows, a random sample of rows like those to come.
    :param prices: USD for a row, by column of answers.
    :param min_accuracy: the accuracy that is required, in (0, 1).
    :param delta: chance that any of the bounds does not hold, shared between the models (Bonferroni).
    """
    for what, value in (("min_accuracy", min_accuracy), ("delta", delta)):
        if not 0 < value < 1:
            raise ConfigurationError(f"{what} must be in (0, 1); got {value!r}.")
    level = delta / len(prices)
    scores = []
    for model, price in sorted(prices.items(), key=lambda item: item[1]):
        hits, n = int(graded.right[model].sum()), graded.labels
        # Each bound alone, at level: half the alpha of an interval lies on each side.
        low, high = clopper_pearson(hits, n, 2 * level)
        outcome = Outcome.PASS if low >= min_accuracy else Outcome.BREACH if high < min_accuracy else Outcome.UNDECIDED
        needed = rows_needed(1 - hits / n, alpha=1 - min_accuracy, level=level)
        missing = max(1, needed - n) if needed and outcome is Outcome.UNDECIDED else None
        score = ModelScore(
            model=model, price=price, labels=n, accuracy=hits / n, low=low, high=high, outcome=outcome, missing=missing
        )
        scores.append(score)
    return scores


def chosen(scores: list[ModelScore], if_unmet: IfUnmet = "fail") -> ModelScore | None:
    """Give the cheapest model that passes; if none does, the cheapest of all if ``if_unmet`` says so."""
    good = [score for score in scores if score.outcome is Outcome.PASS]
    return next(iter(good or (scores if if_unmet == "cheapest" else [])), None)


def evaluate(scores: list[ModelScore], *, min_accuracy: float, if_unmet: IfUnmet = "fail") -> list[CheckResult]:
    """Say which model to take.

    :param scores: what :func:`score_models` gave.
    :param min_accuracy: the requirement they were scored against.
    :param if_unmet: what to do if none meets it: ``fail``, or take the ``cheapest``, since the others are no better.
    """
    best = chosen(scores)
    if best is not None:
        outcome = Outcome.PASS
        message = f"{best.model} is the cheapest that meets it: right in at least {best.low:.4f} of the rows."
    else:
        all_bad = all(score.outcome is Outcome.BREACH for score in scores)
        outcome = Outcome.BREACH if all_bad else Outcome.UNDECIDED
        message = _unmet(scores, min_accuracy)
        if if_unmet == "cheapest":
            message += f" {scores[0].model} is taken, the cheapest, as if_unmet='cheapest' says."
    severity = Severity.WARN if best is None and if_unmet == "cheapest" else Severity.ERROR
    value = best.low if best else max(score.low for score in scores)
    return [
        CheckResult(
            check="models.accuracy",
            outcome=outcome,
            message=message,
            value=value,
            limit=min_accuracy,
            severity=severity,
        )
    ]


def _unmet(scores: list[ModelScore], min_accuracy: float) -> str:
    best = max(scores, key=lambda score: score.low)
    head = f"No model is shown to be right in {min_accuracy:g} of the rows; the best, {best.model}, in {best.low:.4f}"
    wanting = [(score.missing, score.model) for score in scores if score.missing]
    if all(score.outcome is Outcome.BREACH for score in scores):
        return f"{head}, and more labels would not help."
    if not wanting:
        return f"{head}. What was seen is not good enough, but too little to be sure: more labels may help."
    count, model = min(wanting)
    return f"{head}. For {model} about {count:,} labels are missing, if they are like those seen."
