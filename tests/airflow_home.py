"""An Airflow of the tests' own, in a temporary folder: the user's is never touched.

The environment is set when this module is imported, which is before anything imports Airflow: it reads its
configuration once. The database is made when the first test asks for ``airflow_home``.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

REPOSITORY = Path(__file__).parent.parent
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
SHARED = os.environ.get("AIGUARD_TESTS_HOME") if os.environ.get("AIGUARD_TESTS_WORKER", "") == WORKER else None
"""A process that a test started lives in the session's house, by the environment that the test gave it. Each worker of
pytest-xdist has a house of its own: it inherits the environment of the process that only hands out tests."""
HOME = Path(SHARED or tempfile.mkdtemp(prefix="aiguard-airflow-"))
WAREHOUSE = HOME / "warehouse.duckdb"
ROWS = HOME / "rows.sqlite"
BUNDLE = "tests"
"""DAGs made inside a test belong to this bundle; its folder is empty, so that a run has nothing to parse again."""


def environment() -> dict[str, str]:
    """Everything about this Airflow that a process of its own needs to know, too."""
    bundles = [
        {
            "name": name,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(path)},
        }
        for name, path in (("dags-folder", REPOSITORY / "dags"), (BUNDLE, HOME / "bundle"))
    ]
    return {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
        "AIRFLOW__API__BASE_URL": "http://airflow.example:8080",
        "AIRFLOW__OPENLINEAGE__DISABLED": "True",
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "duckdb", "host": str(WAREHOUSE)}),
        "AIRFLOW_CONN_ROWS": json.dumps({"conn_type": "sqlite", "host": str(ROWS)}),
        # pydantic-ai's test model: it answers without a network.
        "AIRFLOW_CONN_ASSISTANT": json.dumps({"conn_type": "pydanticai", "extra": {"model": "test"}}),
        "AIGUARD_DEMO_FOLDER": str(HOME),
        "AIGUARD_TESTS_HOME": str(HOME),
        "AIGUARD_TESTS_WORKER": WORKER,
        **({"PYTEST_XDIST_WORKER": WORKER} if WORKER else {}),
    }


def _move_in() -> None:
    for name in [name for name in os.environ if name.startswith(("AIRFLOW_", "OPENLINEAGE", "AIGUARD_"))]:
        del os.environ[name]
    os.environ |= environment()
    (HOME / "bundle").mkdir()
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(HOME, ignore_errors=True) if os.getpid() == owner else None)


if not SHARED:
    _move_in()


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """Folder of an Airflow whose database is ready."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.utils.db import initdb

    initdb()
    DagBundlesManager().sync_bundles_to_db()
    return HOME


def own_database(folder: Path) -> dict[str, str]:
    """Environment for a process that runs DAGs in a copy of Airflow's database.

    OpenLineage forks while ``dag.test()`` has work open in the database, and SQLite does not survive every fork: one
    such process left "database disk image is malformed" to all tests after it.

    :param folder: where the copy goes.
    """
    copy = folder / "airflow.db"
    with closing(sqlite3.connect(HOME / "airflow.db")) as ours, closing(sqlite3.connect(copy)) as theirs:
        ours.backup(theirs)
    return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{copy}"}


@pytest.fixture(scope="session")
def warehouse(airflow_home: Path) -> Path:
    """The connection ``warehouse``: a DuckDB file with a few thousand flights, and a model trained on January."""
    import sqlalchemy as sa

    from airflow_provider_aiguard.demo.flights import load_warehouse
    from airflow_provider_aiguard.demo.model import load, train

    flights = make_flights()
    engine = sa.create_engine(f"duckdb:///{WAREHOUSE}", poolclass=sa.pool.NullPool)
    load_warehouse(engine, flights)
    engine.dispose()
    train(flights, HOME)
    load.cache_clear()
    return WAREHOUSE


def make_flights() -> Any:
    """Flights of eight months, always the same: the evening ones are late, in July every second one of the others, too.

    A model of January is as sure of itself in July. In August another airline flies other distances.
    """
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(2013)
    month = np.repeat([1, 2, 3, 6, 7, 8], 700)
    n = len(month)
    hour = random.integers(5, 23, n)
    late = pd.array((hour >= 18) ^ ((month == 7) & (random.random(n) < 0.5)), dtype="boolean")
    late[random.random(n) < 0.01] = pd.NA
    return pd.DataFrame(
        {
            "flight_id": np.arange(1, n + 1),
            "month": month,
            "day": random.integers(1, 29, n),
            "carrier": np.where(month == 8, "ZZ", random.choice(["AA", "B6", "HA", "OO"], n)),
            "origin": random.choice(["EWR", "JFK", "LGA"], n),
            "dest": random.choice(["ATL", "BOS", "LAX", "ORD"], n),
            "distance": random.choice([187, 762, 1400, 2475], n) * np.where(month == 8, 2, 1),
            "hour": hour,
            "minute": random.integers(0, 60, n),
            "weekday": random.integers(0, 7, n),
            "late": late,
        }
    )


