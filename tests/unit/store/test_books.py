"""The statements of the books. What they do together is tested on both databases in tests/integration/store."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects import postgresql

from airflow_provider_aiguard.core.amounts import MAX_AMOUNT, Amounts
from airflow_provider_aiguard.store import books
from airflow_provider_aiguard.store.books import Hold, HoldState, Window, capped

STATES = list(HoldState)


def test_a_hold_has_an_amount_for_each_window_it_takes_from() -> None:
    windows = (Window("a", "team:", "usd"), Window("b", "team: tokens", "tokens"))
    hold = Hold(
        hold_id="h", run_id="r", amounts=Amounts(micros=3, tokens=4), windows=windows, expires_at=datetime.now(UTC)
    )
    assert [hold.amount_of(window) for window in windows] == [3, 4]


def test_limits_stay_within_64_bits() -> None:
    assert capped(5) == 5
    assert capped(10**30) + 2 * MAX_AMOUNT < 2**63


def test_on_postgres_a_hold_is_one_statement_a_window() -> None:
    text = str(books._TAKE_AND_KEEP.compile(dialect=postgresql.psycopg.dialect()))  # type: ignore[attr-defined]
    assert text.startswith("WITH took AS")
    assert text.count("UPDATE aiguard_budget") == text.count("INSERT INTO aiguard_hold") == 1
    # What is compared is in the statement that takes: nothing is read before.
    assert "spent + aiguard_budget.held + " in text.split("RETURNING", maxsplit=1)[0]


@pytest.mark.parametrize("was", STATES)
def test_what_a_hold_may_become(was: HoldState) -> None:
    allowed = {state for state in STATES if books._may_become(was, state)}
    assert (HoldState.SETTLED in allowed) == (was is not HoldState.SETTLED)
    assert (HoldState.FORFEITED in allowed) == (was is HoldState.HELD)
    assert (HoldState.RELEASED in allowed) == (was not in {HoldState.SETTLED, HoldState.RELEASED})
