"""The schema on real databases: migrations make what the code declares, whole or not at all."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from airflow_provider_aiguard.core.errors import StoreUnavailableError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.revision import HEAD, current_revision, upgrade
from airflow_provider_aiguard.store.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def raw(store_url: str) -> Iterator[sa.Engine]:
    """The same database, without the store."""
    assert current_revision(store_url) is None  # makes the folder of a SQLite file
    engine = sa.create_engine(store_url)
    yield engine
    engine.dispose()


def tables(engine: sa.Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names())


def test_migrations_make_what_the_code_declares(raw: sa.Engine, store_url: str) -> None:
    upgrade(store_url)
    with raw.connect() as conn:
        options = {"compare_type": True, "compare_server_default": True, "version_table": schema.VERSION_TABLE}
        context = MigrationContext.configure(conn, opts=options)
        assert compare_metadata(context, schema.metadata) == []
    assert tables(raw) == {*schema.metadata.tables, schema.VERSION_TABLE}


def test_upgrade_says_what_it_found(store_url: str) -> None:
    assert upgrade(store_url) == (None, HEAD)
    assert upgrade(store_url) == (HEAD, HEAD)
    assert current_revision(store_url) == HEAD


def test_a_shared_database_keeps_its_other_tables(raw: sa.Engine, store_url: str) -> None:
    with raw.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        conn.exec_driver_sql("INSERT INTO alembic_version VALUES ('theirs')")
    open_store(store_url).close()
    with raw.connect() as conn:
        assert conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == ["theirs"]


def test_opening_a_current_store_is_one_query(store_url: str) -> None:
    open_store(store_url).close()
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        open_store(store_url).close()
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    ours = [statement for statement in seen if schema.VERSION_TABLE in statement]
    assert len(ours) == 1
    # What is left is what the driver asks a new PostgreSQL connection.
    assert all(
        statement.startswith(("select pg_catalog", "select current_schema", "show "))
        for statement in seen
        if statement not in ours
    )


def test_a_store_of_a_newer_version_is_left_alone(raw: sa.Engine, store_url: str) -> None:
    open_store(store_url).close()
    with raw.begin() as conn:
        conn.exec_driver_sql("UPDATE aiguard_alembic_version SET version_num = '9999'")
    with pytest.raises(StoreUnavailableError, match=rf"has schema revision '9999'.*none after '{HEAD}'.*[Nn]ewer"):
        open_store(store_url)
    assert current_revision(store_url) == "9999"


def test_a_failed_upgrade_leaves_nothing(raw: sa.Engine, store_url: str) -> None:
    with raw.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE aiguard_hold (mine INTEGER)")  # the last table the revision makes
    with pytest.raises(StoreUnavailableError, match=r"aiguard_hold.* already exists"):
        open_store(store_url)
    assert tables(raw) == {"aiguard_hold"}


def test_upgrades_speak_through_logging_only(
    store_url: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        open_store(store_url).close()
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_times_are_utc_whatever_the_session_says(postgres_database: str) -> None:
    engine = sa.create_engine(postgres_database, connect_args={"options": "-c timezone=Asia/Tokyo"})
    with open_store(engine) as store:
        store.profiles.save("p", {}, table="t", identity=RunIdentity(run_id="r"))
        _, saved_at = store.profiles.get("p")
    assert saved_at.tzinfo is UTC
    assert abs((datetime.now(UTC) - saved_at).total_seconds()) < 60
    engine.dispose()


def test_both_drivers_work(postgres_database: str) -> None:
    bare = postgres_database.replace("postgresql+psycopg2", "postgresql", 1)
    for url in (bare, bare.replace("postgresql", "postgresql+psycopg", 1), postgres_database):
        with open_store(url) as store:
            store.profiles.save("p", {"url": 1}, table="t", identity=RunIdentity(run_id="r"))
            assert store.profiles.names() == ["p"]


def test_an_engine_of_the_callers_is_used_and_left_open(postgres_engine: sa.Engine) -> None:
    loose = postgres_engine.execution_options(isolation_level="AUTOCOMMIT")
    with open_store(loose) as store:
        # AUTOCOMMIT would keep half of what failed.
        assert store._database.write(lambda conn: conn.get_isolation_level()) == "READ COMMITTED"
    with postgres_engine.connect() as conn:
        assert conn.scalar(sa.select(1)) == 1
    assert postgres_engine.pool.checkedin() >= 1  # type: ignore[attr-defined]


def test_a_lost_connection_is_replaced(postgres_database: str, postgres_engine: sa.Engine) -> None:
    with open_store(postgres_database) as store:
        assert store.runs.list() == []
        with postgres_engine.connect() as conn:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
            conn.exec_driver_sql(others + "datname = current_database()")
        assert store.runs.list() == []


def test_a_store_whose_tables_went_away_fails_closed(store: Store, store_url: str) -> None:
    engine = sa.create_engine(store_url)
    with engine.begin() as conn:
        conn.exec_driver_sql("DROP TABLE aiguard_profile")
    engine.dispose()
    with pytest.raises(StoreUnavailableError, match=r"did not answer.*aiguard_profile.*Nothing is spent"):
        store.profiles.names()
