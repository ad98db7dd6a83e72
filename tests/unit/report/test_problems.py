from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_aiguard.core.run import RunState
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity, Verdict
from airflow_provider_aiguard.report.history import history_of
from airflow_provider_aiguard.report.problems import MESSAGE_LENGTH, deciding_messages, problems_of, where

FEB, MARCH = datetime(2013, 2, 1, tzinfo=UTC), datetime(2013, 3, 1, tzinfo=UTC)


def test_breaches_then_undecided_then_failed_each_newest_first(make_run, make_verdict):
    runs = [make_run(FEB, state=RunState.FAILED, rejects=3), make_run(MARCH, state=RunState.ABANDONED)]
    verdicts = [
        make_verdict(FEB, outcome=Outcome.BREACH),
        make_verdict(MARCH, outcome=Outcome.BREACH),
        make_verdict(MARCH, task="b", outcome=Outcome.UNDECIDED),
        make_verdict(MARCH, task="c"),
    ]
    problems = problems_of(history_of(runs, verdicts))
    assert [(p.kind, p.date) for p in problems] == [
        ("breach", "2013-03"),
        ("breach", "2013-02"),
        ("undecided", "2013-03"),
        ("abandoned", "2013-03"),
        ("failed", "2013-02"),
    ]
    assert problems[3].messages[0].startswith("The task was killed")
    assert problems[4].messages == ["Failed with 3 of 100 rows rejected. The reason is in the task log."]
    assert problems[4].what == "run of late-gbm@jan-2013"


def test_of_one_date_the_last_recorded_comes_first(make_verdict):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    verdicts = [
        make_verdict(FEB, task=f"t{hour}", outcome=Outcome.BREACH, recorded_at=at + timedelta(hours=hour))
        for hour in (1, 3, 2)
    ]
    assert [p.where for p in problems_of(history_of([], verdicts))] == ["flights / t3", "flights / t2", "flights / t1"]


def test_a_refused_run_is_told_once_by_its_verdict(make_run, make_verdict):
    refused = make_run(FEB, state=RunState.FAILED, rows=0)
    verdict = make_verdict(
        FEB, task="score", guard="budget", subject="daily", outcome=Outcome.BREACH, message="no money"
    )
    (problem,) = problems_of(history_of([refused], [verdict]))
    assert (problem.what, problem.messages) == ("budget of daily", ["no money"])


@pytest.mark.parametrize("state", [RunState.SUCCESS, RunState.RUNNING])
def test_a_later_try_ends_the_problem_of_an_earlier(make_run, state):
    runs = [make_run(FEB, state=RunState.FAILED), make_run(FEB, try_number=2, state=state)]
    assert problems_of(history_of(runs, [])) == []


def _verdict(*checks):
    return Verdict(guard="drift", subject="t", checks=checks)


def _check(message, outcome=Outcome.BREACH, severity=Severity.ERROR):
    return CheckResult(check="drift.ks", outcome=outcome, message=message, severity=severity)


def test_messages_are_those_that_decided_and_few():
    checks = [_check(f"m{i}") for i in range(5)]
    noise = [_check("fine", Outcome.PASS), _check("only a warning", severity=Severity.WARN)]
    assert deciding_messages(_verdict(*noise, *checks)) == ["m0", "m1", "m2", "and 2 more checks"]
    assert deciding_messages(_verdict(*checks[:4]))[-1] == "and 1 more check"
    assert deciding_messages(_verdict()) == ["Nothing could be checked."]
    assert deciding_messages(_verdict(_check("w", severity=Severity.WARN))) == []


def test_a_long_message_is_cut():
    (message,) = deciding_messages(_verdict(_check("x" * 10_000)))
    assert len(message) == MESSAGE_LENGTH


def test_where_names_dag_task_and_map_index(make_run):
    assert where(make_run(map_index=3)) == "flights / score [3]"
    assert where(make_run(dag="", task="")) == "outside Airflow / -"
