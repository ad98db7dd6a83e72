"""What the ledger assumes of the databases' isolation, as it is written in store/ledger.py."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import BudgetExceededError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store.store import Store, open_store

WHO = RunIdentity(run_id="r", dag_id="d", dag_run_id="x")
BUDGET = Budget("b", "1.00", per="team")
HOUR = timedelta(hours=1)


def take(store: Store, micros: int) -> None:
    store.ledger.hold([BUDGET], WHO, Amounts(micros=micros), ttl=HOUR)


@pytest.mark.parametrize(("waits_for", "refused"), [("commit", True), ("rollback", False)])
def test_a_hold_that_meets_another_waits_and_then_looks_again(store: Store, waits_for: str, refused: bool) -> None:
    take(store, 100_000)
    outcome: list[str] = []

    def second() -> None:
        try:
            take(store, 500_000)
        except BudgetExceededError:
            outcome.append("refused")
        else:
            outcome.append("held")

    # The first has taken its amount and has not committed when the second comes.
    with store._database.engine.connect() as conn:
        transaction = conn.begin()
        if conn.dialect.name == "sqlite":
            conn.exec_driver_sql("BEGIN IMMEDIATE")
        conn.exec_driver_sql("UPDATE aiguard_budget SET held = held + 500000")
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.5)
        assert outcome == []
        getattr(transaction, waits_for)()
    waiting.join()
    assert outcome == ["refused" if refused else "held"]


@pytest.mark.parametrize("default", ["repeatable read", "serializable"])
def test_the_level_is_ours_whatever_the_database_says(postgres_database: str, default: str) -> None:
    engine = sa.create_engine(
        postgres_database,
        connect_args={"options": f"-c default_transaction_isolation={default.replace(' ', chr(92) + ' ')}"},
    )
    for where in (engine, postgres_database):
        with open_store(where) as store:
            level = store._database.write(lambda conn: conn.exec_driver_sql("SHOW transaction_isolation").scalar())
            assert level == "read committed"
    engine.dispose()


def test_a_limit_counts_for_every_hold_that_begins_after_it_was_set(store: Store, store_url: str) -> None:
    from airflow_provider_aiguard.store.budgets import StoredLimit

    take(store, 100_000)
    with open_store(store_url) as other:
        now = datetime.now(UTC)
        other.budgets.set_limit(StoredLimit(name="b", per="team", unit="usd", amount=100_000, set_by="ada", set_at=now))
    with pytest.raises(BudgetExceededError, match="set in the store"):
        take(store, 1)
