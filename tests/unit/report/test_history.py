from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_aiguard.core.run import RunState
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.report.history import as_utc, date_of, history_of

FEB, MARCH = datetime(2013, 2, 1, tzinfo=UTC), datetime(2013, 3, 1, tzinfo=UTC)
START = datetime(2026, 1, 1, 12, 30, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    ("logical", "date"),
    [
        ("2013-02-01T00:00:00+00:00", FEB),
        ("2013-02-01T02:00:00+02:00", FEB),
        ("2013-02-01", FEB),
        ("2013-02-01T00:00:59.9Z", FEB),
        ("", START.replace(second=0)),
        ("not a date", START.replace(second=0)),
    ],
)
def test_date_is_the_logical_date_or_when_it_started(make_run, make_verdict, logical, date):
    assert date_of(make_run(logical, started_at=START)) == date
    assert date_of(make_verdict(logical, recorded_at=START)) == date


def test_time_without_zone_is_utc():
    assert as_utc(FEB.replace(tzinfo=None)) == FEB


@pytest.mark.parametrize(
    ("dates", "labels"),
    [
        ((MARCH, FEB), ("2013-02", "2013-03")),
        ((FEB, datetime(2013, 2, 2, tzinfo=UTC)), ("2013-02-01", "2013-02-02")),
        ((FEB, datetime(2013, 2, 1, 6, tzinfo=UTC)), ("2013-02-01 00:00", "2013-02-01 06:00")),
        ((), ()),
    ],
)
def test_labels_are_as_short_as_tells_dates_apart(make_run, dates, labels):
    history = history_of([make_run(date) for date in dates], [])
    assert history.labels == labels
    assert tuple(map(history.label, history.runs)) == labels


def test_a_later_verdict_of_the_same_task_replaces(make_verdict):
    first = make_verdict(FEB, outcome=Outcome.BREACH)
    second = make_verdict(FEB, try_number=2)
    assert history_of([], [second, first]).standing == (second,)


@pytest.mark.parametrize("other", [{"task": "b"}, {"map_index": 1}, {"guard": "drift"}, {"subject": "t"}, {"dag": "d"}])
def test_another_task_guard_or_subject_replaces_nothing(make_verdict, other):
    first = make_verdict(FEB, outcome=Outcome.BREACH)
    history = history_of([], [first, make_verdict(FEB, try_number=2, **other)])
    assert first in history.standing
    assert history.breaches == 1


@pytest.mark.parametrize(
    ("state", "stands"), [(RunState.SUCCESS, False), (RunState.FAILED, True), (RunState.RUNNING, True)]
)
def test_only_a_try_that_succeeded_replaces_a_refusal(make_run, make_verdict, state, stands):
    refusal = make_verdict(FEB, task="score", guard="budget", outcome=Outcome.BREACH)
    history = history_of([make_run(FEB, try_number=2, state=state)], [refusal])
    assert (refusal in history.standing) is stands


def test_a_verdict_of_the_try_that_succeeded_stands(make_run, make_verdict):
    verdict = make_verdict(FEB, task="score", guard="budget", outcome=Outcome.BREACH)
    assert history_of([make_run(FEB)], [verdict]).standing == (verdict,)


def test_outside_airflow_nothing_replaces(make_verdict):
    alone = {"dag": "", "task": "", "dag_run_id": ""}
    verdicts = [make_verdict(FEB, run_id=run, **alone) for run in "ab"]
    assert len(history_of([], verdicts).standing) == 2


def test_the_last_try_that_wrote_counts(make_run):
    wrote = make_run(FEB)
    refused = make_run(FEB, try_number=2, rows=0, state=RunState.FAILED)
    history = history_of([refused, wrote], [])
    assert history.written == (wrote,)
    assert history.last_tries == (refused,)
    assert history.cost_micros == 4_000


def test_by_dag_keeps_order_and_parts(make_run, make_verdict):
    parts = history_of([make_run(dag="b"), make_run(dag="a")], [make_verdict(dag="c")]).by_dag
    assert list(parts) == ["a", "b", "c"]
    assert [(len(part.runs), len(part.verdicts)) for part in parts.values()] == [(1, 0), (1, 0), (0, 1)]


def test_newest_keeps_whole_dates(make_run, make_verdict):
    history = history_of([make_run(FEB), make_run(MARCH)], [make_verdict(FEB), make_verdict(MARCH)])
    cut = history.newest(1)
    assert cut.dates == (MARCH,)
    assert (len(cut.runs), len(cut.verdicts)) == (1, 1)
    assert history.newest(2) is history


def test_order_is_the_same_however_records_came(make_run, make_verdict):
    runs = [make_run(FEB, run_id=run) for run in "bca"]
    verdicts = [make_verdict(FEB, subject=subject) for subject in "bca"]
    one, other = history_of(runs, verdicts), history_of(runs[::-1], verdicts[::-1])
    assert (one.runs, one.verdicts, one.standing) == (other.runs, other.verdicts, other.standing)
