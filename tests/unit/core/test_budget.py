from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from airflow_provider_aiguard.core.budget import Budget, BudgetWarning, level_of, unbounded
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.run import RunIdentity

RUN = RunIdentity(run_id="r", dag_id="flights", dag_run_id="manual__1", task_id="t", try_number=3)
EAST = timezone(timedelta(hours=14))
WEST = timezone(timedelta(hours=-12))


@pytest.mark.parametrize("limit", ["5.00", 5, Decimal("5.00")])
def test_a_limit_is_exact_micro_dollars(limit: str | int | Decimal) -> None:
    assert Budget("b", limit).limit_amount == 5_000_000


def test_a_limit_is_rounded_down_to_micro_dollars() -> None:
    assert Budget("b", "0.0000019").limit_amount == 1


@pytest.mark.parametrize("limit", [5.0, "five", "NaN", "Infinity", "-1", True, None])
def test_a_limit_that_is_no_amount_is_refused_by_the_budgets_name(limit: object) -> None:
    with pytest.raises(ConfigurationError, match=r"limit of budget 'b' must be .*got "):
        Budget("b", limit)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "  ", 3])
def test_a_budget_needs_a_name(name: object) -> None:
    with pytest.raises(ConfigurationError, match="Budget name must be a non-empty string"):
        Budget(name, "1")  # type: ignore[arg-type]


def test_an_unknown_window_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"per must be one of .*'month'.*got 'week'"):
        Budget("b", "1", per="week")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        (datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC), "day:2026-01-31", "month:2026-01"),
        (datetime(2026, 2, 1, tzinfo=UTC), "day:2026-02-01", "month:2026-02"),
        (datetime(2026, 2, 1, 13, 59, tzinfo=EAST), "day:2026-01-31", "month:2026-01"),
        (datetime(2026, 2, 1, 14, 0, tzinfo=EAST), "day:2026-02-01", "month:2026-02"),
        (datetime(2025, 12, 31, 12, 0, tzinfo=WEST), "day:2026-01-01", "month:2026-01"),
    ],
)
def test_days_and_months_are_utc_wherever_the_clock_stands(now: datetime, day: str, month: str) -> None:
    assert Budget("b", "1", per="day").window(RUN, now) == day
    assert Budget("b", "1", per="month").window(RUN, now) == month


def test_a_dag_run_window_is_the_run_whatever_the_try_and_the_time() -> None:
    again = RunIdentity(run_id="r2", dag_id="flights", dag_run_id="manual__1", task_id="other", try_number=4)
    other = RunIdentity(run_id="r3", dag_id="flights", dag_run_id="manual__2")
    budget = Budget("b", "1")
    first = budget.window(RUN, datetime(2026, 1, 1, tzinfo=UTC))
    assert budget.window(again, datetime(2027, 1, 1, tzinfo=UTC)) == first
    assert budget.window(other, datetime(2026, 1, 1, tzinfo=UTC)) != first


@pytest.mark.parametrize(
    ("per", "key"),
    [
        ("task", "task:flights/manual__1/t/-1"),
        ("dag_run", "dag_run:flights/manual__1"),
        ("dag/day", "dag/day:flights/2026-02-01"),
        ("day", "day:2026-02-01"),
        ("month", "month:2026-02"),
        ("team", "team:"),
    ],
)
def test_each_window_has_its_key(per: str, key: str) -> None:
    budget = Budget("b", "1", per=per)  # type: ignore[arg-type]
    assert budget.window(RUN, datetime(2026, 2, 1, tzinfo=UTC)) == key
    assert budget.turns == (per in {"dag/day", "day", "month"})


def test_mapped_tasks_have_windows_of_their_own_and_tries_have_not() -> None:
    budget, now = Budget("b", "1", per="task"), datetime(2026, 1, 1, tzinfo=UTC)
    assert budget.window(replace(RUN, map_index=1), now) != budget.window(RUN, now)
    assert budget.window(replace(RUN, run_id="x", try_number=9), now) == budget.window(RUN, now)


def test_two_dags_have_a_day_each_with_dag_day_and_share_it_with_day() -> None:
    now, other = datetime(2026, 1, 1, tzinfo=UTC), replace(RUN, dag_id="other")
    assert Budget("b", "1", per="dag/day").window(RUN, now) != Budget("b", "1", per="dag/day").window(other, now)
    assert Budget("b", "1", per="day").window(RUN, now) == Budget("b", "1", per="day").window(other, now)


