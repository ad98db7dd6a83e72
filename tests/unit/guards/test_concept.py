"""The concept drift guard on histories made up run by run."""

from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.concept import ConceptEvidence, ConceptRun, TruthSignature
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.concept import ConceptLimits
from airflow_provider_aiguard.core.verdict import Outcome, Severity
from airflow_provider_aiguard.guards.concept import evaluate, regime_name

N = 200
GOOD, BAD = (18, 21, 20, 19, 22), (41, 38, 42, 39, 40)
"""Errors of 200 that follow each other before and after a change."""

CELLS = {GOOD: (0.25, 0.25, 0.25, 0.25), BAD: (0.7, 0.1, 0.1, 0.1)}
"""Where the errors lie, by confidence quartile."""


def signature(errors, level, n=N):
    """Right ones spread evenly; wrong ones lie where the concept puts them."""
    wrong = [round(errors * share) for share in CELLS[level]]
    wrong[0] += errors - sum(wrong)
    right = [(n - errors) // 4] * 4
    right[3] += n - errors - sum(right)
    return TruthSignature(edges=(0.6, 0.7, 0.8), counts={"true": (*right, 0, *wrong, 0)})


def month(i):
    return f"{2013 + i // 12}-{i % 12 + 1:02d}-01T00:00:00+00:00"


def history(*stretches, day=month):
    """Stretches of (runs, level, model) in a row."""
    runs = []
    for count, level, model in stretches:
        for j in range(count):
            errors = level[j % len(level)]
            runs.append(
                ConceptRun(
                    when=day(len(runs)),
                    inferred=N,
                    labels=N,
                    errors=errors,
                    model=model,
                    signature=signature(errors, level),
                )
            )
    return tuple(runs)


def judge(runs, since="", **limits):
    checks = evaluate(ConceptEvidence(column="late", runs=runs, since=since), ConceptLimits(**limits))
    assert [c.check for c in checks] == ["concept.change", "concept.type", "concept.recurrence"]
    assert [c.severity for c in checks] == [Severity.ERROR, Severity.WARN, Severity.WARN]
    assert {c.column for c in checks} == {"late"}
    return checks


def test_nothing_changed():
    change, kind, recurrence = judge(history((20, GOOD, "m@1")))
    assert [c.outcome for c in (change, kind, recurrence)] == [Outcome.PASS] * 3
    assert change.message.startswith("late: error rate 10.0% over 20 runs, evidence of a change ")
    assert "(limit 1000); a rise to 16.5% would be seen in 4 runs" in change.message
    assert change.value < change.limit == 1_000
    assert kind.message == "late: no change"


def test_where_too_little_is_known_no_check_says_that_nothing_changed():
    checks = judge(history((5, GOOD, "m@1")))
    assert {c.outcome for c in checks} == {Outcome.UNDECIDED}
    assert [c.message for c in checks[1:]] == ["late: too few runs to tell of a change"] * 2


def test_too_few_runs_are_undecided():
    change, *_ = judge(history((9, GOOD, "")))
    assert change.outcome is Outcome.UNDECIDED
    assert change.message == "late: 9 of 10 runs that a baseline needs, error rate 9.9% so far"
    assert judge(history((10, GOOD, "")))[0].outcome is Outcome.PASS
    blind = judge(history((3, GOOD, "")), min_runs=3)[0]
    assert (blind.outcome, "no rise would be seen yet" in blind.message) == (Outcome.UNDECIDED, True)


def test_a_change_is_a_breach_with_both_rates_and_since_when():
    change, kind, recurrence = judge(history((20, GOOD, "m@1"), (3, BAD, "m@1")))
    assert change.outcome is Outcome.BREACH
    assert "late: error rate 10.0% before 2014-09, 20.2% now, 3 runs later; evidence of a change " in change.message
    assert change.detail["since"] == "2014-09"
    assert kind.outcome is Outcome.UNDECIDED
    assert kind.message == "late: not yet typed: 3 of 8 runs surely at the new level"
    assert "new: like none of 0 earlier regimes of this model; train a model for it" in recurrence.message


def test_a_change_that_is_a_trifle_is_none_however_certain():
    runs = [
        ConceptRun(when=month(i), inferred=100_000, labels=100_000, errors=10_000 + 10 * (i % 3) + 600 * (i >= 20))
        for i in range(30)
    ]
    change, *_ = judge(tuple(runs))
    assert change.outcome is Outcome.PASS
    assert "error rate 10.0% before 2014-09, 10.6% now" in change.message
    assert change.message.endswith("; less than the 1.0% that matter")
    assert judge(tuple(runs), min_change=0.005)[0].outcome is Outcome.BREACH


def test_a_rate_that_falls_is_a_change_too():
    change, *_ = judge(history((20, BAD, ""), (4, GOOD, "")))
    assert change.outcome is Outcome.BREACH
    assert "20.0% before 2014-09, 9.8% now" in change.message


def test_an_abrupt_change_is_typed_after_eight_runs():
    for there, outcome in ((7, Outcome.UNDECIDED), (8, Outcome.BREACH)):
        kind = judge(history((20, GOOD, ""), (there, BAD, "")))[1]
        assert kind.outcome is outcome
    assert kind.message.startswith("late: abrupt since 2014-09 (probability ")
    assert kind.message.endswith("retrain now, on what came since the change")
    assert sum(kind.detail.values()) == pytest.approx(1)
    assert kind.value == kind.detail["abrupt"] > 0.8


def test_few_runs_are_not_typed():
    kind = judge(history((7, GOOD, ""), (4, BAD, "")), run_length=10)[1]
    assert kind.message == "late: not yet typed: 11 of 12 runs"


def test_an_alarm_stands_until_another_model_runs():
    runs = history((20, GOOD, "m@1"), (12, BAD, "m@1"))
    assert judge(runs)[0].outcome is Outcome.BREACH
    change, *_ = judge((*runs, *history((3, GOOD, "m@2"))))
    assert change.outcome is Outcome.UNDECIDED
    assert change.message.startswith("late: 3 of 10 runs that a baseline needs")
    assert judge((*runs, *history((11, GOOD, "m@2"))))[0].outcome is Outcome.PASS


def test_another_model_without_an_alarm_changes_nothing():
    change, *_ = judge(history((8, GOOD, "m@1"), (8, GOOD, "m@2")))
    assert "over 16 runs" in change.message


def test_a_person_may_say_since_when_the_present_counts():
    runs = history((20, GOOD, ""), (12, BAD, ""))
    change, *_ = judge(runs, since="2014-09-01")
    assert change.outcome is Outcome.PASS
    assert "error rate 20.0% over 12 runs" in change.message
    with pytest.raises(ConfigurationError, match="since must be a date such as '2013-07-01'; got 'July'"):
        judge(runs, since="July")


def test_a_regime_that_comes_back_is_named_and_the_alarm_is_over_if_it_is_the_models_own():
    change, kind, recurrence = judge(history((20, GOOD, "m@1"), (15, BAD, "m@1"), (15, GOOD, "m@1")))
    assert recurrence.outcome is Outcome.PASS
    assert "late: as in 2013-01 (p " in recurrence.message
    assert recurrence.message.endswith("the model that runs was right then")
    assert change.outcome is Outcome.PASS
    assert change.message.endswith("; the concept of 2013-01 is back")
    assert "recurring since 2014-09" in kind.message
    assert kind.message.endswith("keep a model for each of the two levels and restore the one that fits")


def test_a_regime_that_another_model_was_trained_for_says_which():
    before = history((20, GOOD, "m@1"), (12, BAD, "m@1"), (12, GOOD, "m@2"), (12, BAD, "m@2"))
    runs = (*before, *history((15, GOOD, "m@1"), (6, BAD, "m@1")))
    change, _, recurrence = judge(runs)
    assert change.outcome is Outcome.BREACH
    assert "as in 20" in recurrence.message
    assert recurrence.message.endswith("restore the model of then, m@2")


def test_a_regime_nobody_trained_a_model_for_says_so():
    runs = history((20, GOOD, ""), (12, BAD, ""), (12, GOOD, ""), (6, BAD, ""))
    change, _, recurrence = judge(runs)
    assert change.outcome is Outcome.BREACH
    assert "as in 2014-09 (p " in recurrence.message
    assert recurrence.message.endswith("no model was trained for it then: train one")


def test_a_recurrence_needs_labels():
    change, _, recurrence = judge(history((30, GOOD, ""), (2, BAD, "")))
    assert change.outcome is Outcome.BREACH
    assert recurrence.outcome is Outcome.UNDECIDED
    assert recurrence.message == ("late: 400 labels since the change, 500 needed to compare it with earlier regimes")


@pytest.mark.parametrize(
    ("labels", "inferred", "message"),
    [
        (0, 0, "late: the truth of 0 of 0 inferred values is in, 50.0% needed"),
        (0, 200, "late: the truth of 0 of 200 inferred values is in, 50.0% needed"),
        (99, 200, "late: the truth of 99 of 200 inferred values is in, 50.0% needed"),
        (29, 29, "late: 29 labels, 30 needed"),
    ],
)
def test_too_little_truth_is_undecided_and_no_part_of_the_history(labels, inferred, message):
    thin = ConceptRun(when=month(20), inferred=inferred, labels=labels, errors=labels)
    runs = history((20, GOOD, ""))
    checks = judge((*runs, thin))
    assert {c.outcome for c in checks} == {Outcome.UNDECIDED}
    assert {c.message for c in checks} == {message}
    assert judge((*runs[:10], thin, *runs[10:]))[0].message == judge(runs)[0].message


@pytest.mark.parametrize("errors", [0, N])
def test_a_rate_that_never_moves_is_no_change(errors):
    run = {"when": "", "inferred": N, "labels": N, "model": ""}
    runs = (*[ConceptRun(errors=errors, **run)] * 30, ConceptRun(errors=abs(errors - 1), **run))
    assert judge(runs)[0].outcome is Outcome.PASS


def test_names_of_regimes():
    assert regime_name(history((3, GOOD, "")), 1) == "2013-02"
    days = history((3, GOOD, ""), day=lambda i: f"2013-02-{i + 1:02d}T06:00:00+00:00")
    assert regime_name(days, 1) == "2013-02-02"
    assert regime_name(history((3, GOOD, ""), day=lambda i: ""), 1) == "run 2"