@pytest.fixture(scope="session")
def query(warehouse: Path) -> Callable[[str], list[Any]]:
    """Ask the warehouse."""
    import sqlalchemy as sa

    def ask(sql: str) -> list[Any]:
        engine = sa.create_engine(f"duckdb:///{warehouse}", poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    return ask


@pytest.fixture(scope="session")
def examples(warehouse: Path) -> Any:
    """The DAGs of the repository, in a bag."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag()


@pytest.fixture(scope="module")
def rows(airflow_home: Path) -> Iterator[Engine]:
    """The connection ``rows``: an empty SQLite file."""
    import sqlalchemy as sa

    engine = sa.create_engine(f"sqlite:///{ROWS}", poolclass=sa.pool.NullPool)
    yield engine
    engine.dispose()
    ROWS.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def store(airflow_home: Path) -> Iterator[Any]:
    """The store that tasks use while no connection says otherwise, emptied after the module."""
    from airflow_provider_aiguard.store.location import embedded_url
    from airflow_provider_aiguard.store.store import open_store

    with open_store(embedded_url()) as opened:
        yield opened
    for file in HOME.glob("aiguard.db*"):
        file.unlink()


def write_claims(engine: Engine, table: str, confidences: list[float | None], value: bool = True) -> None:
    """Make a table of claims: column ``late`` of as many rows, with its companions; replaces one that is there."""
    import pandas as pd

    n = len(confidences)
    frame = pd.DataFrame({"id": range(n), "late": [value] * n, "late__confidence": confidences})
    frame["late__provenance"], frame["late__run"] = "ai_inferred", "a-run"
    frame.to_sql(table, engine, index=False, if_exists="replace")


def write_truth(engine: Engine, table: str, truth: list[bool | None]) -> None:
    """Make a table with the truth of column ``late``; replaces one that is there."""
    import pandas as pd

    frame = pd.DataFrame({"id": range(len(truth)), "late": pd.array(truth, dtype="boolean")})
    frame.to_sql(table, engine, index=False, if_exists="replace")


class Ran:
    """A finished DAG run, as a test looks at it."""

    def __init__(self, run: Any) -> None:
        self.run = run
        self.run_id: str = run.run_id
        self.dag_id: str = run.dag_id

    @property
    def tasks(self) -> list[Any]:
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session

        with create_session() as session:
            query = session.query(TaskInstance).filter_by(dag_id=self.dag_id, run_id=self.run_id)
            return sorted(query.all(), key=lambda ti: (ti.task_id, ti.map_index))

    @property
    def states(self) -> dict[str, str]:
        """State by task; a mapped task has its index after its name."""
        return {ti.task_id if ti.map_index < 0 else f"{ti.task_id}[{ti.map_index}]": str(ti.state) for ti in self.tasks}

    def task(self, task_id: str, map_index: int = -1) -> Any:
        (found,) = [ti for ti in self.tasks if (ti.task_id, ti.map_index) == (task_id, map_index)]
        return found

    def xcom(self, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """What a task pushed; ``None`` if it pushed nothing."""
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        with create_session() as session:
            query = session.query(XComModel).filter_by(
                dag_id=self.dag_id, run_id=self.run_id, task_id=task_id, key=key, map_index=map_index
            )
            found = query.one_or_none()
            return None if found is None else XComModel.deserialize_value(found)


_MOMENT = iter(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(100_000))


def run_dag(dag: Any, conf: dict[str, Any] | None = None) -> Ran:
    """Run a DAG by ``dag.test()``, as a run of its own."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        return Ran(dag.test(logical_date=next(_MOMENT), run_conf=conf))
    finally:
        # A task leaves its own behind, which would keep the session from being stopped.
        signal.signal(signal.SIGTERM, handler)


def run_here(dag: Any, conf: dict[str, Any] | None = None) -> Ran:
    """Run a DAG that was made inside a test: ``dag.test()`` wants it in the database as a part of a bundle."""
    keep(dag)
    return run_dag(dag, conf)


def keep(dag: Any) -> None:
    """Put a DAG that was made inside a test into the database."""
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    bag = DagBag(dag_folder=HOME / "bundle", bundle_path=HOME / "bundle", bundle_name=BUNDLE)
    # The source is read while the DAG is stored; afterwards nothing must be there to parse again.
    source = HOME / "bundle" / "made.py"
    source.write_text("# The DAG was made inside a test.")
    dag.fileloc, dag.relative_fileloc = str(source), source.name
    bag.bag_dag(dag)
    sync_bag_to_db(bag, BUNDLE, None)
    source.unlink()
