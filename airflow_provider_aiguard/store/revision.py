"""The revision of a store's schema: reading it, and bringing it up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import URL, Connection, Engine
from sqlalchemy import exc as sa_exc

from airflow_provider_aiguard.core.errors import StoreUnavailableError
from airflow_provider_aiguard.store.database import Database, is_lost_race, open_database
from airflow_provider_aiguard.store.schema import VERSION_TABLE

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0009"
"""The newest revision. A current store is recognised by it without importing Alembic, which is slow."""

MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 0x61696775617264
"""PostgreSQL advisory lock of whoever migrates: the bytes of ``aiguard``."""

_revision: sa.Select[str] = sa.select(sa.column("version_num", sa.Text())).select_from(sa.table(VERSION_TABLE))


def current_revision(url: str | URL | Engine) -> str | None:
    """Revision of the store's schema, ``None`` if there is no store yet. Changes nothing.

    :param url: see :func:`open_store`.
    :raises StoreUnavailableError: if the database does not answer.
    """
    database = open_database(url)
    try:
        return database.read(_recorded)
    finally:
        database.close()


def upgrade(url: str | URL | Engine) -> tuple[str | None, str]:
    """Bring the store's schema up to date, making it if there is none. Safe to run in many processes at once.

    :param url: see :func:`open_store`.
    :returns: the revision before and after.
    :raises StoreUnavailableError: if the database does not answer, or a newer version of this package upgraded it.
    """
    database = open_database(url)
    try:
        return ensure_current(database), HEAD
    finally:
        database.close()


def is_current(database: Database) -> bool:
    """Whether the schema is there and of this version, which one query tells."""
    return database.read(_glance) == HEAD


def ensure_current(database: Database) -> str | None:
    """Upgrade unless the schema is current, which one query tells.

    :returns: the revision that was found.
    """
    found = database.read(_glance)
    if found == HEAD:
        return found
    if database.is_sqlite:
        _set_wal(database)
    return database.write(lambda conn: _migrate(conn, database))


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration without an ``alembic.ini``: for upgrades, and for ``alembic.command.revision``.

    :param connection: the connection that commands work on, in its transaction.
    """
    from alembic.config import Config

    config = Config()
    # ConfigParser would read a % in the path as the start of a reference.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _glance(conn: Connection) -> str | None:
    try:
        return conn.scalar(_revision)
    except sa_exc.DBAPIError as error:
        if is_lost_race(error):
            raise
        # No table, most likely. If it is worse, the careful look under the lock will say so.
        conn.rollback()
        return None


def _recorded(conn: Connection) -> str | None:
    return conn.scalar(_revision) if sa.inspect(conn).has_table(VERSION_TABLE) else None


def _set_wal(database: Database) -> None:
    """Let readers and the writer work side by side. The file remembers it, so it is set once, at its first upgrade."""
    database.read(lambda conn: conn.exec_driver_sql("PRAGMA journal_mode = WAL").scalar())


def _migrate(conn: Connection, database: Database) -> str | None:
    if not database.is_sqlite:
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    found = _recorded(conn)
    if found != HEAD:
        _run_revisions(conn, found, database)
    return found


def _run_revisions(conn: Connection, found: str | None, database: Database) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config(conn)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreUnavailableError(
            f"The AI Guard store at {database} has schema revision {found!r}; this installation knows "
            f"none after {HEAD!r}. "
            "A newer airflow-provider-aiguard upgraded it: install that version here too."
        )
    command.upgrade(config, "head")
