from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from airflow_provider_aiguard.core.certificate import THRESHOLDS
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.acceptance import evaluate, learn_acceptance
from airflow_provider_aiguard.tables.graded import Graded


def graded(n: int = 1_000, *, wrong_below: float = 0.8, seed: int = 1) -> Graded:
    """Confidences spread evenly; below ``wrong_below`` a third is wrong, above one in 200; the strong has all right."""
    rng = np.random.default_rng(seed)
    sure = rng.random(n)
    right = rng.random(n) < np.where(sure < wrong_below, 0.67, 0.995)
    return Graded(
        table="labelled",
        right={"cheap": right, "strong": np.ones(n, dtype=bool)},
        confidences={"cheap": sure, "strong": np.full(n, np.nan)},
    )


def test_an_error_of_the_accepted() -> None:
    found = learn_acceptance(graded(3_000), "cheap", max_error=0.05, model="cheap@1")
    assert found.threshold is not None
    assert 0.7 <= found.threshold <= 0.85
    assert found.accepted == pytest.approx((1 - found.threshold) * 3_000, abs=120)
    assert binom.cdf(found.bad, found.accepted, 0.05) <= 0.05
    assert (found.promise, found.model, found.learnt_on, found.missing) == ("error", "cheap@1", "labelled", None)
    (check,) = evaluate(found)
    assert (check.outcome, check.value) == (Outcome.PASS, found.threshold)


def test_a_loss_against_the_stronger_model() -> None:
    found = learn_acceptance(graded(3_000), "cheap", max_loss=0.02, stronger="strong")
    assert found.threshold in THRESHOLDS
    # A third of what lies between the threshold and 0.8 is lost.
    assert 0.7 <= (found.threshold or 0) <= 0.8
    assert binom.cdf(found.bad, 3_000, 0.02) <= 0.05


def test_what_both_models_have_wrong_is_not_lost() -> None:
    alike = graded(500)
    same = Graded(table="t", right={**alike.right, "strong": alike.right["cheap"]}, confidences=alike.confidences)
    assert learn_acceptance(same, "cheap", max_loss=0.01, stronger="strong").threshold == 0.0


@pytest.mark.parametrize(("labels", "missing"), [(100, 199), (298, 1)])
def test_too_few_labels_say_how_many_are_missing(labels: int, missing: int) -> None:
    perfect = Graded(
        table="t", right={"cheap": np.ones(labels, dtype=bool), "strong": np.ones(labels, dtype=bool)},
        confidences={"cheap": np.full(labels, 1.0)},
    )  # fmt: skip
    found = learn_acceptance(perfect, "cheap", max_loss=0.01, stronger="strong")
    assert (found.threshold, found.missing) == (None, missing)
    assert evaluate(found)[0].outcome is Outcome.UNDECIDED
    assert f"about {missing} more labels" in str(found)


def test_claims_that_are_never_good_enough_are_a_breach() -> None:
    bad = graded(2_000, wrong_below=1.0)
    found = learn_acceptance(bad, "cheap", max_error=0.05)
    # Of two rows that it is surer of than 0.999, nobody knows.
    assert (found.threshold, found.missing, evaluate(found)[0].outcome) == (None, None, Outcome.UNDECIDED)
    sure = np.where(bad.confidences["cheap"] < 0.9, bad.confidences["cheap"], 1.0)
    surer = Graded(table="t", right=bad.right, confidences={"cheap": sure})
    found = learn_acceptance(surer, "cheap", max_error=0.05)
    assert (found.threshold, found.missing, evaluate(found)[0].outcome) == (None, None, Outcome.BREACH)


@pytest.mark.parametrize(("bad", "outcome"), [(1, Outcome.UNDECIDED), (2, Outcome.UNDECIDED), (4, Outcome.BREACH)])
def test_a_few_claims_that_are_wrong_may_be_chance(bad: int, outcome: Outcome) -> None:
    right = np.arange(10) >= bad
    found = learn_acceptance(
        Graded(table="t", right={"cheap": right}, confidences={"cheap": np.ones(10)}), "cheap", max_error=0.05
    )
    # Exact: 4 wrong or more of 10, at 5 % wrong, are below 0.05; 2 or more are not.
    assert (binom.sf(bad - 1, 10, 0.05) < 0.05) == (outcome is Outcome.BREACH)
    assert (found.threshold, found.missing, evaluate(found)[0].outcome) == (None, None, outcome)
    assert ("more labels may help" in str(found)) == (outcome is Outcome.UNDECIDED)


def test_nobody_sure_enough_to_start_from_is_undecided() -> None:
    unsure = graded(100)
    nobody = Graded(table="t", right=unsure.right, confidences={"cheap": np.full(100, np.nan)})
    assert evaluate(learn_acceptance(nobody, "cheap", max_error=0.05))[0].outcome is Outcome.UNDECIDED


def test_rows_without_a_confidence_are_not_accepted() -> None:
    half = graded(1_000)
    sure = np.where(np.arange(1_000) % 2, np.nan, 1.0)
    found = learn_acceptance(Graded(table="t", right=half.right, confidences={"cheap": sure}), "cheap", max_error=0.5)
    assert (found.threshold, found.accepted) == (0.0, 500)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Give max_error or max_loss, one of them"),
        ({"max_error": 0.1, "max_loss": 0.1, "stronger": "strong"}, "one of them"),
        ({"max_error": 0.1, "stronger": "strong"}, "belong together"),
        ({"max_loss": 0.1}, "belong together"),
        ({"max_error": 1.0}, r"share in \(0, 1\); got 1.0"),
        ({"max_error": 0.1, "delta": 0.0}, r"delta must be a share"),
        ({"max_error": 0.1, "thresholds": [0.5, 0.9]}, "thresholds must fall"),
        ({"max_error": 0.1, "thresholds": []}, "thresholds must fall"),
    ],
)
def test_what_promises_nothing(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        learn_acceptance(graded(10), "cheap", **options)


def test_answers_without_confidence() -> None:
    bare = Graded(table="t", right={"cheap": np.ones(5, dtype=bool)}, confidences={})
    with pytest.raises(ConfigurationError, match="no cheap__confidence beside it"):
        learn_acceptance(bare, "cheap", max_error=0.1)
