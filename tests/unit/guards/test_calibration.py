from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.calibration import BINS, CalibrationBin, CalibrationEvidence
from airflow_provider_aiguard.core.limits.calibration import CalibrationLimits
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.calibration import evaluate


def bins(n, correct, confidence=0.9):
    """All labels in one bin."""
    filled = [CalibrationBin()] * BINS
    filled[13] = CalibrationBin(n=n, confidence=n * confidence, correct=correct)
    return tuple(filled)


def evidence(n, correct, inferred=None, confidence=0.9, without=0):
    right, wrong = (1 - confidence) ** 2, confidence**2
    return CalibrationEvidence(
        column="late",
        truth_column="was",
        inferred=inferred or n,
        labels=n + without,
        bins=bins(n, correct, confidence),
        squares=correct * right + (n - correct) * wrong,
        fourths=correct * right**2 + (n - correct) * wrong**2,
    )


def one(found, name):
    (check,) = [c for c in found if c.check == f"calibration.{name}"]
    return check


@pytest.mark.parametrize(
    ("correct", "outcome"),
    [
        (9_000, Outcome.PASS),
        (8_500, Outcome.PASS),  # .05, interval .043 to .057
        (8_430, Outcome.PASS),  # .057, from .0499
        (8_420, Outcome.BREACH),
        (10_000, Outcome.BREACH),  # too modest is wrong, too
    ],
)
def test_a_breach_needs_the_whole_interval(correct, outcome):
    found = evaluate(evidence(10_000, correct), CalibrationLimits(max_ece=0.05))
    assert [c.check for c in found] == ["calibration.ece", "calibration.share"]
    assert found[0].outcome is outcome


def test_the_interval_is_printed():
    found = one(evaluate(evidence(1_000, 800), CalibrationLimits(max_ece=0.09)), "ece")
    assert found.message == (
        "late: calibration error 0.1, 95% interval 0.07562 to 0.1262 over 1000 labels (limit 0.09); the limit lies "
        "inside the interval"
    )
    assert (found.value, found.detail["labels"]) == (pytest.approx(0.1), 1_000)


def test_the_reliability_table_is_in_the_detail():
    (row,) = one(evaluate(evidence(1_000, 800), CalibrationLimits(max_ece=0.09)), "ece").detail["reliability"]
    assert (row["confidence"], row["right"], row["labels"]) == (pytest.approx(0.9), 0.8, 1_000)
    assert row["low"] < 0.8 < row["high"] < 0.9


def test_the_brier_score_has_its_own_limit():
    calm, bad = evidence(1_000, 900), evidence(1_000, 500)
    limits = CalibrationLimits(max_brier=0.12)
    assert one(evaluate(calm, limits), "brier").value == pytest.approx(0.09)
    assert one(evaluate(calm, limits), "brier").outcome is Outcome.PASS
    assert one(evaluate(bad, limits), "brier").outcome is Outcome.BREACH


def test_too_few_labels_or_too_small_a_share_are_undecided():
    found = evaluate(evidence(499, 0), CalibrationLimits(max_ece=0.05))
    assert [c.outcome for c in found] == [Outcome.UNDECIDED, Outcome.PASS]
    assert "500 labels are needed to decide" in found[0].message
    found = evaluate(evidence(600, 0, inferred=1_201), CalibrationLimits(max_ece=0.05))
    assert [c.outcome for c in found] == [Outcome.UNDECIDED, Outcome.UNDECIDED]
    assert "600 of 1201 inferred values have both a truth and a confidence (50.0%, 50.0% needed)" in found[1].message


def test_nothing_is_undecided():
    empty = CalibrationEvidence(column="late", truth_column="was", inferred=0, labels=0)
    found = evaluate(empty, CalibrationLimits(max_ece=0.05, max_brier=0.1))
    assert {c.outcome for c in found} == {Outcome.UNDECIDED}
    assert found[0].message == "late: no label has a confidence"


def test_labels_without_a_confidence_are_told():
    found = evaluate(evidence(600, 540, without=7), CalibrationLimits(max_ece=0.05))
    assert found[-1].detail == {"labels": 607, "without_confidence": 7}


class TestRise:
    limits = CalibrationLimits(max_rise=0.02)

    def rise(self, correct, before):
        return one(evaluate(evidence(10_000, correct), self.limits, before), "rise")

    def test_a_breach_is_beyond_what_both_intervals_allow(self):
        before = bins(10_000, 9_000)
        assert self.rise(9_000, before).outcome is Outcome.PASS
        assert self.rise(8_700, before).outcome is Outcome.PASS
        found = self.rise(8_500, before)
        assert (found.outcome, found.value) == (Outcome.BREACH, pytest.approx(0.05))
        assert "calibration error 0.05 after 0 in the reference: +0.05, 95% interval +0.0" in found.message

    def test_a_fall_is_none(self):
        assert self.rise(9_000, bins(10_000, 6_000)).outcome is Outcome.PASS

    @pytest.mark.parametrize("before", [None, (), bins(499, 449)])
    def test_without_a_reference_it_is_undecided(self, before):
        found = self.rise(5_000, before)
        assert found.outcome is Outcome.UNDECIDED
        assert f"the reference has {499 if before else 0} labels, 500 needed" in found.message
