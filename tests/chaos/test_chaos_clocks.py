"""Clocks that jump, hosts whose clocks differ: the books err on the safe side only."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import BudgetExceededError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store.books import Hold
from airflow_provider_aiguard.store.store import Store, open_store

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WHO = RunIdentity(run_id="r", dag_id="d", dag_run_id="x", task_id="t")
BUDGET = Budget("b", "1.00", per="team")
DAILY = Budget("b", "1.00", per="day")


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    with open_store(sqlite_url) as opened:
        yield opened


def hold(store: Store, micros: int, now: datetime, budget: Budget = BUDGET) -> Hold:
    return store.ledger.hold([budget], WHO, Amounts(micros=micros), ttl=HOUR, now=now)


def standing(store: Store, now: datetime, budget: Budget = BUDGET) -> tuple[int, int]:
    status = store.ledger.status(budget, WHO, now)
    return status.spent, status.held


def test_a_host_that_is_ahead_expires_a_living_hold_and_the_answer_corrects_it(store: Store) -> None:
    held = hold(store, 600_000, NOON)
    ahead = NOON + 3 * HOUR
    assert standing(store, ahead) == (600_000, 0)
    with pytest.raises(BudgetExceededError, match="refuses"):
        hold(store, 400_001, ahead)
    store.ledger.settle(held, Amounts(micros=100_000))
    assert standing(store, NOON) == (100_000, 0)


def test_a_host_that_is_behind_makes_holds_that_are_over_at_once_for_others(store: Store) -> None:
    behind = hold(store, 600_000, NOON - 3 * HOUR)
    other = hold(store, 400_000, NOON)
    assert standing(store, NOON) == (600_000, 400_000)
    for held in (behind, other):
        store.ledger.settle(held, Amounts(micros=1))
    assert standing(store, NOON) == (2, 0)


def test_a_clock_that_jumps_back_frees_nothing(store: Store) -> None:
    hold(store, 600_000, NOON)
    assert store.ledger.expire(NOON + HOUR) == 1
    for now in (NOON - timedelta(days=365), NOON):
        assert store.ledger.expire(now) == 0
        assert standing(store, now) == (600_000, 0)
        with pytest.raises(BudgetExceededError, match="refuses"):
            hold(store, 400_001, now)


def test_hosts_that_disagree_about_the_day_keep_the_limit_of_each_day(store: Store) -> None:
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    early, late = hold(store, 1_000_000, midnight - HOUR, DAILY), hold(store, 1_000_000, midnight + HOUR, DAILY)
    for now in (midnight - HOUR, midnight + HOUR):
        with pytest.raises(BudgetExceededError, match="refuses"):
            hold(store, 1, now, DAILY)
    # A charge belongs to the day it was held from, whatever the clock says when it arrives.
    store.ledger.settle(early, Amounts(micros=5))
    store.ledger.settle(late, Amounts(micros=7))
    assert standing(store, midnight - HOUR, DAILY) == (5, 0)
    assert standing(store, midnight + HOUR, DAILY) == (7, 0)


def test_clocks_that_jump_at_random_never_exceed_the_limit(store: Store) -> None:
    chance = random.Random(2013)
    open_holds: list[Hold] = []
    charged = 0
    for _ in range(300):
        now = NOON + timedelta(hours=chance.uniform(-10, 10))
        doing = chance.random()
        if doing < 0.5:
            try:
                open_holds.append(hold(store, chance.randint(1, 100_000), now))
            except BudgetExceededError:
                continue
        elif doing < 0.7 and open_holds:
            held = open_holds.pop(chance.randrange(len(open_holds)))
            charge = chance.randint(0, held.amounts.micros or 0)
            charged += charge
            store.ledger.settle(held, Amounts(micros=charge))
        else:
            store.ledger.expire(now)
        spent, held_now = standing(store, now)
        assert charged <= spent + held_now <= 1_000_000
    store.ledger.expire(NOON + timedelta(days=2))
    left = sum(held.amounts.micros or 0 for held in open_holds)
    assert standing(store, NOON) == (charged + left, 0)
