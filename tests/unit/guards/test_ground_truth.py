from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.calibration import EMPTY, CalibrationBin, CalibrationEvidence
from airflow_provider_aiguard.core.evidence import DelayEvidence, ErrorSums, TruthEvidence
from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
from airflow_provider_aiguard.core.verdict import Outcome, Severity, Verdict
from airflow_provider_aiguard.guards.ground_truth import estimate, evaluate


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


CONFUSION = {("true", "true"): 300, ("true", "false"): 100, ("false", "true"): 100, ("false", "false"): 500}


def measured(limits, confusion=None, labels=1_000, **more):
    evidence = TruthEvidence(
        column="late", truth_column="was", inferred=labels, labels=labels, correct=0, confusion=confusion or {}, **more
    )
    return evaluate(evidence, GroundTruthLimits(**limits))[0]


class TestClassScores:
    @pytest.mark.parametrize(
        ("metric", "value"), [("precision", 0.75), ("recall", 0.75), ("f1", 0.75), ("balanced_accuracy", 0.7917)]
    )
    def test_a_breach_is_beyond_chance(self, metric, value):
        found = measured({"metric": metric, "min_score": 0.7}, CONFUSION)
        assert (found.check, found.value) == (f"ground_truth.{metric}", pytest.approx(value, abs=1e-4))
        assert found.outcome is Outcome.PASS
        assert measured({"metric": metric, "min_score": 0.78}, CONFUSION).outcome is Outcome.PASS
        assert measured({"metric": metric, "min_score": 0.85}, CONFUSION).outcome is Outcome.BREACH

    def test_the_sentence_names_the_metric(self):
        found = measured({"metric": "balanced_accuracy", "min_score": 0.9}, CONFUSION)
        assert found.message.startswith("late: balanced accuracy 0.7917, 95% interval 0.76")

    @pytest.mark.parametrize(("positive", "value"), [(None, 0.75), (True, 0.75), ("true", 0.75), (False, 500 / 600)])
    def test_the_positive_class_is_the_true_one_or_the_one_named(self, positive, value):
        limits = {"metric": "precision", "min_score": 0.7, "positive": positive}
        assert measured(limits, CONFUSION).value == pytest.approx(value)

    @pytest.mark.parametrize("positive", [None, True, 1, "1"])
    def test_zero_and_one_are_false_and_true(self, positive):
        confusion = {("1", "1"): 80, ("0", "1"): 20}
        assert measured({"metric": "recall", "min_score": 0.7, "positive": positive}, confusion, 100).value == 0.8

    def test_of_several_classes_one_must_be_named(self):
        confusion = {("a", "a"): 50, ("b", "a"): 10, ("c", "c"): 40, ("NULL", "a"): 5}
        unnamed = measured({"metric": "f1", "min_score": 0.5}, confusion, 105)
        assert unnamed.outcome is Outcome.UNDECIDED
        assert unnamed.message == "late: f1 is about one class, and there are 3: name it with positive="
        named = measured({"metric": "recall", "min_score": 0.5, "positive": "a"}, confusion, 105)
        assert named.value == pytest.approx(50 / 65)

    def test_a_class_that_does_not_occur_has_no_score(self):
        found = measured({"metric": "f1", "min_score": 0.5, "positive": "z"}, {("a", "a"): 100}, 100)
        assert (found.outcome, found.value) == (Outcome.UNDECIDED, None)
        assert "does not occur" in found.message

    def test_balanced_accuracy_needs_labels_of_every_class(self):
        confusion = {("a", "a"): 500, ("b", "a"): 100, ("b", "b"): 29}
        found = measured({"metric": "balanced_accuracy", "min_score": 0.99}, confusion)
        assert found.outcome is Outcome.UNDECIDED
        assert "balanced accuracy needs 30 labels of every class; the rarest has 29" in found.message

    def test_values_that_are_no_classes_have_none_either(self):
        found = measured({"metric": "balanced_accuracy", "min_score": 0.5})
        assert found.outcome is Outcome.UNDECIDED
        assert "too many different values for balanced_accuracy" in found.message


class TestErrors:
    sums = ErrorSums.of([2 + (-1) ** i for i in range(100)])  # 3 and 1 in turn

    @pytest.mark.parametrize(("metric", "value"), [("mae", 2.0), ("rmse", 5**0.5), ("bias", 2.0)])
    def test_a_breach_needs_the_whole_interval_above_the_limit(self, metric, value):
        def judged(limit):
            return measured({"metric": metric, "max_error": limit}, labels=100, errors=self.sums)

        assert judged(1.0).value == pytest.approx(value)
        assert judged(1.0).outcome is Outcome.BREACH
        assert judged(value - 0.01).outcome is Outcome.PASS
        assert "the limit lies inside the interval" in judged(value - 0.01).message
        assert judged(5.0).outcome is Outcome.PASS

    def test_a_bias_downwards_is_one(self):
        down = ErrorSums.of([-2 - (-1) ** i for i in range(100)])
        assert measured({"metric": "bias", "max_error": 1.0}, labels=100, errors=down).outcome is Outcome.BREACH
        assert measured({"metric": "bias", "max_error": 1.95}, labels=100, errors=down).outcome is Outcome.PASS

    def test_a_label_without_an_error_is_undecided(self):
        found = measured({"metric": "mae", "max_error": 0.1}, labels=101, errors=self.sums)
        assert found.outcome is Outcome.UNDECIDED
        assert found.message == "late: 1 of 101 labels have no error: claim or truth is no finite number"

    def test_too_few_labels_are_undecided(self):
        found = measured({"metric": "mae", "max_error": 0.1}, labels=2, errors=ErrorSums.of([1, 2]))
        assert (found.outcome, found.detail["labels"]) == (Outcome.UNDECIDED, 2)

    def test_an_interval_without_ends_says_so(self):
        found = measured({"metric": "bias", "max_error": 0.1}, labels=1, errors=ErrorSums.of([1]))
        assert (found.detail["low"], found.detail["high"]) == (None, None)


