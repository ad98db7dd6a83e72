from __future__ import annotations

import sqlite3
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_provider_aiguard.core.errors import ConfigurationError, StoreUnavailableError
from airflow_provider_aiguard.store import database as database_module
from airflow_provider_aiguard.store.database import Database, insert_into, is_lost_race, open_database

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cr3t"  # noqa: S105
AWAY = f"postgresql+psycopg2://ada:{SECRET}@127.0.0.1:1/db?sslpassword={SECRET}2"


@pytest.fixture
def database(store_url: str) -> Database:
    return open_database(store_url)


class TestOpenDatabase:
    @pytest.mark.parametrize(
        "url",
        [
            "sqlite://",
            "sqlite:///:memory:",
            "sqlite:///file::memory:?uri=true",
            "sqlite:///file:x?mode=memory&uri=true",
        ],
    )
    def test_memory_is_refused(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match="needs a SQLite file, which every task can open"):
            open_database(url)

    @pytest.mark.parametrize("url", ["duckdb:///x.db", "mysql+pymysql://a@h/d"])
    def test_other_databases_are_refused(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match=r"lives in PostgreSQL or in a SQLite file; got '(duckdb|mysql)'"):
            open_database(url)

    @pytest.mark.parametrize("url", ["sqlite+aiosqlite:///x.db", "postgresql+asyncpg://h/d"])
    def test_asynchronous_drivers_are_refused(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match="needs a synchronous driver"):
            open_database(url)

    def test_what_is_no_url_is_refused_without_showing_it(self) -> None:
        with pytest.raises(ConfigurationError, match="is not a SQLAlchemy URL") as refused:
            open_database(f"ada:{SECRET}@host")
        assert SECRET not in "".join(traceback.format_exception(refused.value))

    def test_a_missing_driver_is_named(self) -> None:
        with pytest.raises(ConfigurationError, match=r"needs a driver that is not installed.*\[postgres\]") as refused:
            open_database(f"postgresql+pg8000://ada:{SECRET}@host/db")
        assert SECRET not in str(refused.value)

    @pytest.mark.parametrize(
        ("installed", "driver"), [(("psycopg", "psycopg2"), "psycopg"), (("psycopg2",), "psycopg2")]
    )
    def test_a_url_without_driver_takes_the_installed_one(
        self, monkeypatch: pytest.MonkeyPatch, installed: tuple[str, ...], driver: str
    ) -> None:
        monkeypatch.setattr(database_module, "find_spec", lambda name: name in installed or None)
        for scheme in ("postgres", "postgresql"):
            assert open_database(f"{scheme}://h/d").engine.driver == driver

    def test_the_folder_is_made(self, tmp_path: Path) -> None:
        open_database(f"sqlite:///{tmp_path}/a/b/c.db")
        assert (tmp_path / "a" / "b").is_dir()

    def test_a_folder_that_cannot_be_made_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("a file")
        with pytest.raises(StoreUnavailableError, match=r"The folder '.*/a/b' .*cannot be made: .+\. Make it writable"):
            open_database(f"sqlite:///{tmp_path}/a/b/c.db")

    def test_a_file_uri_is_taken_as_it_is(self, tmp_path: Path) -> None:
        database = open_database(f"sqlite:///file:{tmp_path}/x.db?uri=true")
        assert database.read(lambda conn: conn.scalar(sa.select(1))) == 1
        assert (tmp_path / "x.db").exists()

    def test_a_sqlite_engine_only_says_which_file(self, store_url: str) -> None:
        given = sa.create_engine(store_url)
        database = open_database(given)
        assert database.engine is not given
        assert database.engine.url == given.url
        assert isinstance(database.engine.pool, NullPool)

    def test_postgres_gets_no_pool_and_a_connection_that_gives_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given: list[dict[str, Any]] = []
        make = sa.create_engine

        def spy(url: sa.URL, **options: Any) -> sa.Engine:
            given.append(options)
            return make(url, **options)

        monkeypatch.setattr(sa, "create_engine", spy)
        open_database("postgresql+psycopg2://h/d")
        open_database("postgresql+psycopg2://h/d?connect_timeout=77")
        assert [options.pop("connect_args") for options in given] == [{"connect_timeout": 10}, {}]
        assert given[0] == given[1]
        assert given[0] == {
            "poolclass": NullPool,
            "pool_reset_on_return": None,
            "hide_parameters": True,
            "isolation_level": "READ COMMITTED",
        }


