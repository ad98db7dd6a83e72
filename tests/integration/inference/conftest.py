"""A store, steps to run with it, and tables to look at."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from steps import Database, Runner

from airflow_provider_aiguard.store.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import sqlalchemy as sa


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty store, made once: migrating costs more than most tests here."""
    path = tmp_path_factory.mktemp("store") / "store.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> Iterator[Store]:
    """An empty store, in ``store.db`` of ``tmp_path``."""
    shutil.copy(empty_store, tmp_path)
    # While somebody has the file open, the store's own connections need not sync the disk each time they close.
    with closing(sqlite3.connect(tmp_path / "store.db")) as keeper:
        keeper.execute("SELECT count(*) FROM sqlite_master").fetchall()
        with open_store(f"sqlite:///{tmp_path}/store.db") as opened:
            yield opened


@pytest.fixture(params=["sqlite", "postgres"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """URLs of the tables and of the store: two files, or one database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tables.db", f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue("postgres_database")
    return url, url


@pytest.fixture
def database(engine: sa.Engine) -> Database:
    """The database of ``engine``."""
    return Database(engine)


@pytest.fixture
def run(engine: sa.Engine, store: Store) -> Runner:
    """Run a function over tables of ``engine``."""
    return Runner(engine, store)
