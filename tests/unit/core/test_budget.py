from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.run import RunIdentity

RUN = RunIdentity(run_id="r", dag_id="flights", dag_run_id="manual__1", task_id="t", try_number=3)
EAST = timezone(timedelta(hours=14))
WEST = timezone(timedelta(hours=-12))


@pytest.mark.parametrize("limit", ["5.00", 5, Decimal("5.00")])
def test_a_limit_is_exact_micro_dollars(limit: str | int | Decimal) -> None:
    assert Budget("b", limit).limit_micros == 5_000_000


def test_a_limit_is_rounded_down_to_micro_dollars() -> None:
    assert Budget("b", "0.0000019").limit_micros == 1


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


@pytest.mark.parametrize("budget", [Budget("b", "5.00", per="day"), Budget("naïve ☂", Decimal("1E+3"))])
def test_round_trip(budget: Budget) -> None:
    assert Budget.from_dict(json.loads(json.dumps(budget.to_dict()))) == budget
