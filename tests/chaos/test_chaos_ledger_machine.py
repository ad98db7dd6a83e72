"""The ledger against a plain-Python model of it, under any order of events that Hypothesis can think of."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import BudgetExceededError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store.budgets import StoredLimit
from airflow_provider_aiguard.store.store import open_store

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WHO = RunIdentity(run_id="r", dag_id="d", dag_run_id="x", task_id="t")
EMPTY = Path(tempfile.mkdtemp(prefix="aiguard-machine-")) / "store.db"
"""A store as it is made, to be copied: making one takes longer than an example."""
atexit.register(shutil.rmtree, EMPTY.parent, ignore_errors=True)

BUDGETS = {
    "a": Budget("a", "0.001", per="team"),
    "b": Budget("b", "0.002"),
    "c": Budget("c", 500, per="month", unit="tokens"),
}

amount = st.integers(0, 700)


class LedgerMachine(RuleBasedStateMachine):
    """Each hold keeps what it has booked; spent is the sum of that, held the sum of what is open."""

    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        if not EMPTY.exists():
            open_store(f"sqlite:///{EMPTY}").close()
        self.folder = Path(tempfile.mkdtemp(prefix="aiguard-machine-"))
        for file in EMPTY.parent.glob("store.db*"):
            shutil.copy(file, self.folder)
        self.store = open_store(f"sqlite:///{self.folder}/store.db")
        self.now = NOON
        self.code = {name: budget.limit_amount for name, budget in BUDGETS.items()}
        self.set: dict[str, int] = {}
        self.known: dict[str, dict[str, Any]] = {}
        self.tripped: set[str] = set()

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    def spent(self, name: str) -> int:
        return sum(h["booked"].get(name, 0) for h in self.known.values())

    def held(self, name: str) -> int:
        return sum(h["amounts"].get(name, 0) for h in self.known.values() if h["state"] == "held")

    def budget(self, name: str) -> Budget:
        budget = BUDGETS[name]
        limit: Any = self.code[name] if budget.unit != "usd" else f"{self.code[name] / 1_000_000:.6f}"
        return Budget(name, limit, per=budget.per, unit=budget.unit)

    @rule(
        target=holds,
        names=st.sets(st.sampled_from("abc"), min_size=1),
        micros=amount,
        tokens=amount,
        hours=st.integers(1, 3),
    )
    def hold(self, names: set[str], micros: int, tokens: int, hours: int) -> Any:
        wanted = {name: tokens if name == "c" else micros for name in names}
        fits = not self.tripped & names and all(
            self.spent(name) + self.held(name) + x <= self.set.get(name, self.code[name]) for name, x in wanted.items()
        )
        try:
            held = self.store.ledger.hold(
                [self.budget(name) for name in names],
                WHO,
                Amounts(micros=micros, tokens=tokens),
                ttl=timedelta(hours=hours),
                now=self.now,
            )
        except BudgetExceededError:
            assert not fits
            return multiple()
        assert fits
        self.known[held.hold_id] = {"state": "held", "amounts": wanted, "booked": {}, "ends": held.expires_at}
        return held

    def charge(self, held: Any, charged: dict[str, int]) -> None:
        mine = self.known[held.hold_id]
        # Others may hold by now what was given back.
        bound = dict.fromkeys(charged, 0) if mine["state"] == "released" else mine["amounts"]
        self.book(held, "settled", charged)
        self.tripped |= {name for name, charge in charged.items() if charge > bound[name]}

    def book(self, held: Any, state: str, booked: dict[str, int]) -> None:
        self.known[held.hold_id] |= {"state": state, "booked": booked}

    @rule(held=holds, micros=amount, tokens=amount)
    def settle(self, held: Any, micros: int, tokens: int) -> None:
        self.store.ledger.settle(held, Amounts(micros=micros, tokens=tokens))
        mine = self.known[held.hold_id]
        if mine["state"] != "settled":
            self.charge(held, {name: tokens if name == "c" else micros for name in mine["amounts"]})

    @rule(held=consumes(holds))
    def settle_without_a_word(self, held: Any) -> None:
        self.store.ledger.settle(held, Amounts())
        mine = self.known[held.hold_id]
        if mine["state"] != "settled":
            self.charge(held, dict(mine["amounts"]))

    @rule(held=holds)
    def release(self, held: Any) -> None:
        changed = self.store.ledger.release(held)
        mine = self.known[held.hold_id]
        assert changed == (mine["state"] not in {"released", "settled"})
        if changed:
            self.book(held, "released", {})

    @rule(held=holds)
    def forfeit(self, held: Any) -> None:
        self.store.ledger.forfeit(held)
        mine = self.known[held.hold_id]
        if mine["state"] == "held":
            self.book(held, "forfeited", dict(mine["amounts"]))

    @rule(minutes=st.integers(-90, 120))
    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def expire(self) -> None:
        late = [h for h in self.known.values() if h["state"] == "held" and h["ends"] <= self.now]
        assert self.store.ledger.expire(self.now) == sum(len(h["amounts"]) for h in late)
        for mine in late:
            mine |= {"state": "expired", "booked": dict(mine["amounts"])}

    @rule(name=st.sampled_from("abc"), limit=st.integers(0, 3_000))
    def change_the_code(self, name: str, limit: int) -> None:
        self.code[name] = limit

    @rule(name=st.sampled_from("abc"), limit=st.integers(0, 3_000))
    def set_a_limit(self, name: str, limit: int) -> None:
        budget = BUDGETS[name]
        stored = StoredLimit(name=name, per=budget.per, unit=budget.unit, amount=limit, set_by="ada", set_at=self.now)
        self.store.budgets.set_limit(stored)
        self.set[name] = limit
        self.tripped.discard(name)

    @rule(name=st.sampled_from("abc"))
    def remove_a_limit(self, name: str) -> None:
        budget = BUDGETS[name]
        assert self.store.budgets.remove_limit(name, budget.per, budget.unit) == (name in self.set)
        self.set.pop(name, None)

    @invariant()
    def the_books_are_the_models(self) -> None:
        seen = {status.name: (status.spent, status.held) for status in self.store.budgets.windows()}
        for name in BUDGETS:
            assert seen.get(name, (0, 0)) == (self.spent(name), self.held(name))
        assert {status.name for status in self.store.budgets.windows() if status.tripped} == self.tripped
        ids = {hold.hold_id for hold in self.store.budgets.open_holds()}
        assert ids == {hold_id for hold_id, mine in self.known.items() if mine["state"] == "held"}


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
