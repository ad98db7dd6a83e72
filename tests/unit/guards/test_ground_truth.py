from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.evidence import TruthEvidence
from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.ground_truth import evaluate


def judge(correct, labels, inferred=None, **limits):
    evidence = TruthEvidence(
        column="late",
        truth_column="was",
        inferred=labels if inferred is None else inferred,
        labels=labels,
        correct=correct,
    )
    accuracy, share = evaluate(evidence, GroundTruthLimits(**{"min_accuracy": 0.8, **limits}))
    assert (accuracy.check, share.check) == ("ground_truth.accuracy", "ground_truth.share")
    return accuracy, share


@pytest.mark.parametrize(
    ("correct", "labels", "outcome"),
    [
        (770, 1_000, Outcome.BREACH),  # interval 0.743 to 0.796
        (776, 1_000, Outcome.PASS),  # up to 0.8015
        (860, 1_000, Outcome.PASS),
        (77, 100, Outcome.PASS),  # too few to blame
        (0, 30, Outcome.BREACH),
    ],
)
def test_a_breach_is_beyond_chance(correct, labels, outcome):
    assert judge(correct, labels)[0].outcome is outcome


def test_too_few_labels_are_undecided():
    assert judge(0, 29)[0].outcome is Outcome.UNDECIDED
    assert "30 labels are needed to decide" in judge(0, 29)[0].message
    assert judge(0, 29, min_labels=29)[0].outcome is Outcome.BREACH


def test_too_small_a_share_of_the_truth_is_undecided():
    accuracy, share = judge(0, 499, 1_000)
    assert (accuracy.outcome, share.outcome) == (Outcome.UNDECIDED, Outcome.UNDECIDED)
    accuracy, share = judge(0, 500, 1_000)
    assert (accuracy.outcome, share.outcome) == (Outcome.BREACH, Outcome.PASS)


@pytest.mark.parametrize("inferred", [0, 40])
def test_no_truth_is_undecided(inferred):
    accuracy, share = judge(0, 0, inferred, min_truth_share=0)
    assert accuracy.outcome is Outcome.UNDECIDED
    assert accuracy.value is None
    assert accuracy.message == f"late: no truth has arrived for {inferred} inferred values"
    assert share.outcome is (Outcome.PASS if inferred else Outcome.UNDECIDED)


def test_the_interval_is_printed():
    accuracy, share = judge(770, 1_000, 1_250)
    assert accuracy.message == "late: accuracy 0.77, 95% interval 0.7426 to 0.7958 over 1000 labels (limit 0.8)"
    assert accuracy.detail == {
        "low": pytest.approx(0.7426, abs=1e-4),
        "high": pytest.approx(0.7958, abs=1e-4),
        "labels": 1_000,
        "truth_share": 0.8,
    }
    assert share.message == "late: the truth of 1000 of 1250 inferred values is in (80.0%, 50.0% needed)"
    assert "the limit lies inside the interval" in judge(80, 100)[0].message
