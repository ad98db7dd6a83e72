"""The connections that a store keeps to PostgreSQL: few, none after a failure, none of another process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import BudgetExceededError
from airflow_provider_aiguard.store.database import IDLE, open_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_aiguard.store.database import Database
    from tests.integration.store.conftest import Spawn


@pytest.fixture(params=["psycopg", "psycopg2"])
def url(request: pytest.FixtureRequest, postgres_database: str) -> str:
    """URL of an empty database, by either driver."""
    return sa.make_url(postgres_database).set(drivername=f"postgresql+{request.param}").render_as_string(False)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.close()


def backend(conn: sa.Connection) -> int:
    """Which of the server's processes answers."""
    return int(conn.scalar(sa.text("SELECT pg_backend_pid()")))


def backends(engine: sa.Engine) -> int:
    """How many others are connected to the database."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with engine.connect() as conn:
        return int(conn.exec_driver_sql(f"SELECT count(*) {others}").scalar_one())


def eventually(engine: sa.Engine, count: int) -> bool:
    """Whether so many stay connected: the server notices a moment later who has left."""
    settled = threading.Event()
    for _ in range(100):
        if backends(engine) == count:
            return True
        settled.wait(0.05)
    return False


def test_one_connection_serves_one_transaction_after_the_other(database: Database) -> None:
    assert len({database.write(backend) for _ in range(3)}) == 1


def test_few_are_kept_of_many_and_none_after_closing(database: Database, postgres_engine: sa.Engine) -> None:
    together = threading.Barrier(20)

    def work(conn: sa.Connection) -> None:
        backend(conn)
        together.wait()

    threads = [threading.Thread(target=database.write, args=(work,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert eventually(postgres_engine, IDLE)
    database.close()
    assert eventually(postgres_engine, 0)


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_one_on_which_something_failed_is_not_used_again(database: Database, kind: type[BaseException]) -> None:
    before = database.write(backend)

    def fail(_conn: sa.Connection) -> None:
        raise kind("stop")

    with pytest.raises(kind, match="stop"):
        database.write(fail)
    assert database.write(backend) != before


def test_our_own_refusal_leaves_it_well_and_undoes_all(database: Database) -> None:
    database.write(lambda conn: conn.execute(sa.text("CREATE TABLE t (n INTEGER)")).close())
    before = database.write(backend)

    def refuse(conn: sa.Connection) -> None:
        conn.execute(sa.text("INSERT INTO t VALUES (1)"))
        raise BudgetExceededError("too much")

    with pytest.raises(BudgetExceededError, match="too much"):
        database.write(refuse)
    assert database.write(backend) == before
    assert database.read(lambda conn: conn.scalar(sa.text("SELECT count(*) FROM t"))) == 0


@pytest.mark.parametrize("end", ["use", "close", "collect", "exit"])
def test_a_child_leaves_its_parents_connection_open(url: str, spawn: Spawn, end: str) -> None:
    process = spawn("inherit", url, end)
    output = process.communicate()[0]
    assert process.returncode == 0
    before, child, after = output.split()
    assert before == after != child
