"""The database under the store: how it is opened, how a transaction runs, how it fails.

Work comes as a function of a connection and is one transaction. It may run more than once: a transaction that lost a
race for a lock was rolled back whole, and is tried again for :data:`RETRY_SECONDS`; one whose server went away is
tried again for :data:`RESTART_SECONDS`, so that the store may restart. Where the answer to a commit was lost it may
have succeeded: all work is written so that doing it twice leaves what doing it once does. Whatever else the database
objects to is a :class:`StoreUnavailableError`: nobody spends or publishes on a guess about what was recorded.
"""

from __future__ import annotations

import logging
import math
import os
import random
import time
from collections import deque
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy import exc as sa_exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import NullPool

from airflow_provider_aiguard.core.errors import AIGuardError, ConfigurationError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

logger = logging.getLogger(__name__)

BUSY_SECONDS = 30
"""How long SQLite itself waits for another process's write to end."""

RETRY_SECONDS = 60.0
"""How long a transaction that lost a race for a lock is tried again."""

RESTART_SECONDS = 30.0
"""How long a database that went away, or does not accept connections yet, is asked again."""

CONNECT_SECONDS = 10
"""How long PostgreSQL may take to answer a connection attempt."""

_LOST_RACES = ("40001", "40P01", "55P03")
"""PostgreSQL: serialization failure, deadlock, lock not available."""

_RESTARTING = ("57P01", "57P02", "57P03", "53300")
"""PostgreSQL: shut down by an administrator, crashed, cannot connect now, too many connections. And class 08."""

_NOT_YET = ("starting up", "shutting down", "recovery", "accepting connections", "too many", "terminating")
"""What a server says at the door while it cannot be used. Whatever else it says there stays so."""

IDLE = 2
"""How many connections to PostgreSQL a process keeps open between transactions."""

_CURSOR = "aiguard_cursor"
"""Where a connection keeps the cursor of the ledger's holds."""

_SECRETS = ("password", "passwd", "sslpassword")


class Database:
    """Transactions on one SQLite file or PostgreSQL database. Safe to use from several threads.

    :param engine: whose connections to use.
    :param owned: whether :meth:`close` may dispose of the engine.
    :param patience: most seconds to try again for, whatever the reason.
    """

    def __init__(self, engine: Engine, *, owned: bool, patience: float = math.inf) -> None:
        self.engine = engine
        self._owned = owned
        self._patience = patience
        self._process = os.getpid()
        self._idle: deque[Connection] = deque()
        # A file is opened for each transaction, and a caller's engine keeps its connections itself.
        self._most_idle = IDLE if owned and not self.is_sqlite else 0

    def __str__(self) -> str:
        return _shown(self.engine.url)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a SQLite file."""
        return self.engine.dialect.name == "sqlite"

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work``, which only reads.

        :raises StoreUnavailableError: if the database does not answer.
        """
        return self._patiently(lambda: self._once(work, write=False))

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in one transaction: committed when it returns, rolled back when it raises anything.

        :raises StoreUnavailableError: if the database does not answer, or stays locked.
        """
        return self._patiently(lambda: self._once(work, write=True))

    def close(self) -> None:
        """Close the connections, unless the engine is the caller's."""
        self._leave_inherited()
        while self._idle:
            self._idle.pop().close()
        if self._owned:
            self.engine.dispose()

    def _leave_inherited(self) -> None:
        """After a fork, leave the connections to the parent: two processes on one socket mix their answers."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._idle.clear()
            self.engine.dispose(close=False)

    def _once(self, work: Callable[[Connection], T], *, write: bool) -> T:
        self._leave_inherited()
        conn = self._connected()
        try:
            with conn.begin():
                if write and self.is_sqlite:
                    # A transaction that begins by reading and then writes fails at once, without waiting, when another
                    # process wrote in between. Taking the write lock first makes it wait its turn instead.
                    conn.exec_driver_sql("BEGIN IMMEDIATE")
                done = work(conn)
        except AIGuardError:
            # Our own refusal, rolled back: nothing is wrong with the connection.
            self._keep(conn)
            raise
        except BaseException:
            conn.close()
            raise
        self._keep(conn)
        return done

    def _connected(self) -> Connection:
        with suppress(IndexError):
            return self._idle.pop()
        conn = self.engine.connect()
        if self._most_idle:
            # SQLAlchemy would close it when it is collected, in a fork too, where it is still the parent's.
            conn.detach()
        return conn

    def _keep(self, conn: Connection) -> None:
        if len(self._idle) < self._most_idle:
            self._idle.append(conn)
        else:
            conn.close()

    def _patiently(self, attempt: Callable[[], T]) -> T:
        started, said = time.monotonic(), False
        for pause in _pauses():
            try:
                return attempt()
            except (sa_exc.DBAPIError, sa_exc.TimeoutError) as error:
                if time.monotonic() + pause > started + min(_patience(error), self._patience):
                    raise self.unavailable(error) from error
                if is_away(error) and not said and self._patience >= RESTART_SECONDS:
                    said = True
                    logger.warning("The AI Guard store at %s is away. Asking again for %g s.", self, RESTART_SECONDS)
            time.sleep(pause)
        raise AssertionError("pauses never end")  # pragma: no cover

    def unavailable(self, error: Exception) -> StoreUnavailableError:
        """Make the error for callers: with the driver's reason, without secrets."""
        reason = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
        return StoreUnavailableError(
            f"The AI Guard store at {self} did not answer: {_redacted(reason, self.engine.url)}. Nothing is spent or "
            "published without it. Check that the database is up and writable for this process, then retry."
        )


