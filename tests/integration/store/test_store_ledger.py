"""What the ledger promises about money, one caller at a time, on both databases."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget, BudgetWarning
from airflow_provider_aiguard.core.errors import BudgetExceededError, NotRecordedError
from airflow_provider_aiguard.core.money import format_micros
from airflow_provider_aiguard.core.run import InferenceSummary, ModelIdentity, RunIdentity, RunState
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.books import Hold
from airflow_provider_aiguard.store.budgets import StoredLimit
from airflow_provider_aiguard.store.store import Store

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WHO = RunIdentity(run_id="r1", dag_id="dag", dag_run_id="manual__1", task_id="score")
DOLLAR = Budget("flights", "1.00")
DAILY = Budget("team", "2.00", per="day")


def hold(store: Store, micros: int, *budgets: Budget, ttl: timedelta = HOUR, now: datetime = NOON) -> Hold:
    return store.ledger.hold(budgets or (DOLLAR,), WHO, Amounts(micros=micros), ttl=ttl, now=now)


def amounts(store: Store, budget: Budget = DOLLAR, now: datetime = NOON) -> tuple[int, int]:
    status = store.ledger.status(budget, WHO, now)
    return status.spent, status.held


class TestHold:
    def test_what_fits_is_held_to_the_last_micro_dollar(self, store: Store) -> None:
        hold(store, 999_999)
        hold(store, 1)
        assert amounts(store) == (0, 1_000_000)
        with pytest.raises(BudgetExceededError, match="refuses"):
            hold(store, 1)
        hold(store, 0)

    def test_a_refusal_says_everything_and_leaves_nothing(self, store: Store) -> None:
        store.ledger.settle(hold(store, 300_000), Amounts(micros=250_000))
        hold(store, 700_000)
        with pytest.raises(BudgetExceededError, match="refuses") as refused:
            hold(store, 60_000)
        asked, spent, held, lacking = map(format_micros, (60_000, 250_000, 700_000, 10_000))
        assert str(refused.value) == (
            f"Budget 'flights' refuses {asked} in window 'dag_run:dag/manual__1': of its limit of $1.00, {spent} is "
            f"spent and {held} is held, so {lacking} is lacking. Nothing was held or spent for this call. Raise the "
            "budget's limit, ask for fewer rows; a retry alone cannot help."
        )
        assert amounts(store) == (250_000, 700_000)

    def test_a_refused_first_hold_leaves_no_window(self, store: Store) -> None:
        with pytest.raises(BudgetExceededError, match=r"refuses \$3\.00.*or wait for the next day; a retry"):
            hold(store, 3_000_000, DAILY)
        assert amounts(store, DAILY) == (0, 0)

    def test_several_budgets_are_all_or_nothing(self, store: Store) -> None:
        hold(store, 900_000, DOLLAR, DAILY)
        with pytest.raises(BudgetExceededError, match="Budget 'flights' refuses"):
            hold(store, 200_000, DAILY, DOLLAR)
        late = Budget("zz", "0.10")  # sorts last: the first two have taken when it refuses
        with pytest.raises(BudgetExceededError, match="Budget 'zz' refuses"):
            hold(store, 100_001, late, DAILY)
        assert amounts(store) == amounts(store, DAILY) == (0, 900_000)
        assert amounts(store, late) == (0, 0)

    def test_windows_are_apart(self, store: Store) -> None:
        hold(store, 2_000_000, DAILY)
        hold(store, 2_000_000, DAILY, now=NOON + timedelta(days=1))
        hold(store, 1_000_000)
        other = replace(WHO, dag_run_id="manual__2")
        store.ledger.hold([DOLLAR], other, Amounts(micros=1_000_000), ttl=HOUR, now=NOON)
        hold(store, 500_000, Budget("team", "1.00", per="month"))

    def test_a_changed_limit_counts_at_once(self, store: Store) -> None:
        hold(store, 1_000_000)
        hold(store, 500_000, Budget("flights", "1.50"))
        with pytest.raises(BudgetExceededError, match=r"its limit of \$1\.00"):
            hold(store, 1)
        assert store.ledger.status(DOLLAR, WHO, NOON).remaining == -500_000
        kept = store._database.read(lambda conn: conn.scalar(sa.select(schema.budget.c.limit_amount)))
        assert kept == 1_500_000

    def test_an_unbounded_limit_stays_within_64_bits(self, store: Store) -> None:
        hold(store, 10**15, Budget("flights", "1e30"))
        assert amounts(store) == (0, 10**15)

    @pytest.mark.parametrize("name", ["drop\"; 'select'", 'we"ird', "naïve ☂", "per%cent", "co:lon"])
    def test_hostile_names_are_only_names(self, store: Store, name: str) -> None:
        budget = Budget(name, "1.00")
        store.ledger.settle(hold(store, 10, budget), Amounts(micros=7))
        assert amounts(store, budget) == (7, 0)


class TestSettle:
    def test_the_charge_replaces_the_hold_once(self, store: Store) -> None:
        held = hold(store, 500, DOLLAR, DAILY)
        for _ in range(2):
            store.ledger.settle(held, Amounts(micros=400))
            store.ledger.release(held)
            store.ledger.forfeit(held)
        store.ledger.settle(held, Amounts(micros=450))
        assert amounts(store) == amounts(store, DAILY) == (400, 0)

    def test_a_charge_above_the_hold_is_booked_in_full_and_said(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        held = hold(store, 900_000)
        with caplog.at_level(logging.WARNING):
            store.ledger.settle(held, Amounts(micros=1_500_000))
            store.ledger.settle(held, Amounts(micros=1_500_000))
        assert amounts(store) == (1_500_000, 0)
        more, held_for_it = format_micros(600_000), format_micros(900_000)
        said = (
            f"A call was charged $1.50, {more} more than the {held_for_it} held for it from budget 'flights': "
            "the estimate was too low"
        )
        [passed, tripped, above] = caplog.records
        assert tripped.message.startswith("Budget 'flights' is tripped in window")
        assert above.levelname == "ERROR"
        assert above.message.startswith(said)
        assert passed.message.startswith("Budget 'flights' has passed 100 % in window")
        with pytest.raises(BudgetExceededError, match="it is tripped"):
            hold(store, 0)

    def test_a_charge_above_the_hold_trips_the_budget_below_its_limit_too(self, store: Store) -> None:
        told: list[BudgetWarning] = []
        store.ledger.on_warning = told.append
        held, sibling = hold(store, 100, DOLLAR, DAILY), hold(store, 100)
        store.ledger.settle(held, Amounts(micros=150))
        store.ledger.settle(sibling, Amounts(micros=150))
        assert [(w.name, w.level, w.above_hold) for w in told] == [("flights", 0, 50), (DAILY.name, 0, 50)]
        with pytest.raises(
            BudgetExceededError, match=r"charged more than was held.*'aiguard budget set', with the same"
        ):
            hold(store, 1)
        status = store.ledger.status(DOLLAR, WHO, NOON)
        assert (status.spent, status.tripped, status.remaining) == (300, True, 0)
        assert [w.tripped for w in store.budgets.windows()] == [True, True]
        of_a_dollar = {"name": DOLLAR.name, "per": DOLLAR.per, "unit": "usd", "amount": 1_000_000}
        store.budgets.set_limit(StoredLimit(**of_a_dollar, set_by="ada", set_at=NOON))
        hold(store, 1)
        with pytest.raises(BudgetExceededError, match=f"Budget '{DAILY.name}' .*it is tripped"):
            hold(store, 1, DOLLAR, DAILY)

    @pytest.mark.parametrize(("charge", "trips"), [(100, False), (101, True)])
    def test_a_late_charge_trips_only_above_what_was_held(self, store: Store, charge: int, trips: bool) -> None:
        held = hold(store, 100)
        store.ledger.expire(NOON + timedelta(days=365))
        store.ledger.settle(held, Amounts(micros=charge))
        assert store.ledger.status(DOLLAR, WHO, NOON).tripped == trips

    def test_a_hold_of_another_store_is_unknown(self, store: Store) -> None:
        held = replace(hold(store, 5), hold_id="elsewhere")
        with pytest.raises(NotRecordedError, match="knows no hold 'elsewhere' of budget 'flights'"):
            store.ledger.settle(held, Amounts(micros=5))
        assert amounts(store) == (0, 5)


class TestRelease:
    def test_the_money_is_free_again(self, store: Store) -> None:
        held = hold(store, 1_000_000)
        for _ in range(2):
            store.ledger.release(held)
        assert amounts(store) == (0, 0)
        hold(store, 1_000_000)

    def test_a_charge_that_arrives_after_it_is_still_a_charge(self, store: Store) -> None:
        held = hold(store, 100)
        store.ledger.release(held)
        store.ledger.settle(held, Amounts(micros=90))
        store.ledger.settle(held, Amounts(micros=90))
        assert amounts(store) == (90, 0)


class TestForfeit:
    def test_the_hold_counts_as_spent_once(self, store: Store) -> None:
        held = hold(store, 100)
        for _ in range(2):
            store.ledger.forfeit(held)
        assert amounts(store) == (100, 0)

    def test_a_released_hold_is_not_forfeited(self, store: Store) -> None:
        held = hold(store, 100)
        store.ledger.release(held)
        store.ledger.forfeit(held)
        assert amounts(store) == (0, 0)

    def test_a_late_charge_corrects_it(self, store: Store) -> None:
        held = hold(store, 100)
        store.ledger.forfeit(held)
        store.ledger.settle(held, Amounts(micros=30))
        assert amounts(store) == (30, 0)

    def test_the_next_try_forfeits_what_a_dead_one_held(self, store: Store) -> None:
        model = ModelIdentity(name="m", version="1", fingerprint="f")
        store.runs.start(WHO, model, "a", "b")
        held = hold(store, 100, DOLLAR, DAILY)
        store.ledger.settle(hold(store, 10, DOLLAR), Amounts(micros=8))
        other = replace(WHO, run_id="other", task_id="other")
        store.ledger.hold([DOLLAR], other, Amounts(micros=7), ttl=HOUR, now=NOON)
        store.runs.start(replace(WHO, run_id="r2", try_number=2), model, "a", "b")
        assert amounts(store) == (108, 7)
        assert amounts(store, DAILY) == (100, 0)
        store.ledger.settle(held, Amounts(micros=60))  # it was not dead after all
        assert amounts(store) == (68, 7)


class TestExpiry:
    def test_an_expired_hold_counts_as_spent(self, store: Store) -> None:
        hold(store, 100, DOLLAR, DAILY)
        hold(store, 20, ttl=2 * HOUR)
        assert amounts(store, now=NOON + HOUR - timedelta(microseconds=1)) == (0, 120)
        assert amounts(store, now=NOON + HOUR) == (100, 20)
        assert amounts(store, DAILY, now=NOON + HOUR) == (100, 0)

    def test_expire_counts_all_budgets(self, store: Store) -> None:
        hold(store, 100, DOLLAR, DAILY)
        hold(store, 20, Budget("third", "1.00"), ttl=2 * HOUR)
        assert store.ledger.expire(NOON) == 0
        assert store.ledger.expire(NOON + HOUR) == 2
        assert store.ledger.expire(NOON + HOUR) == 0
        assert amounts(store) == amounts(store, DAILY) == (100, 0)

    def test_an_expired_hold_takes_the_same_from_what_is_left(self, store: Store) -> None:
        hold(store, 600_000)
        hold(store, 100_000, now=NOON + HOUR)
        with pytest.raises(
            BudgetExceededError, match=r"\$0\.60+ is spent and \$0\.10+ is held, so \$0\.000001 is lacking"
        ):
            hold(store, 300_001, now=NOON + HOUR)
        hold(store, 300_000, now=NOON + HOUR)

    @pytest.mark.parametrize("charge", [0, 70, 100, 130])
    def test_a_late_charge_books_only_the_difference(self, store: Store, charge: int) -> None:
        held = hold(store, 100)
        store.ledger.expire(NOON + HOUR)
        for _ in range(2):
            store.ledger.settle(held, Amounts(micros=charge))
        assert amounts(store) == (charge, 0)

    def test_a_late_release_gives_it_back(self, store: Store) -> None:
        held = hold(store, 100)
        store.ledger.expire(NOON + HOUR)
        for _ in range(2):
            store.ledger.release(held)
        assert amounts(store) == (0, 0)

    def test_status_of_an_untouched_window_is_empty(self, store: Store) -> None:
        status = store.ledger.status(DAILY, WHO, NOON)
        assert status.to_dict() == {
            "name": "team",
            "window": "day:2026-11-23",
            "limit": 2_000_000,
            "spent": 0,
            "held": 0,
            "unit": "usd",
            "limit_from": "code",
            "tripped": False,
        }


def test_a_run_that_ends_with_money_held_has_spent_it(store: Store) -> None:
    model = ModelIdentity(name="m", version="1", fingerprint="f")
    store.runs.start(WHO, model, source="a", target="b")
    hold(store, 300_000)
    store.runs.finish(RunState.FAILED, InferenceSummary(run_id=WHO.run_id, model=model, source="a", target="b"))
    assert amounts(store) == (300_000, 0)
