from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.run import RunIdentity

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.store import Store

HOUR = timedelta(hours=1)
WHO = RunIdentity(run_id="r")
BUDGET = Budget("b", "1.00")


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(seconds=-1)])
def test_a_hold_lasts(store: Store, ttl: timedelta) -> None:
    with pytest.raises(ConfigurationError, match="ttl must be longer than the call"):
        store.ledger.hold([BUDGET], WHO, Amounts(micros=1), ttl=ttl)


def test_a_hold_has_a_budget(store: Store) -> None:
    with pytest.raises(ConfigurationError, match="at least one budget"):
        store.ledger.hold([], WHO, Amounts(micros=1), ttl=HOUR)


def test_a_window_is_named_once(store: Store) -> None:
    with pytest.raises(ConfigurationError, match=r"\['b', 'b'\] name one window twice"):
        store.ledger.hold([BUDGET, Budget("b", "2.00")], WHO, Amounts(micros=1), ttl=HOUR)


def test_windows_are_taken_in_one_order_whatever_the_callers(store: Store) -> None:
    # Two holds that lock the same rows in opposite orders would wait for each other.
    budgets = [Budget(name, "1.00", per=per) for name in ("z", "a") for per in ("month", "day")]
    now = datetime(2026, 11, 23, tzinfo=UTC)
    orders = [store.ledger.hold(b, WHO, Amounts(micros=1), ttl=HOUR, now=now).windows for b in (budgets, budgets[::-1])]
    assert orders[0] == orders[1] == tuple(sorted(orders[0]))


def test_a_hold_says_what_it_is(store: Store) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    held = store.ledger.hold([BUDGET], WHO, Amounts(micros=5), ttl=HOUR, now=now)
    assert (held.run_id, held.amounts, held.expires_at) == ("r", Amounts(micros=5), now + HOUR)
    assert held.windows == (("b", "dag_run:/", "usd"),)
    assert held.hold_id != store.ledger.hold([BUDGET], WHO, Amounts(micros=5), ttl=HOUR, now=now).hold_id


def test_the_clock_is_used_unless_a_time_is_given(store: Store) -> None:
    before = datetime.now(UTC)
    held = store.ledger.hold([BUDGET], WHO, Amounts(micros=5), ttl=HOUR)
    assert before + HOUR <= held.expires_at <= datetime.now(UTC) + HOUR


def test_times_have_zones(store: Store) -> None:
    naive = datetime(2026, 11, 23)  # noqa: DTZ001
    with pytest.raises(ConfigurationError, match="now must have a zone"):
        store.ledger.hold([BUDGET], WHO, Amounts(micros=5), ttl=HOUR, now=naive)
    with pytest.raises(ConfigurationError, match="now must have a zone"):
        store.ledger.expire(naive)
    with pytest.raises(ConfigurationError, match="now must have a zone"):
        store.ledger.status(BUDGET, WHO, naive)
