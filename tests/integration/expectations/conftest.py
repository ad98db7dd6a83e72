"""Sources of a question: the database of the test, and a store in a file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import Verdict
from airflow_provider_aiguard.store.store import open_store
from airflow_provider_aiguard.tables.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import sqlalchemy as sa

ME = RunIdentity(run_id="r", dag_id="d", dag_run_id="m", task_id="t")


class Sources:
    """As a task has them."""

    def __init__(self, engine: sa.Engine, request: pytest.FixtureRequest) -> None:
        self.engine = engine
        self._request = request

    @property
    def store(self) -> Any:
        """Made when it is asked for: few expectations do."""
        return self._request.getfixturevalue("store")

    @contextmanager
    def connect(self, conn_id: str | None) -> Iterator[sa.Connection]:
        with connect(self.engine) as connection:
            yield connection


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def store(store_url: str) -> Iterator[Any]:
    with open_store(store_url) as opened:
        yield opened


@pytest.fixture
def ask(engine: sa.Engine, request: pytest.FixtureRequest) -> Callable[..., Verdict]:
    """Ask an ``ExpectationsQuestion`` about a table of the engine."""
    from airflow_provider_aiguard.expectations.question import ExpectationsQuestion

    def asked(table: Any, suite: Any = None, **kwargs: Any) -> Verdict:
        return ExpectationsQuestion(table=table, suite=suite, **kwargs).ask(Sources(engine, request), ME)

    return asked
