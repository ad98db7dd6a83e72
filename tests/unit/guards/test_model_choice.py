from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from scipy.stats import binom

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.guards.model_choice import chosen, evaluate, score_models
from airflow_provider_aiguard.tables.graded import Graded

PRICES = {"large": Decimal("0.01"), "small": Decimal("0.001"), "middle": Decimal("0.002")}


def graded(n: int, **wrong: int) -> Graded:
    return Graded(table="t", right={name: np.arange(n) >= k for name, k in wrong.items()}, confidences={})


def outcome_of(scores: list, **options: str) -> Outcome:
    checks = evaluate(scores, min_accuracy=0.9, **options)
    return Verdict(guard="models", subject="t", checks=tuple(checks)).outcome


def test_the_cheapest_whose_lower_bound_is_high_enough() -> None:
    scores = score_models(graded(500, small=60, middle=20, large=5), PRICES, min_accuracy=0.9)
    assert [(s.model, s.outcome) for s in scores] == [
        ("small", Outcome.UNDECIDED), ("middle", Outcome.PASS), ("large", Outcome.PASS),
    ]  # fmt: skip
    best = chosen(scores)
    assert best is not None
    assert (best.model, best.accuracy, outcome_of(scores)) == ("middle", 0.96, Outcome.PASS)
    # Exact: at the bound, so many hits or more have the probability that each model was given.
    assert binom.sf(479, 500, best.low) == pytest.approx(0.05 / 3)


def test_what_was_seen_is_not_enough() -> None:
    scores = score_models(graded(50, small=2), {"small": Decimal(1)}, min_accuracy=0.9)
    assert (scores[0].accuracy, scores[0].outcome, chosen(scores)) == (0.96, Outcome.UNDECIDED, None)
    (check,) = evaluate(scores, min_accuracy=0.9)
    assert f"For small about {scores[0].missing} labels are missing" in check.message
    enough = 50 + (scores[0].missing or 0)
    again = score_models(graded(enough, small=round(enough * 0.04)), {"small": Decimal(1)}, min_accuracy=0.9)
    assert again[0].outcome is Outcome.PASS


def test_models_that_are_too_bad_for_sure_are_a_breach() -> None:
    scores = score_models(
        graded(500, small=200, large=150), {k: PRICES[k] for k in ("small", "large")}, min_accuracy=0.9
    )
    assert (outcome_of(scores), chosen(scores)) == (Outcome.BREACH, None)
    assert "more labels would not help" in evaluate(scores, min_accuracy=0.9)[0].message


def test_a_few_wrong_answers_may_be_chance() -> None:
    scores = score_models(graded(20, small=4), {"small": Decimal(1)}, min_accuracy=0.9)
    assert (scores[0].outcome, scores[0].missing) == (Outcome.UNDECIDED, None)
    assert "more labels may help" in evaluate(scores, min_accuracy=0.9)[0].message


def test_if_none_is_good_enough_the_cheapest_may_be_taken_anyway() -> None:
    scores = score_models(
        graded(500, small=200, large=150), {k: PRICES[k] for k in ("small", "large")}, min_accuracy=0.9
    )
    taken = chosen(scores, "cheapest")
    assert (taken and taken.model, outcome_of(scores, if_unmet="cheapest")) == ("small", Outcome.PASS)
    (check,) = evaluate(scores, min_accuracy=0.9, if_unmet="cheapest")
    assert (check.outcome, "small is taken, the cheapest" in check.message) == (Outcome.BREACH, True)


@pytest.mark.parametrize(("accuracy", "delta"), [(1.0, 0.05), (0.9, 0.0)])
def test_shares_are_shares(accuracy: float, delta: float) -> None:
    with pytest.raises(ConfigurationError, match=r"must be in \(0, 1\)"):
        score_models(graded(5, small=1), {"small": Decimal(1)}, min_accuracy=accuracy, delta=delta)
