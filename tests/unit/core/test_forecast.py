from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.evidence import BudgetStatus
from airflow_provider_aiguard.core.forecast import forecast, window_span
from airflow_provider_aiguard.core.run import RunIdentity

WHO = RunIdentity(run_id="r", dag_id="a day: 2026-01-01 tokens", dag_run_id="x", task_id="t")
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland"]


@given(
    st.integers(0, 315_360_000),
    st.sampled_from(["dag/day", "day", "month"]),
    st.sampled_from(["usd", "tokens", "calls"]),
    st.sampled_from(ZONES),
)
def test_a_moment_lies_in_the_span_of_its_window_whose_neighbours_are_others(seconds, per, unit, zone):
    now = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    budget = Budget("b", 1, per=per, unit=unit, time_zone=zone)
    span = window_span(budget.window(WHO, now))
    assert span is not None
    start, end = span
    assert start <= now < end
    assert budget.window(WHO, start) == budget.window(WHO, now) != budget.window(WHO, end)
    assert budget.window(WHO, start - timedelta(seconds=1)) != budget.window(WHO, now)


@pytest.mark.parametrize("per", ["task", "dag_run", "team"])
def test_a_window_that_never_turns_has_no_span(per):
    key = Budget("b", 1, per=per, unit="calls").window(WHO, datetime(2026, 11, 23, tzinfo=UTC))
    assert window_span(key) is None


def standing(spent: int, window: str = "day:2026-11-23") -> BudgetStatus:
    return BudgetStatus(name="b", window=window, limit=1_000, spent=spent, held=50)


def at(hour: float) -> datetime:
    return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hour)


def test_what_was_spent_goes_on_evenly():
    told = forecast(standing(300), at(6))
    assert told is not None
    assert (told.spent, told.limit, told.passed, told.ends_at) == (1_200, 1_000, 0.25, at(24))
    assert told.to_dict()["ends_at"] == "2026-11-24T00:00:00+00:00"


@pytest.mark.parametrize("hour", [-1, 0, 1, 24, 30])
def test_before_it_began_at_its_very_start_and_after_it_there_is_none(hour):
    assert forecast(standing(300), at(hour)) is None


def test_without_an_end_or_without_spending_there_is_none():
    assert forecast(standing(300, "team:"), at(6)) is None
    assert forecast(standing(0), at(6)) is None