@pytest.mark.parametrize(
    ("zone", "now", "day"),
    [
        ("Europe/Berlin", datetime(2026, 1, 31, 22, 59, 59, tzinfo=UTC), "day:2026-01-31 Europe/Berlin"),
        ("Europe/Berlin", datetime(2026, 1, 31, 23, 0, tzinfo=UTC), "day:2026-02-01 Europe/Berlin"),
        # Summer time: the day turns an hour earlier in UTC, and the day of the change has 23 hours.
        ("Europe/Berlin", datetime(2026, 3, 29, 21, 59, tzinfo=UTC), "day:2026-03-29 Europe/Berlin"),
        ("Europe/Berlin", datetime(2026, 3, 29, 22, 0, tzinfo=UTC), "day:2026-03-30 Europe/Berlin"),
        ("Asia/Kathmandu", datetime(2026, 1, 31, 18, 14, tzinfo=UTC), "day:2026-01-31 Asia/Kathmandu"),
        ("Asia/Kathmandu", datetime(2026, 1, 31, 18, 15, tzinfo=UTC), "day:2026-02-01 Asia/Kathmandu"),
    ],
)
def test_a_day_turns_where_the_zone_says(zone: str, now: datetime, day: str) -> None:
    assert Budget("b", "1", per="day", time_zone=zone).window(RUN, now) == day


@pytest.mark.parametrize("zone", ["Berlin", "", "../etc/passwd", 3, None])
def test_a_zone_is_an_iana_name(zone: object) -> None:
    with pytest.raises(ConfigurationError, match=r"time_zone must be an IANA name such as 'Europe/Berlin'; got "):
        Budget("b", "1", per="day", time_zone=zone)  # type: ignore[arg-type]


def test_a_window_that_never_turns_has_no_zone() -> None:
    with pytest.raises(ConfigurationError, match=r"per='team' never turns. Leave out 'Europe/Berlin'"):
        Budget("b", "1", per="team", time_zone="Europe/Berlin")


@pytest.mark.parametrize("limit", [2_000_000, "2000000", Decimal("2E+6")])
def test_tokens_and_calls_are_whole_numbers(limit: str | int | Decimal) -> None:
    budget = Budget("b", limit, unit="tokens")
    assert budget.limit_amount == 2_000_000
    assert budget.window(RUN, datetime(2026, 1, 1, tzinfo=UTC)).endswith(" tokens")


@pytest.mark.parametrize("limit", ["0.5", -1, 1.0, "many", "NaN", None])
def test_a_fraction_of_a_call_is_refused(limit: object) -> None:
    with pytest.raises(ConfigurationError, match=r"limit of budget 'b' must be a whole number of calls >= 0"):
        Budget("b", limit, unit="calls")  # type: ignore[arg-type]


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"unit must be one of .*'tokens'.*got 'eur'"):
        Budget("b", "1", unit="eur")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spent", "limit", "level"),
    [(0, 100, 0), (49, 100, 0), (50, 100, 50), (79, 100, 50), (80, 100, 80), (100, 100, 100), (0, 0, 0), (1, 0, 100)],
)
def test_levels_are_passed_by_what_is_spent(spent: int, limit: int, level: int) -> None:
    assert level_of(spent, limit) == level


def test_a_warning_says_how_far() -> None:
    warning = BudgetWarning(name="b", window="day:2026-01-01", unit="tokens", level=80, spent=8_123, limit=10_000)
    assert str(warning) == (
        "Budget 'b' has passed 80 % in window 'day:2026-01-01': 8,123 tokens of 10,000 tokens is spent."
    )


@pytest.mark.parametrize("unit", ["usd", "tokens", "calls"])
def test_what_nobody_bounds_is_refused_with_a_remedy(unit: str) -> None:
    error = unbounded(Budget("b", "1", unit=unit))  # type: ignore[arg-type]
    assert str(error).startswith("Budget 'b' is set, but no ")
    assert error.args[0].endswith((".", "is free."))


@pytest.mark.parametrize(
    "budget",
    [
        Budget("b", "5.00", per="day"),
        Budget("naïve ☂", Decimal("1E+3")),
        Budget("c", 5, per="dag/day", unit="calls", time_zone="Asia/Tokyo"),
    ],
)
def test_round_trip(budget: Budget) -> None:
    assert Budget.from_dict(json.loads(json.dumps(budget.to_dict()))) == budget