class TestScorers:
    limits = GroundTruthLimits(metric="r2", min_score=0.8)

    def test_the_interval_decides(self):
        for high, outcome in ((0.79, Outcome.BREACH), (0.81, Outcome.PASS)):
            found = measured({"metric": "r2", "min_score": 0.8}, score=Interval(0.7, 0.6, high))
            assert (found.check, found.outcome, found.value) == ("ground_truth.r2", outcome, 0.7)

    def test_a_bootstrap_needs_two_hundred_labels(self):
        found = measured({"metric": "r2", "min_score": 0.8}, labels=199, score=Interval(0.1, 0.0, 0.2))
        assert found.outcome is Outcome.UNDECIDED
        assert "200 labels are needed to decide" in found.message

    @pytest.mark.parametrize("score", [None, Interval(None, 0.0, 0.0)])
    def test_no_score_is_undecided(self, score):
        found = measured({"metric": "r2", "min_score": 0.8}, score=score)
        assert found.outcome is Outcome.UNDECIDED
        assert "r2 has no value for these 1000 labels" in found.message


class TestDelay:
    def judge(self, **limits):
        delay = DelayEvidence(n=90, unknown=10, median=2 * 86_400.0, late=5 * 86_400.0)
        evidence = TruthEvidence(column="late", truth_column="was", inferred=100, labels=100, correct=90, delay=delay)
        *_, found = evaluate(evidence, GroundTruthLimits(min_accuracy=0.5, **limits))
        assert found.check == "ground_truth.delay"
        return found

    def test_without_a_limit_it_is_shown_and_does_not_decide(self):
        found = self.judge()
        assert (found.outcome, found.severity) == (Outcome.PASS, Severity.WARN)
        assert found.message == (
            "late: half of the truth came within 2 days after the claim, 95% within 5 days, over 90 labels; of 10 more "
            "it is not known"
        )

    def test_with_one_it_does(self):
        assert self.judge(max_delay=6 * 86_400.0).outcome is Outcome.PASS
        found = self.judge(max_delay=36 * 3_600.0)
        assert (found.outcome, found.severity) == (Outcome.BREACH, Severity.ERROR)
        assert "95% within 5 days (limit 36 hours)" in found.message

    def test_unknown_delays_are_undecided(self):
        delay = DelayEvidence(n=0, unknown=4, median=None, late=None)
        evidence = TruthEvidence(column="late", truth_column="was", inferred=4, labels=4, correct=4, delay=delay)
        found = evaluate(evidence, GroundTruthLimits(min_accuracy=0.5, max_delay=1.0))[2]
        assert found.outcome is Outcome.UNDECIDED
        assert "not known of any of 4 labels" in found.message


class TestEstimate:
    limits = GroundTruthLimits(min_accuracy=0.8)

    def bins(self, **filled):
        return (*EMPTY[:13], CalibrationBin(**filled), EMPTY[14])

    def judge(self, claims=2_000, known=1_000, correct=900):
        claimed = self.bins(n=claims, confidence=0.9 * claims) if claims else EMPTY
        evidence = CalibrationEvidence(column="late", truth_column="was", inferred=2_000, labels=0, claimed=claimed)
        return estimate(evidence, self.bins(n=known, confidence=0.9 * known, correct=correct), 3, self.limits)

    def test_it_says_that_it_is_one_and_never_decides(self):
        found = self.judge()
        assert (found.check, found.severity, found.outcome) == ("ground_truth.estimate", Severity.WARN, Outcome.PASS)
        assert found.message.startswith("late: an estimate, not the truth: accuracy 0.9, 95% interval 0.87")
        assert "of 2000 claims, from their confidences and 1000 labels of 3 earlier runs (limit 0.8)" in found.message
        low = self.judge(correct=700)
        assert (low.outcome, low.value) == (Outcome.BREACH, pytest.approx(0.7))
        assert Verdict(guard="ground_truth", subject="t", checks=(low, measured_share())).outcome is Outcome.PASS

    @pytest.mark.parametrize("missing", [{"claims": 0}, {"known": 29, "correct": 20}])
    def test_without_confidences_or_a_past_there_is_none(self, missing):
        found = self.judge(**missing)
        assert (found.outcome, found.value) == (Outcome.UNDECIDED, None)
        assert "none yet" in found.message


def measured_share():
    evidence = TruthEvidence(column="late", truth_column="was", inferred=10, labels=10, correct=10)
    return evaluate(evidence, GroundTruthLimits(min_accuracy=0.8))[1]
