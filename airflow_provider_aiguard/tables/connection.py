"""Open and close: the one place that knows how long to wait for a database that is busy."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import TableBusyError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0

_LOCKED = "Could not set lock on file"

_UNFINISHED = "is not a valid DuckDB database file"
"""What DuckDB says of a file that another process is just creating, and of one that is something else."""

_CREATION_SECONDS = 2.0


class _EveryWord(set[str]):
    """Reserved words, for those who take no chances."""

    def __contains__(self, word: object) -> bool:
        return True


_EVERY_WORD = _EveryWord()
_KEEP_CASE = ("duckdb", "postgresql", "sqlite")
"""Where a name in lower case means the same with quotes: not so on Oracle and Snowflake."""


@contextmanager
def connect(engine: sa.Engine, *, wait_seconds: float = 60.0) -> Iterator[sa.Connection]:
    """Open a connection, and close it whatever happens: ``BaseException`` too, since that is how Airflow kills tasks.

    A DuckDB file has one writing process and no reader beside it, so its handle is really closed at the end, not kept
    in the engine's pool.

    :param engine: the caller's; it is not disposed.
    :param wait_seconds: how long to wait for a database another process holds; DuckDB is asked again and again with
        growing pauses, SQLite waits by itself when it writes.
    :raises TableBusyError: if the database was still held. A retry can help.
    """
    conn = _open(engine, wait_seconds)
    if engine.dialect.name in _KEEP_CASE:
        # SQLAlchemy's lists lack words: "nothing" and "returning" on SQLite, "at", "by" and nine others on DuckDB.
        conn.dialect.identifier_preparer.reserved_words = _EVERY_WORD
    try:
        if engine.dialect.name == "sqlite":
            with conn.begin():
                conn.exec_driver_sql(f"PRAGMA busy_timeout = {int(wait_seconds * 1000)}")
        yield conn
    finally:
        conn.close()


@contextmanager
def transaction(conn: sa.Connection) -> Iterator[None]:
    """Read inside the caller's transaction if one is open, else in a short one."""
    if conn.in_transaction():
        yield
        return
    with conn.begin():
        yield


def _open(engine: sa.Engine, wait_seconds: float) -> sa.Connection:
    if engine.dialect.name != "duckdb":
        return engine.connect()
    started = time.monotonic()
    pause = _FIRST_PAUSE
    while True:
        try:
            return _own(engine.connect())
        except sa.exc.DBAPIError as error:
            left = started + wait_seconds - time.monotonic()
            if left <= 0 and _LOCKED in str(error):
                raise _busy(engine, wait_seconds) from error
            if not (_LOCKED in str(error) or (_UNFINISHED in str(error) and left > wait_seconds - _CREATION_SECONDS)):
                raise
        time.sleep(max(0.0, min(pause, left)))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _own(conn: sa.Connection) -> sa.Connection:
    """Take a file's connection out of the pool, so that closing it closes the file. A database in memory stays."""
    if not (conn.engine.url.database or ":memory:").startswith(":memory:"):
        conn.detach()
    return conn


def _busy(engine: sa.Engine, waited: float) -> TableBusyError:
    return TableBusyError(
        f"DuckDB file {engine.url.database!r} is held by another process; waited {waited:g} s. DuckDB has a single "
        "writer: while one process has the file open to write, no other can open it. Run the tasks that use this file "
        "in an Airflow pool with one slot (pool='duckdb'), or keep the rows in PostgreSQL."
    )
