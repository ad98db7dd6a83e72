"""Units, limits that people set, warnings and what the person on call sees, on both databases."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget, BudgetWarning
from airflow_provider_aiguard.core.errors import (
    BudgetExceededError,
    ConfigurationError,
    NotRecordedError,
    PriceUnknownError,
)
from airflow_provider_aiguard.core.run import ModelIdentity, RunIdentity
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.books import Hold
from airflow_provider_aiguard.store.budgets import StoredLimit
from airflow_provider_aiguard.store.store import Store

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WHO = RunIdentity(run_id="r1", dag_id="dag", dag_run_id="manual__1", task_id="score")
TEAM = Budget("team", "10.00", per="month")
TOKENS = Budget("team", 1_000, per="dag/day", unit="tokens")
CALLS = Budget("calls", 5, per="task", unit="calls")


def hold(store: Store, amounts: Amounts, *budgets: Budget, **kwargs: Any) -> Hold:
    return store.ledger.hold(budgets, WHO, amounts, ttl=HOUR, now=kwargs.pop("now", NOON), **kwargs)


def where(store: Store, budget: Budget) -> tuple[int, int, int, str]:
    status = store.ledger.status(budget, WHO, NOON)
    return status.spent, status.held, status.limit, status.limit_from


def limit(name: str = "team", amount: int = 5_000_000, per: str = "month", unit: Any = "usd") -> StoredLimit:
    return StoredLimit(name=name, per=per, unit=unit, amount=amount, set_by="ada", set_at=NOON)


class TestUnits:
    def test_one_hold_takes_of_each_budget_what_it_counts(self, store: Store) -> None:
        held = hold(store, Amounts(micros=2_000_000, tokens=700, calls=3), TEAM, TOKENS, CALLS)
        assert [where(store, b)[1] for b in (TEAM, TOKENS, CALLS)] == [2_000_000, 700, 3]
        store.ledger.settle(held, Amounts(micros=500_000, tokens=650, calls=2))
        assert [where(store, b)[:2] for b in (TEAM, TOKENS, CALLS)] == [(500_000, 0), (650, 0), (2, 0)]

    @pytest.mark.parametrize(
        ("amounts", "said"),
        [
            (
                Amounts(micros=0, tokens=1_001, calls=0),
                r"'team' refuses 1,001 tokens .* so 1 token is lacking.*next day",
            ),
            (Amounts(micros=0, tokens=0, calls=6), r"'calls' refuses 6 calls in window 'task:.*limit of 5 calls"),
            (Amounts(micros=10_000_001, tokens=0, calls=0), r"'team' refuses \$10\.00 .*or wait for the next month"),
        ],
    )
    def test_any_of_them_refuses_for_all(self, store: Store, amounts: Amounts, said: str) -> None:
        with pytest.raises(BudgetExceededError, match=said):
            hold(store, amounts, TEAM, TOKENS, CALLS)
        assert [where(store, b)[:2] for b in (TEAM, TOKENS, CALLS)] == [(0, 0)] * 3

    @pytest.mark.parametrize("budget", [TEAM, TOKENS, CALLS])
    def test_what_nobody_bounds_is_refused_and_nothing_is_held(self, store: Store, budget: Budget) -> None:
        known = {"usd": "micros", "tokens": "tokens", "calls": "calls"}[budget.unit]
        others = {name: 1 for name in ("micros", "tokens", "calls") if name != known}
        with pytest.raises(PriceUnknownError, match=rf"Budget '{budget.name}' is set, but no .*: spending cannot be"):
            hold(store, Amounts(**others), TEAM, TOKENS, CALLS)
        assert store.budgets.windows() == []

    def test_a_unit_that_the_answer_leaves_out_counts_in_full(self, store: Store) -> None:
        held = hold(store, Amounts(micros=2_000_000, tokens=700), TEAM, TOKENS)
        store.ledger.settle(held, Amounts(micros=1))
        assert [where(store, b)[:2] for b in (TEAM, TOKENS)] == [(1, 0), (700, 0)]

    def test_one_name_in_two_units_is_two_windows(self, store: Store) -> None:
        both = hold(store, Amounts(micros=1, tokens=1), replace(TEAM, per="dag/day"), TOKENS)
        assert len(both.windows) == 2

    def test_the_price_is_kept_with_the_hold(self, store: Store) -> None:
        hold(store, Amounts(micros=1, tokens=1), TEAM, TOKENS, price={"input": "2.5", "source": "declared"})
        hold(store, Amounts(micros=1), TEAM)
        kept = store._database.read(lambda conn: conn.scalars(sa.select(schema.hold.c.price)).all())
        assert kept.count({"input": "2.5", "source": "declared"}) == 2
        assert kept.count(None) == 1


class TestSharing:
    def test_two_dags_that_name_one_budget_share_it(self, store: Store) -> None:
        hold(store, Amounts(micros=6_000_000), TEAM)
        other = replace(WHO, run_id="r2", dag_id="other", dag_run_id="x")
        with pytest.raises(BudgetExceededError, match="'team' refuses"):
            store.ledger.hold([TEAM], other, Amounts(micros=6_000_000), ttl=HOUR, now=NOON)

    def test_a_team_spends_from_one_window_for_ever(self, store: Store) -> None:
        forever = replace(TEAM, per="team")
        store.ledger.settle(hold(store, Amounts(micros=6_000_000), forever), Amounts(micros=6_000_000))
        with pytest.raises(BudgetExceededError, match=r"ask for fewer rows; a retry alone"):
            hold(store, Amounts(micros=6_000_000), forever, now=NOON + timedelta(days=4_000))


class TestLimits:
    def test_a_limit_in_the_store_comes_before_the_codes_at_once(self, store: Store) -> None:
        hold(store, Amounts(micros=4_000_000), TEAM)
        store.budgets.set_limit(limit())
        assert where(store, TEAM) == (0, 4_000_000, 5_000_000, "store")
        with pytest.raises(
            BudgetExceededError, match=r"limit of \$5\.00, which was set in the store \(the code says \$10\.00\)"
        ):
            hold(store, Amounts(micros=2_000_000), TEAM)
        store.budgets.set_limit(limit(amount=20_000_000))
        hold(store, Amounts(micros=12_000_000), TEAM)
        assert store.budgets.remove_limit("team", "month", "usd")
        assert not store.budgets.remove_limit("team", "month", "usd")
        assert where(store, TEAM) == (0, 16_000_000, 10_000_000, "code")

    def test_it_counts_for_a_window_that_was_never_held_from(self, store: Store) -> None:
        store.budgets.set_limit(limit())
        assert where(store, TEAM) == (0, 0, 5_000_000, "store")
        with pytest.raises(BudgetExceededError, match="set in the store"):
            hold(store, Amounts(micros=5_000_001), TEAM)
        hold(store, Amounts(micros=5_000_000), TEAM)

    def test_it_is_that_of_one_window_and_one_unit(self, store: Store) -> None:
        store.budgets.set_limit(limit(amount=0))
        hold(store, Amounts(micros=1), replace(TEAM, per="day"))
        hold(store, Amounts(tokens=1), replace(TOKENS, per="month"))

    @pytest.mark.parametrize(("budget", "amount", "limit_"), [(TEAM, 250_000, "0.25"), (TOKENS, 70, "70")])
    def test_a_budget_is_told_with_the_limit_that_applies(
        self, store: Store, budget: Budget, amount: int, limit_: str
    ) -> None:
        assert store.budgets.applying(budget) == budget
        store.budgets.set_limit(limit(budget.name, amount, budget.per, budget.unit))
        store.budgets.set_limit(limit(budget.name, 1, "task", "calls"))
        applies = store.budgets.applying(budget)
        assert (applies.limit, applies.limit_amount) == (limit_, amount)

    def test_people_see_what_was_set(self, store: Store) -> None:
        given = [limit(), limit("other", 7, "task", "calls")]
        for one in given:
            store.budgets.set_limit(one)
        store.budgets.set_limit(replace(given[1], amount=8))
        assert store.budgets.limits() == [replace(given[1], amount=8), given[0]]
        assert store.budgets.limits("team") == [given[0]]

    @pytest.mark.parametrize(("per", "unit"), [("week", "usd"), ("day", "eur")])
    def test_of_no_such_window_there_is_no_limit(self, store: Store, per: str, unit: str) -> None:
        with pytest.raises(ConfigurationError, match="must be one of"):
            store.budgets.set_limit(limit(per=per, unit=unit))


class TestWarnings:
    def told(self, store: Store) -> list[BudgetWarning]:
        heard: list[BudgetWarning] = []
        store.ledger.on_warning = heard.append
        return heard

    def spend(self, store: Store, micros: int) -> None:
        store.ledger.settle(hold(store, Amounts(micros=micros), TEAM), Amounts(micros=micros))

    def test_each_level_is_said_once(self, store: Store, caplog: pytest.LogCaptureFixture) -> None:
        heard = self.told(store)
        with caplog.at_level(logging.WARNING):
            for _ in range(10):
                self.spend(store, 1_000_000)
        assert [(w.level, w.spent) for w in heard] == [(50, 5_000_000), (80, 8_000_000), (100, 10_000_000)]
        assert [record.message for record in caplog.records] == [str(warning) for warning in heard]

    def test_a_level_that_was_jumped_over_is_not_said_afterwards(self, store: Store) -> None:
        heard = self.told(store)
        self.spend(store, 9_000_000)
        self.spend(store, 1_000_000)
        assert [w.level for w in heard] == [80, 100]

    def test_what_is_held_is_not_spent(self, store: Store) -> None:
        heard = self.told(store)
        held = hold(store, Amounts(micros=9_000_000), TEAM)
        store.ledger.settle(held, Amounts(micros=100))
        assert heard == []

    def test_a_forfeit_is(self, store: Store) -> None:
        heard = self.told(store)
        store.ledger.forfeit(hold(store, Amounts(micros=9_000_000), TEAM))
        assert [w.level for w in heard] == [80]

    def test_what_was_forfeited_in_silence_is_said_by_the_next(self, store: Store) -> None:
        heard = self.told(store)
        hold(store, Amounts(micros=9_000_000), TEAM)
        store.ledger.expire(NOON + HOUR)
        assert heard == []
        self.spend(store, 1)
        assert [w.level for w in heard] == [80]

    def test_a_raised_limit_says_them_anew(self, store: Store) -> None:
        heard = self.told(store)
        self.spend(store, 8_000_000)
        store.budgets.set_limit(limit(amount=20_000_000))
        self.spend(store, 1_000_000)
        self.spend(store, 1_000_000)
        assert [(w.level, w.limit) for w in heard] == [(80, 10_000_000), (50, 20_000_000)]

    def test_one_that_stops_before_its_last_cent_says_so_once(self, store: Store) -> None:
        heard = self.told(store)
        self.spend(store, 8_500_000)
        for _ in range(2):
            with pytest.raises(BudgetExceededError, match="is lacking"):
                hold(store, Amounts(micros=2_000_000), TEAM)
        assert [(w.level, w.spent, w.lacking) for w in heard] == [(80, 8_500_000, 0), (100, 8_500_000, 500_000)]
        assert str(heard[1]) == (
            "Budget 'team' has no room for what comes next in window 'month:2026-11': of its limit of $10.00, $8.50 is "
            "spent or held, $0.5000 is lacking."
        )
        store.budgets.set_limit(limit(amount=9_000_000))
        with pytest.raises(BudgetExceededError, match="is lacking"):
            hold(store, Amounts(micros=2_000_000), TEAM)
        assert [w.limit for w in heard[2:]] == [9_000_000]

    def test_work_that_is_larger_than_the_rest_of_an_unused_one_is_no_warning(self, store: Store) -> None:
        heard = self.told(store)
        self.spend(store, 1_000_000)
        with pytest.raises(BudgetExceededError, match="is lacking"):
            hold(store, Amounts(micros=10_000_000), TEAM)
        assert heard == []

    def test_limits_of_other_budgets_are_theirs(self, store: Store) -> None:
        for stranger, amount in (("other", 500_000), ("third", 1_000_000_000_000)):
            store.budgets.set_limit(limit(stranger, amount))
        heard = self.told(store)
        for _ in range(10):
            self.spend(store, 1_000_000)
        assert [(w.level, w.limit) for w in heard] == [(50, 10_000_000), (80, 10_000_000), (100, 10_000_000)]

    def test_a_charge_after_its_hold_was_given_back_trips(self, store: Store) -> None:
        """Others may hold by then what was given back."""
        heard = self.told(store)
        held = hold(store, Amounts(micros=400_000), TEAM)
        store.ledger.release(held)
        store.ledger.settle(held, Amounts(micros=300_000))
        assert [(w.level, w.above_hold) for w in heard] == [(0, 300_000)]
        with pytest.raises(BudgetExceededError, match="is tripped"):
            hold(store, Amounts(micros=1), TEAM)

    def test_a_warning_is_said_though_the_answer_to_its_commit_was_lost(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heard, held = self.told(store), hold(store, Amounts(micros=5_000_000), TEAM)
        once, attempts = store._database._once, []

        def lose_the_answer(work: Any, *, write: bool) -> Any:
            result = once(work, write=write)
            attempts.append(1)
            if len(attempts) == 1:
                raise sa.exc.OperationalError("COMMIT", None, Exception("server closed the connection unexpectedly"))
            return result

        monkeypatch.setattr(store._database, "_once", lose_the_answer)
        store.ledger.settle(held, Amounts(micros=6_000_000))
        assert len(attempts) == 2
        assert [(w.level, w.above_hold) for w in heard] == [(50, 0), (50, 1_000_000)]

    def test_another_window_begins_anew(self, store: Store) -> None:
        heard = self.told(store)
        for month in (10, 11):
            at = NOON.replace(month=month)
            store.ledger.settle(hold(store, Amounts(micros=5_000_000), TEAM, now=at), Amounts(micros=5_000_000))
        assert [(w.window, w.level) for w in heard] == [("month:2026-10", 50), ("month:2026-11", 50)]

    def test_a_notifier_that_fails_fails_nobody(self, store: Store, caplog: pytest.LogCaptureFixture) -> None:
        def broken(_: BudgetWarning) -> None:
            raise OSError("no network")

        store.ledger.on_warning = broken
        self.spend(store, 5_000_000)
        assert where(store, TEAM)[:2] == (5_000_000, 0)
        assert "the notifier failed" in caplog.text


class TestPersonOnCall:
    def test_open_holds_say_whose_they_are(self, store: Store) -> None:
        store.runs.start(WHO, ModelIdentity(name="m", version="1", fingerprint="f"), "a", "b")
        first = hold(store, Amounts(micros=5, tokens=7), TEAM, TOKENS)
        stranger = replace(WHO, run_id="unknown")
        store.ledger.hold([CALLS], stranger, Amounts(calls=1), ttl=HOUR, now=NOON + timedelta(minutes=1))
        store.ledger.settle(hold(store, Amounts(micros=9), TEAM), Amounts(micros=9))
        seen = store.budgets.open_holds()
        assert [(h.budget, h.unit, h.amount, h.task_id) for h in seen] == [
            ("team", "tokens", 7, "score"),
            ("team", "usd", 5, "score"),
            ("calls", "calls", 1, ""),
        ]
        assert (seen[0].hold_id, seen[0].held_at, seen[0].expires_at) == (first.hold_id, NOON, NOON + HOUR)
        assert [h.budget for h in store.budgets.open_holds("calls")] == ["calls"]

    def test_a_hold_is_found_by_its_id_and_given_back(self, store: Store) -> None:
        held = hold(store, Amounts(micros=5, tokens=7), TEAM, TOKENS)
        found = store.budgets.hold(held.hold_id)
        assert found == held
        assert store.ledger.release(found)
        assert not store.ledger.release(found)
        assert [where(store, b)[:2] for b in (TEAM, TOKENS)] == [(0, 0), (0, 0)]

    def test_an_unknown_hold(self, store: Store) -> None:
        with pytest.raises(NotRecordedError, match=r"knows no hold 'x'\. To see the open ones: aiguard budget holds"):
            store.budgets.hold("x")

    def test_windows_held_from_last_come_first(self, store: Store) -> None:
        for day in (1, 3, 2):
            hold(store, Amounts(micros=day), replace(TEAM, per="day"), now=NOON.replace(day=day))
        hold(store, Amounts(calls=1), CALLS, now=NOON.replace(day=4))
        assert [(s.name, s.held) for s in store.budgets.windows()] == [
            ("calls", 1),
            ("team", 3),
            ("team", 2),
            ("team", 1),
        ]
        assert len(store.budgets.windows(most=2)) == 2
        assert [s.name for s in store.budgets.windows("calls")] == ["calls"]


def test_what_is_written_alongside_is_settled_with_it(store: Store) -> None:
    held = hold(store, Amounts(micros=5), TEAM)

    def fail(_: sa.Connection) -> None:
        raise ZeroDivisionError("boom")

    with pytest.raises(ZeroDivisionError, match="boom"):
        store.ledger.settle(held, Amounts(micros=5), alongside=fail)
    assert where(store, TEAM)[:2] == (0, 5)
    seen: list[int | None] = []
    spent = sa.select(schema.budget.c.spent)
    store.ledger.settle(held, Amounts(micros=5), alongside=lambda conn: seen.append(conn.scalar(spent)))
    assert seen == [5]
    assert where(store, TEAM)[:2] == (5, 0)


def test_budgets_of_some_dags_are_those_that_no_other_has_held_from(store: Store) -> None:
    model = ModelIdentity(name="m", version="1", fingerprint="f")
    for dag, budgets in (("a", ("mine", "shared")), ("b", ("theirs", "shared")), ("", ("nobodys",))):
        who = RunIdentity(run_id=f"run-{dag}", dag_id=dag, dag_run_id="r", task_id="t")
        if dag:
            store.runs.start(who, model, source="s", target="t")
        held = [Budget(name, "1.00", per="team") for name in budgets]
        store.ledger.hold(held, who, Amounts(micros=1), ttl=timedelta(hours=1))
    assert {s.name for s in store.budgets.windows()} == {"mine", "shared", "theirs", "nobodys"}
    assert {s.name for s in store.budgets.windows(dag_ids={"a"})} == {"mine"}
    assert {s.name for s in store.budgets.windows(dag_ids=["a", "b"])} == {"mine", "shared", "theirs"}
    assert store.budgets.windows(dag_ids=[]) == []