class TestPragmas:
    def test_every_connection_has_them(self, database: Database) -> None:
        def pragmas(conn: sa.Connection) -> list[int]:
            names = ("foreign_keys", "synchronous", "busy_timeout")
            return [int(conn.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in names]

        assert database.read(pragmas) == [1, 1, 30_000]


class TestTransactions:
    def make(self, database: Database) -> None:
        database.write(lambda conn: conn.exec_driver_sql("CREATE TABLE t (n INTEGER)").close())

    def count(self, database: Database) -> int:
        return database.read(lambda conn: int(conn.exec_driver_sql("SELECT count(*) FROM t").scalar_one()))

    @pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
    def test_whatever_is_raised_rolls_back(self, database: Database, kind: type[BaseException]) -> None:
        self.make(database)

        def work(conn: sa.Connection) -> None:
            conn.exec_driver_sql("INSERT INTO t VALUES (1)")
            raise kind("stop")

        with pytest.raises(kind, match="stop"):
            database.write(work)
        assert self.count(database) == 0

    def test_a_write_takes_the_lock_before_it_reads(self, database: Database) -> None:
        self.make(database)

        def work(conn: sa.Connection) -> bool:
            other = sqlite3.connect(str(database.engine.url.database), timeout=0, isolation_level=None)
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
            other.close()
            return True

        assert database.write(work)

    def test_a_lock_that_goes_away_is_waited_for(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.make(database)
        path = str(database.engine.url.database)
        blocker = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        attempts = []
        impatient = Database(
            sa.create_engine(database.engine.url, poolclass=NullPool, connect_args={"timeout": 0}), owned=True
        )
        original = impatient._once

        def counted(work: object, *, write: bool) -> object:
            attempts.append(1)
            if len(attempts) == 3:
                blocker.execute("ROLLBACK")
            return original(work, write=write)  # type: ignore[arg-type]

        monkeypatch.setattr(impatient, "_once", counted)
        impatient.write(lambda conn: conn.exec_driver_sql("INSERT INTO t VALUES (1)").close())
        assert len(attempts) == 3
        assert self.count(database) == 1
        blocker.close()

    def test_a_lock_that_stays_is_reported(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.make(database)
        monkeypatch.setattr(database_module, "RETRY_SECONDS", 0.05)
        monkeypatch.setattr(database_module, "BUSY_SECONDS", 0)
        blocker = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        impatient = open_database(database.engine.url)
        with pytest.raises(StoreUnavailableError, match="did not answer: database is locked"):
            impatient.write(lambda conn: None)
        blocker.close()

    def test_two_threads_take_turns(self, database: Database) -> None:
        self.make(database)

        def add(conn: sa.Connection) -> None:
            n = conn.exec_driver_sql("SELECT count(*) FROM t").scalar_one()
            time.sleep(0.001)
            conn.exec_driver_sql("INSERT INTO t VALUES (?)", (n,))

        def many() -> None:
            for _ in range(20):
                database.write(add)

        threads = [threading.Thread(target=many) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        distinct = database.read(lambda conn: conn.exec_driver_sql("SELECT count(DISTINCT n) FROM t").scalar_one())
        assert distinct == self.count(database) == 80


class TestFork:
    def test_a_child_leaves_the_inherited_connections_alone(
        self, monkeypatch: pytest.MonkeyPatch, store_url: str
    ) -> None:
        database = open_database(store_url)
        closed: list[bool] = []
        monkeypatch.setattr(database.engine, "dispose", lambda *, close: closed.append(close))
        monkeypatch.setattr(database_module.os, "getpid", lambda: -1)
        for _ in range(2):
            database.read(lambda conn: None)
        assert closed == [False]


class TestUnavailable:
    def test_a_server_that_is_away_is_named_without_its_password(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(database_module, "RESTART_SECONDS", 0.1)
        database = open_database(AWAY)
        with pytest.raises(
            StoreUnavailableError, match=r"at postgresql\+psycopg2://ada:\*\*\*@127.0.0.1:1/db did"
        ) as away:
            database.read(lambda conn: None)
        assert SECRET not in "".join(traceback.format_exception(away.value))
        assert SECRET not in repr(database)
        [said] = [record.message for record in caplog.records]
        assert said.startswith("The AI Guard store at postgresql+psycopg2://ada:***@127.0.0.1:1/db is away")

    @pytest.mark.parametrize(
        ("state", "text", "away"),
        [
            ("57P01", "terminating connection due to administrator command", True),
            ("57P03", "the database system is starting up", True),
            ("08006", "connection failure", True),
            ("53300", "too many connections", True),
            ("42P01", "relation does not exist", False),
            ("53100", "disk full", False),
            (None, "server closed the connection unexpectedly", True),
            (None, "connection failed: Connection refused", True),
            (None, "FATAL:  the database system is shutting down", True),
            (None, 'FATAL:  password authentication failed for user "ada"', False),
            (None, 'FATAL:  database "x" does not exist', False),
        ],
    )
    def test_only_what_a_restart_mends_is_waited_for(self, state: str | None, text: str, away: bool) -> None:
        cause = type("Cause", (Exception,), {"sqlstate": state})(text)
        assert database_module.is_away(sa.exc.OperationalError("", None, cause)) is away

    def test_a_sqlite_file_does_not_restart(self) -> None:
        with pytest.raises(sqlite3.OperationalError, match="unable to open") as error:
            sqlite3.connect("/no/such/folder/file.db").execute("SELECT 1")
        assert not database_module.is_away(sa.exc.OperationalError("", None, error.value))

    def test_a_driver_that_repeats_the_password_is_censored(self) -> None:
        error = open_database(AWAY).unavailable(RuntimeError(f"dsn password={SECRET} sslpassword={SECRET}2\nmore"))
        assert "dsn password=*** sslpassword=***" in str(error)
        assert SECRET not in str(error)
        assert "more" not in str(error)

    def test_a_file_that_is_no_database_is_reported(self, tmp_path: Path) -> None:
        (tmp_path / "store.db").write_bytes(b"not a database, by far" * 100)
        database = open_database(f"sqlite:///{tmp_path}/store.db")
        with pytest.raises(StoreUnavailableError, match="did not answer: file is not a database"):
            database.write(lambda conn: None)


class TestIsLostRace:
    @pytest.mark.parametrize(
        ("name", "value"), [("sqlstate", "40P01"), ("pgcode", "40001"), ("sqlite_errorname", "SQLITE_BUSY")]
    )
    def test_only_locks_are(self, name: str, value: str) -> None:
        def error(value: str) -> sa.exc.OperationalError:
            cause = Exception("cause")
            setattr(cause, name, value)
            return sa.exc.OperationalError("", {}, cause)

        assert is_lost_race(error(value))
        assert not is_lost_race(error("OTHER"))
        assert not is_lost_race(sa.exc.TimeoutError())


def test_insert_into_speaks_each_dialect(database: Database) -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("n", sa.Integer))
    insert = database.read(lambda conn: insert_into(conn, table)).on_conflict_do_nothing()
    assert "ON CONFLICT DO NOTHING" in str(insert.compile(database.engine))
