"""Steps to run in tests, and tables to look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import InferenceSummary, RunIdentity
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable


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
