"""A storm: processes that hold and settle as fast as they can, and die at any moment."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import BudgetExceededError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store.store import open_store

TTL = timedelta(hours=1)
SECONDS = float(os.environ.get("CHAOS_SECONDS", "10"))
"""How long a storm lasts; ``make chaos`` takes longer. Not ``AIGUARD_…``: the tests empty the environment of those."""

PROCESSES = 64
"""Workers in a storm on PostgreSQL."""

MOST = 1_000
"""No hold is larger: micro-dollars or tokens."""

BUDGETS = (
    Budget("small", "0.01", per="team"),  # used up soon: refusals are part of the storm
    Budget("large", "1000", per="month"),
    Budget("tokens", 10_000_000, per="team", unit="tokens"),
    Budget("calls", 100_000, per="team", unit="calls"),
)

fork = multiprocessing.get_context("fork")


def watch(url: str) -> None:
    """Let the database itself write down every row version of a budget that is above its limit."""
    engine = sa.create_engine(url)
    above = "INSERT INTO too_much VALUES (NEW.name, NEW.spent, NEW.held)"
    when = "NEW.spent + NEW.held > NEW.limit_amount OR NEW.spent < 0 OR NEW.held < 0"
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE too_much (name TEXT, spent BIGINT, held BIGINT)")
        if engine.dialect.name == "sqlite":
            conn.exec_driver_sql(f"CREATE TRIGGER watch AFTER UPDATE ON aiguard_budget WHEN {when} BEGIN {above}; END")
        else:
            conn.exec_driver_sql(
                f"CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {above}; RETURN NULL; END $$"
            )
            conn.exec_driver_sql(
                "CREATE TRIGGER watch AFTER UPDATE ON aiguard_budget FOR EACH ROW "
                f"WHEN ({when}) EXECUTE FUNCTION watch()"
            )
    engine.dispose()


def work(url: str, bills: Path, seed: int) -> None:
    """Hold, call the provider, who charges, and settle, until killed. Every charge is written down first."""
    chance = random.Random(seed)
    who = RunIdentity(run_id=f"run-{seed}", dag_id="d", dag_run_id="r", task_id="t", map_index=seed)
    provider = os.open(bills / str(seed), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    with open_store(url) as store:
        while True:
            budgets = chance.sample(BUDGETS, chance.randint(1, len(BUDGETS)))
            most = Amounts(micros=chance.randint(1, MOST), tokens=chance.randint(1, MOST), calls=chance.randint(1, 9))
            try:
                hold = store.ledger.hold(budgets, who, most, ttl=TTL)
            except BudgetExceededError:
                continue
            end = chance.random()
            if end < 0.1:
                store.ledger.release(hold)
                continue
            charge = Amounts(**{unit: chance.randint(0, amount) for unit, amount in vars(most).items()})
            names = ",".join(budget.name for budget in budgets)
            os.write(provider, f"{names} {charge.micros} {charge.tokens} {charge.calls}\n".encode())
            if end < 0.9:
                store.ledger.settle(hold, charge)
            elif end < 0.95:
                store.ledger.forfeit(hold)
            # Else nobody ever hears of it again.


class Storm:
    """Workers that are killed and replaced.

    :param url: the store.
    :param bills: an empty folder for what the provider charges.
    :param processes: workers at a time.
    """

    def __init__(self, url: str, bills: Path, processes: int) -> None:
        self._url = url
        self._bills = bills
        self._chance = random.Random(2013)
        self._started = 0
        self.killed = 0
        self._workers = [self._start() for _ in range(processes)]

    def rage(self, seconds: float, *, at: Sequence[tuple[float, Callable[[], None]]] = ()) -> None:
        """Kill and replace workers for a while, and then all.

        :param at: what else happens, by share of the time that has passed.
        """
        begun, events = time.monotonic(), list(at)
        while (passed := (time.monotonic() - begun) / seconds) < 1:
            while events and events[0][0] <= passed:
                events.pop(0)[1]()
            time.sleep(self._chance.uniform(0.05, 0.3))
            victim = self._chance.randrange(len(self._workers))
            self._kill(victim)
            self._workers[victim] = self._start()
        for victim in range(len(self._workers)):
            self._kill(victim)

    def charged(self) -> dict[str, int]:
        """What the provider charged, by budget, in what it counts."""
        sums = {budget.name: 0 for budget in BUDGETS}
        places = {"small": 1, "large": 1, "tokens": 2, "calls": 3}
        for bill in self._bills.iterdir():
            for line in bill.read_text().splitlines():
                names, *_ = parts = line.split()
                for name in names.split(","):
                    sums[name] += int(parts[places[name]])
        return sums

    def _start(self) -> multiprocessing.Process:
        self._started += 1
        process = fork.Process(target=work, args=(self._url, self._bills, self._started), daemon=True)
        process.start()
        return process  # type: ignore[return-value]

    def _kill(self, victim: int) -> None:
        worker = self._workers[victim]
        assert worker.exitcode is None, "a worker ended by itself"
        assert worker.pid
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        self.killed += 1


def settle_the_dust(url: str) -> dict[str, tuple[int, int, int]]:
    """Let all holds expire. By budget: spent, held, and what the holds have booked."""
    with open_store(url) as store:
        store.ledger.expire(datetime.now(UTC) + 2 * TTL)
    engine = sa.create_engine(url)
    with engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT * FROM too_much").all() == []
        assert conn.exec_driver_sql("SELECT count(*) FROM aiguard_hold WHERE state = 'held'").scalar() == 0
        rows = conn.exec_driver_sql(
            "SELECT b.name, b.spent, b.held, (SELECT coalesce(sum(h.booked), 0) FROM aiguard_hold h "
            "WHERE h.budget_name = b.name AND h.window_key = b.window_key) AS booked FROM aiguard_budget b"
        ).all()
    engine.dispose()
    return {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in rows}
