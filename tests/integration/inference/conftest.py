"""A store, steps to run with it, and tables to look at."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import InferenceSummary, RunIdentity
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.store.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


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


@dataclass
class Database:
    """A test's view of a database: plain statements in, plain rows out, no connection left open."""

    engine: sa.Engine

    def run(self, *statements: str, **parameters: Any) -> None:
        with self.engine.begin() as conn:
            for statement in statements:
                conn.execute(sa.text(statement), parameters)
        self._let_go()

    def insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        names = list(rows[0])
        quoted = ", ".join(f'"{n}"' for n in names)
        statement = sa.text(f"INSERT INTO {table} ({quoted}) VALUES ({', '.join(f':p{i}' for i in range(len(names)))})")
        with self.engine.begin() as conn:
            conn.execute(statement, [{f"p{i}": row[n] for i, n in enumerate(names)} for row in rows])
        self._let_go()

    def flights(self, rows: int = 30) -> None:
        """Make the table ``flights``: ids from 1, two carriers in turn, distances of 100 times the id."""
        self.run("CREATE TABLE flights (id BIGINT NOT NULL PRIMARY KEY, carrier TEXT, distance DOUBLE PRECISION)")
        if rows:
            self.insert(
                "flights",
                [{"id": i, "carrier": ("AA", "UA")[i % 2], "distance": 100.0 * i} for i in range(1, rows + 1)],
            )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as conn:
            found = [tuple(row) for row in conn.execute(sa.text(query))]
        self._let_go()
        return found

    def columns(self, table: str) -> list[str]:
        with self.engine.connect() as conn:
            names = list(conn.execute(sa.text(f"SELECT * FROM {table} LIMIT 0")).keys())
        self._let_go()
        return names

    def has(self, table: str) -> bool:
        try:
            self.rows(f"SELECT 1 FROM {table} LIMIT 1")
        except sa.exc.DBAPIError:
            return False
        return True

    def _let_go(self) -> None:
        # DuckDB: an open connection would keep the file from other processes.
        self.engine.dispose()


@pytest.fixture
def database(engine: sa.Engine) -> Database:
    """The database of ``engine``."""
    return Database(engine)


@dataclass
class Runner:
    """Runs steps over one database and remembers what the model saw."""

    engine: sa.Engine
    store: Store
    seen: list[Any] = field(default_factory=list)
    closed: int = 0

    def __call__(
        self,
        function: Callable[[Any], Any],
        *,
        outputs: Any,
        run_id: str = "run-1",
        try_number: int = 1,
        target: sa.Engine | None = None,
        **plan: Any,
    ) -> InferenceSummary:
        declared = parse_outputs(outputs)
        runner = self

        class Watched(FunctionModel):
            def predict(self, chunk: Any) -> Any:
                runner.seen.append(chunk)
                return super().predict(chunk)

            def close(self) -> None:
                runner.closed += 1

        return run_inference(
            InferencePlan(outputs=declared, **plan),
            Watched(function, outputs=[o.name for o in declared], name="model", version="1"),
            source=self.engine,
            target=target or self.engine,
            store=self.store,
            identity=identity(run_id, try_number),
        )


def identity(run_id: str, try_number: int = 1) -> RunIdentity:
    return RunIdentity(run_id=run_id, dag_id="dag", dag_run_id="manual", task_id="score", try_number=try_number)


@pytest.fixture
def run(engine: sa.Engine, store: Store) -> Runner:
    """Run a function over tables of ``engine``."""
    return Runner(engine, store)
