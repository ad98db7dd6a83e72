from __future__ import annotations

import runpy
import sqlite3
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from airflow_provider_aiguard.core.errors import StoreUnavailableError
from airflow_provider_aiguard.store import revision
from airflow_provider_aiguard.store.database import open_database
from airflow_provider_aiguard.store.revision import HEAD, MIGRATIONS, alembic_config, current_revision, upgrade

if TYPE_CHECKING:
    from pathlib import Path


def test_head_is_the_head_alembic_finds(store_url: str) -> None:
    database = open_database(store_url)
    heads = database.read(lambda conn: ScriptDirectory.from_config(alembic_config(conn)).get_heads())
    assert heads == [HEAD]


def test_alembic_sees_nothing_to_add(store_url: str) -> None:
    upgrade(store_url)
    open_database(store_url).write(lambda conn: command.check(alembic_config(conn)))


def test_alembic_sees_a_table_that_is_missing(store_url: str) -> None:
    upgrade(store_url)
    database = open_database(store_url)
    database.write(lambda conn: conn.exec_driver_sql("DROP TABLE aiguard_profile").close())
    with pytest.raises(Exception, match=r"New upgrade operations detected.*aiguard_profile"):
        database.write(lambda conn: command.check(alembic_config(conn)))


def test_no_store_has_no_revision(store_url: str) -> None:
    assert current_revision(store_url) is None
    assert upgrade(store_url) == (None, HEAD)
    assert current_revision(store_url) == HEAD


def test_an_upgraded_file_is_in_wal_mode(store_url: str, tmp_path: Path) -> None:
    upgrade(store_url)
    with sqlite3.connect(tmp_path / "store.db") as conn:
        assert conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_path_with_percent_signs_is_only_a_path(monkeypatch: pytest.MonkeyPatch, store_url: str) -> None:
    monkeypatch.setattr(revision, "MIGRATIONS", MIGRATIONS.parent / "100%(x)s")
    database = open_database(store_url)
    location = database.read(lambda conn: alembic_config(conn).get_main_option("script_location"))
    assert location == str(MIGRATIONS.parent / "100%(x)s")


def test_a_lock_while_looking_is_a_lock_not_an_absent_store(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade(store_url)
    monkeypatch.setattr("airflow_provider_aiguard.store.database.RETRY_SECONDS", 0.05)
    monkeypatch.setattr("airflow_provider_aiguard.store.database.BUSY_SECONDS", 0)
    blocker = sqlite3.connect(str(sa.make_url(store_url).database), isolation_level=None)
    blocker.execute("PRAGMA journal_mode = DELETE")
    blocker.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailableError, match="database is locked"):
        upgrade(store_url)
    blocker.close()


def test_a_race_while_looking_is_passed_on() -> None:
    class Racing:
        def scalar(self, _query: object) -> None:
            cause = Exception("locked")
            cause.sqlite_errorname = "SQLITE_BUSY_SNAPSHOT"  # type: ignore[attr-defined]
            raise sa.exc.OperationalError("", {}, cause)

    with pytest.raises(sa.exc.OperationalError, match="locked"):
        revision._glance(Racing())  # type: ignore[arg-type]


def test_whoever_waited_for_the_lock_finds_the_work_done(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade(store_url)
    monkeypatch.setattr(revision, "_run_revisions", None)
    database = open_database(store_url)
    assert database.write(lambda conn: revision._migrate(conn, database)) == HEAD


def test_the_environment_may_be_imported() -> None:
    assert callable(runpy.run_path(str(MIGRATIONS / "env.py"))["migrate"])
