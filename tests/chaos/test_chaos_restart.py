"""The store restarts, or stays away: work waits a while, and then fails closed."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import StoreUnavailableError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store import database
from airflow_provider_aiguard.store.store import open_store

if TYPE_CHECKING:
    from chaos_server import Server

WHO = RunIdentity(run_id="r", dag_id="d", dag_run_id="x", task_id="t")
BUDGET = Budget("b", "1.00", per="team")
HOUR = timedelta(hours=1)
DRIVERS = ("psycopg", "psycopg2")


def url_of(server: Server, driver: str) -> str:
    return server.url.replace("+psycopg:", f"+{driver}:")


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_is_survived_by_everybody_who_was_connected(server: Server, driver: str, end: str) -> None:
    with open_store(url_of(server, driver)) as store:
        held = store.ledger.hold([BUDGET], WHO, Amounts(micros=5), ttl=HOUR)
        getattr(server, end)()
        back = threading.Thread(target=lambda: (time.sleep(0.5), server.start()))
        back.start()
        store.ledger.settle(held, Amounts(micros=3))
        back.join()
        again = store.ledger.hold([BUDGET], WHO, Amounts(micros=5), ttl=HOUR)
        store.ledger.release(again)
        status = store.ledger.status(BUDGET, WHO, datetime.now(UTC))
        assert (status.spent, status.held) == (3, 0)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_store_that_stays_away_refuses(server: Server, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "RESTART_SECONDS", 0.5)
    with open_store(url_of(server, driver)) as store:
        server.stop()
        with pytest.raises(StoreUnavailableError, match="Nothing is spent or published without it"):
            store.ledger.hold([BUDGET], WHO, Amounts(micros=5), ttl=HOUR)
    with pytest.raises(StoreUnavailableError, match="did not answer"):
        open_store(url_of(server, driver))


def test_a_hold_whose_commit_was_not_answered_is_not_taken_twice(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(server.url) as store:
        once = store._database._once
        attempts = []

        def lose_the_answer(work: object, *, write: bool) -> object:
            result = once(work, write=write)  # type: ignore[arg-type]
            attempts.append(1)
            if len(attempts) == 1:
                raise sa.exc.OperationalError("COMMIT", None, Exception("server closed the connection unexpectedly"))
            return result

        monkeypatch.setattr(store._database, "_once", lose_the_answer)
        held = store.ledger.hold([BUDGET], WHO, Amounts(micros=5), ttl=HOUR)
        assert len(attempts) == 2
        status = store.ledger.status(BUDGET, WHO, datetime.now(UTC))
        assert (status.spent, status.held) == (0, 5)
        store.ledger.settle(held, Amounts(micros=5))