def open_database(url: str | URL | Engine, *, patience: float = math.inf) -> Database:
    """Make the engine for a store. Nothing is connected yet.

    :param url: a SQLite file or a PostgreSQL database. The folder of a SQLite file is made. An Engine for PostgreSQL
        is used and stays the caller's; one for SQLite only says which file.
    :param patience: most seconds to try again for; each attempt may take a moment longer.
    :raises ConfigurationError: if it is neither, or the driver is not installed.
    :raises StoreUnavailableError: if the folder of a SQLite file cannot be made.
    """
    if isinstance(url, Engine):
        _check_backend(url.url)
        if url.dialect.name == "postgresql":
            shared = url.execution_options(isolation_level="READ COMMITTED")
            return Database(shared, owned=False, patience=patience)
        return Database(_sqlite_engine(url.url, patience), owned=True, patience=patience)
    parsed = _with_driver(_parsed(url))
    _check_backend(parsed)
    make = _sqlite_engine if parsed.get_backend_name() == "sqlite" else _postgres_engine
    try:
        return Database(make(parsed, patience), owned=True, patience=patience)
    except (sa_exc.NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigurationError(
            f"The store's URL {_shown(parsed)!r} needs a driver that is not installed ({error}). "
            "Install airflow-provider-aiguard[postgres], or name an installed driver such as postgresql+psycopg2."
        ) from error


def insert_into(conn: Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """``INSERT`` with ``on_conflict_…``, which SQLite and PostgreSQL spell alike and SQLAlchemy keeps per dialect."""
    return sqlite.insert(table) if conn.dialect.name == "sqlite" else postgresql.insert(table)


def execute_while_changing(conn: Connection, text: str, rows: Sequence[dict[str, Any]]) -> int:
    """Run a statement for one row of values after the other, and return how many changed something before one did not.

    It is what SQLAlchemy does, without its results, caches and events: for the ledger's hold, where those are most of
    the time, and everybody else waits for the rows it has locked.

    :param text: what SQLAlchemy made of the statement, with parameters by name.
    """
    dbapi = conn.dialect.loaded_dbapi
    # The cursor is kept with its connection: a new one would learn the types of all values anew.
    cursor = conn.info.get(_CURSOR) or conn.info.setdefault(_CURSOR, conn.connection.cursor())
    try:
        for done, values in enumerate(rows):
            cursor.execute(text, values)
            if not cursor.rowcount:
                return done
    except dbapi.Error as error:
        if conn.dialect.is_disconnect(error, conn.connection.dbapi_connection, cursor):
            conn.invalidate(error)
        raise sa_exc.DBAPIError.instance(
            text, None, error, dbapi.Error, hide_parameters=True, dialect=conn.dialect
        ) from error
    return len(rows)


def is_lost_race(error: Exception) -> bool:
    """Whether a database error only says that another transaction was in the way."""
    cause: Any = getattr(error, "orig", None)
    name = getattr(cause, "sqlite_errorname", None) or ""
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or state in _LOST_RACES


def is_away(error: Exception) -> bool:
    """Whether a database error says that the server went away or is not there yet, as it does while it restarts."""
    cause: Any = getattr(error, "orig", None)
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if state is not None:
        return state.startswith("08") or state in _RESTARTING
    if not isinstance(error, sa_exc.OperationalError | sa_exc.InterfaceError) or hasattr(cause, "sqlite_errorname"):
        return False
    text = str(cause)
    return "FATAL" not in text or any(words in text for words in _NOT_YET)


def _patience(error: Exception) -> float:
    return RETRY_SECONDS if is_lost_race(error) else RESTART_SECONDS if is_away(error) else 0.0


def _pauses() -> Iterator[float]:
    pause = 0.01
    while True:
        # Jitter, not security: processes that collided should not meet again.
        yield pause * random.uniform(0.5, 1.5)  # noqa: S311
        pause = min(2 * pause, 1.0)


def _parsed(url: str | URL) -> URL:
    try:
        return sa.make_url(url)
    except sa_exc.ArgumentError:
        # The text is not shown: it may hold a password.
        raise ConfigurationError(
            "The store's URL is not a SQLAlchemy URL. Write it as 'sqlite:////path/to/aiguard.db' or "
            "'postgresql://user:password@host/database'."
        ) from None


def _with_driver(url: URL) -> URL:
    """Take the PostgreSQL driver that is installed if the URL names none: SQLAlchemy's default changed with 2.1."""
    if url.drivername not in ("postgres", "postgresql"):
        return url
    driver = next((name for name in ("psycopg", "psycopg2") if find_spec(name)), "psycopg")
    return url.set(drivername=f"postgresql+{driver}")


def _check_backend(url: URL) -> None:
    backend = url.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ConfigurationError(
            f"The store lives in PostgreSQL or in a SQLite file; got {backend!r}. The ledger's promise not to "
            "overspend rests on how these two lock rows, and is tested on no other."
        )
    if "async" in url.drivername or "aiosqlite" in url.drivername:
        raise ConfigurationError(f"The store needs a synchronous driver, such as {backend}; got {url.drivername!r}.")
    if backend == "sqlite" and _is_memory(url):
        raise ConfigurationError(
            f"The store needs a SQLite file, which every task can open; got {_shown(url)!r}, a database in memory. "
            "Write 'sqlite:////path/to/aiguard.db'."
        )


def _is_memory(url: URL) -> bool:
    name = url.database or ""
    return name in ("", ":memory:") or ":memory:" in name or url.query.get("mode") == "memory"


def _sqlite_engine(url: URL, patience: float) -> Engine:
    _make_folder(url)
    # No pool: Airflow forks, and a SQLite connection must not cross a fork. Opening a file costs 0.2 ms.
    engine = sa.create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": min(BUSY_SECONDS, patience), "check_same_thread": False},
    )
    event.listen(engine, "connect", _set_pragmas)
    return engine


def _make_folder(url: URL) -> None:
    if (url.database or "").startswith("file:"):
        return
    folder = Path(url.database or "").absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailableError(
            f"The folder {str(folder)!r} of the AI Guard store cannot be made: {error.strerror}. "
            "Make it writable, or give the store another URL."
        ) from error


def _set_pragmas(connection: Any, _record: Any) -> None:
    # NORMAL loses no transaction when a process dies, only, in WAL mode, the last ones when the power does.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _postgres_engine(url: URL, patience: float) -> Engine:
    # Whole seconds, and 2 are the least that libpq takes at its word.
    seconds = max(2, math.ceil(min(CONNECT_SECONDS, patience)))
    timeout = {} if "connect_timeout" in url.query else {"connect_timeout": seconds}
    return sa.create_engine(
        url,
        # The Database keeps its connections itself, whole: a pool makes anew all that SQLAlchemy wraps around them.
        poolclass=NullPool,
        # Every transaction here is ended by its block: it need not be rolled back once more.
        pool_reset_on_return=None,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        connect_args=timeout,
    )


def _shown(url: URL) -> str:
    return url.set(query={}).render_as_string(hide_password=True)


def _redacted(text: str, url: URL) -> str:
    secrets = [url.password, *(url.query.get(name) for name in _SECRETS)]
    for secret in secrets:
        if secret:
            text = text.replace(str(secret), "***")
    return text
