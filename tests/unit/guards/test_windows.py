from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_aiguard.core.errors import NotRecordedError
from airflow_provider_aiguard.core.reference import Reference
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.windows import others, window
from airflow_provider_aiguard.store.profiles import Batch

MONDAY = datetime(2026, 1, 5, 8, tzinfo=UTC)
TRAILING = Reference.trailing("r", batches=3)


def identity(day, *, task="check", **fields):
    date = MONDAY + timedelta(days=day)
    return RunIdentity(
        **{
            "run_id": f"{day}",
            "dag_id": "d",
            "dag_run_id": f"run-{day}",
            "task_id": task,
            "logical_date": date.isoformat(),
            **fields,
        }
    )


def batch(day, outcome=Outcome.PASS, *, excluded=False, **fields):
    return Batch(id=day, identity=identity(day, **fields), saved_at=MONDAY, outcome=outcome, excluded=excluded)


def days(batches):
    return [b.id for b in batches]


def test_the_last_batches_before_this_one():
    known = [batch(day) for day in range(10)]
    assert days(window(known, TRAILING, identity(7))) == [4, 5, 6]
    assert days(window(known[:2], TRAILING, identity(7))) == [0, 1]
    assert window([], TRAILING, identity(7)) == []


def test_own_tries_baselines_and_what_people_left_out_are_no_batches():
    known = [batch(0), batch(1, excluded=True), batch(2, None), batch(3), batch(4)]
    assert days(others(known, identity(3))) == [0, 4]
    assert days(others(known, identity(3, task="another"))) == [0, 3, 4]
    assert days(others(known, RunIdentity(run_id="by hand"))) == [0, 3, 4]


def test_breaches_stay_in_a_trailing_window():
    known = [batch(0), batch(1, Outcome.BREACH), batch(2, Outcome.UNDECIDED)]
    assert days(window(known, TRAILING, identity(3))) == [0, 1, 2]


def test_the_previous_batch_is_the_last_that_passed():
    known = [batch(0, Outcome.UNDECIDED), batch(1), batch(2), batch(3, Outcome.BREACH), batch(4, Outcome.UNDECIDED)]
    previous = Reference.previous("r")
    assert days(window(known, previous, identity(9))) == [2]
    assert days(window(known, previous, identity(2))) == [1]
    assert days(window(known, previous, identity(1))) == [0], "the first batch could not pass"
    assert window([batch(0, Outcome.BREACH)], previous, identity(1)) == []


@pytest.mark.parametrize(("season", "day", "found"), [("weekday", 21, [0, 7, 14]), ("month", 26, [23, 24, 25])])
def test_seasons(season, day, found):
    known = [batch(day) for day in range(60)]
    assert days(window(known, Reference.seasonal("r", by=season, batches=3), identity(day))) == found


def test_hours():
    known = [batch(i, logical_date=(MONDAY + timedelta(hours=i)).isoformat()) for i in range(72)]
    now = identity(0, logical_date=(MONDAY + timedelta(hours=72)).isoformat())
    assert days(window(known, Reference.seasonal("r", by="hour"), now)) == [0, 24, 48]


def test_a_season_needs_a_date():
    with pytest.raises(NotRecordedError, match="Reference 'r' is seasonal, and this run has no logical date"):
        window([batch(0)], Reference.seasonal("r", by="hour"), identity(1, logical_date=""))
    undated = [batch(0, logical_date=""), batch(14)]
    assert days(window(undated, Reference.seasonal("r", by="weekday"), identity(21))) == [14]
    assert days(window(undated, TRAILING, identity(1, logical_date=""))) == [0, 14]
