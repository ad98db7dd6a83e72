"""Raises every error that the troubleshooting page quotes, so that the page has the words of the code."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import sqlalchemy as sa

from airflow_provider_aiguard.core import errors
from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ME = RunIdentity(
    run_id="01a209cc-9265-7686-9d78-2208b0ed1fbf", dag_id="flight_delays", dag_run_id="july", task_id="score"
)
FLIGHTS = Table("flights", "warehouse", key="flight_id")


def messages(folder: Path) -> dict[str, list[str]]:
    """Raise all of them.

    :param folder: an empty folder, the working directory: paths in messages are then relative.
    :return: messages by name of the error's class.
    """
    engine = sa.create_engine("sqlite:///warehouse.sqlite")
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE flights (flight_id INTEGER PRIMARY KEY, carrier TEXT, hour INTEGER)")
        conn.exec_driver_sql("INSERT INTO flights VALUES (1, 'AA', 7), (2, 'AA', 8), (3, 'B6', 19)")
        conn.exec_driver_sql("CREATE TABLE bare (flight_id INTEGER, late BOOLEAN)")
        conn.exec_driver_sql("CREATE TABLE texts (flight_id INTEGER PRIMARY KEY, late TEXT)")
    found: dict[str, list[str]] = {}
    for provoke in PROVOKERS:
        try:
            provoke(engine, folder)
        except errors.AIGuardError as error:
            found.setdefault(type(error).__name__, []).append(str(error))
        else:
            raise AssertionError(f"{provoke.__name__} raised nothing")
    engine.dispose()
    return found


def parameters_without_where(_engine: sa.Engine, _folder: Path) -> None:
    Table("flights", parameters={"month": 2})


def parameter_without_value(engine: sa.Engine, _folder: Path) -> None:
    _read(engine, Table("flights", "warehouse", key="flight_id", where="hour = :hour"))


def float_price(_engine: sa.Engine, _folder: Path) -> None:
    Budget("flights", limit=0.1)  # type: ignore[arg-type]


def no_confidence_limit(_engine: sa.Engine, _folder: Path) -> None:
    from airflow_provider_aiguard.core.limits.confidence import ConfidenceLimits

    ConfidenceLimits()


def no_table(engine: sa.Engine, _folder: Path) -> None:
    _read(engine, Table("flihgts", "warehouse", key="flight_id"))


def no_column(engine: sa.Engine, _folder: Path) -> None:
    _read(engine, FLIGHTS, ["flight_id", "dest"])


def no_rows(engine: sa.Engine, folder: Path) -> None:
    import airflow_provider_aiguard.operators.profile as door

    raise door.no_rows(FLIGHTS, "january")


def repeated_key(engine: sa.Engine, _folder: Path) -> None:
    _read(engine, Table("flights", "warehouse", key="carrier"))


def no_unique_constraint(engine: sa.Engine, _folder: Path) -> None:
    _write(engine, Table("bare", "warehouse", key="flight_id"))


def wrong_column_type(engine: sa.Engine, _folder: Path) -> None:
    _write(engine, Table("texts", "warehouse", key="flight_id"))


def busy_duckdb(_engine: sa.Engine, folder: Path) -> None:
    from airflow_provider_aiguard.tables.connection import connect

    duckdb = sa.create_engine("duckdb:///warehouse.duckdb")
    with _held(folder / "warehouse.duckdb"), connect(duckdb, wait_seconds=0):
        pass


def other_model_file(_engine: sa.Engine, folder: Path) -> None:
    from airflow_provider_aiguard.models.sklearn import SklearnModel

    (folder / "late.pkl").write_bytes(b"not the pinned one")
    SklearnModel("late.pkl", sha256="9d1c40c13f97" + "0" * 52, output="late").predict(pd.DataFrame({"hour": [7]}))


def model_away(_engine: sa.Engine, _folder: Path) -> None:
    from airflow_provider_aiguard.models.concurrency import Pacing
    from airflow_provider_aiguard.models.http import HttpModel

    model = HttpModel("http://127.0.0.1:9", model="late", outputs=["late"], batch_size=1, pacing=Pacing(tries=1))
    try:
        model.predict(pd.DataFrame({"hour": range(20)}))
    finally:
        model.close()


def impossible_confidence(engine: sa.Engine, folder: Path) -> None:
    _infer(engine, folder, lambda chunk: ({"late": [False] * len(chunk)}, {"late": [1.7] * len(chunk)}))


def wrong_value_type(engine: sa.Engine, folder: Path) -> None:
    _infer(engine, folder, lambda chunk: {"late": ["no"] * len(chunk)})


def too_many_rejects(engine: sa.Engine, folder: Path) -> None:
    _infer(engine, folder, lambda chunk: {"late": [None, *[False] * (len(chunk) - 1)]})


def budget_used_up(_engine: sa.Engine, folder: Path) -> None:
    from datetime import UTC, datetime, timedelta

    with _store(folder) as store:
        now = datetime(2026, 11, 23, tzinfo=UTC)
        budgets, amounts = [Budget("flights", "1.00", per="day")], Amounts(micros=2_000_000)
        store.ledger.hold(budgets, ME, amounts, ttl=timedelta(hours=1), now=now)


def budget_tripped(_engine: sa.Engine, folder: Path) -> None:
    from datetime import timedelta

    with _store(folder) as store:
        budgets, cent, ttl = [Budget("pilot", "1.00", per="team")], Amounts(micros=10_000), timedelta(hours=1)
        store.ledger.settle(store.ledger.hold(budgets, ME, cent, ttl=ttl), Amounts(micros=20_000))
        store.ledger.hold(budgets, ME, cent, ttl=ttl)


def budget_without_price(_engine: sa.Engine, _folder: Path) -> None:
    _plan(budgets=(Budget("flights", "1.00"),)).require_price()


def newer_store(_engine: sa.Engine, folder: Path) -> None:
    with _store(folder):
        pass
    engine = sa.create_engine("sqlite:///aiguard.db")
    with engine.begin() as conn:
        conn.exec_driver_sql("UPDATE aiguard_alembic_version SET version_num = '9999'")
    engine.dispose()
    try:
        with _store(folder):
            pass
    finally:
        (folder / "aiguard.db").unlink()


def no_baseline(_engine: sa.Engine, folder: Path) -> None:
    with _store(folder) as store:
        store.profiles.save("flights-january", {"rows": 27004}, table="flights", identity=ME)
        store.profiles.get("january")


def marquez_away(_engine: sa.Engine, _folder: Path) -> None:
    from airflow_provider_aiguard.lineage.marquez import MarquezClient

    MarquezClient("http://127.0.0.1:9").tags()


def marquez_refuses(_engine: sa.Engine, _folder: Path) -> None:
    from http_server import Endpoint

    from airflow_provider_aiguard.lineage.marquez import MarquezClient, Place

    def nobody(_body: Any, _path: str) -> tuple[int, bytes]:
        return 404, b'{"code":404,"message":"Namespace \'flights\' not found."}'

    with Endpoint(nobody) as marquez:
        MarquezClient(marquez.url).add_tag(Place("jobs", "flights", "delays"), "AI_STEP")


PROVOKERS: list[Callable[[sa.Engine, Path], None]] = [
    parameters_without_where,
    no_rows,
    parameter_without_value,
    float_price,
    no_confidence_limit,
    no_table,
    no_column,
    repeated_key,
    no_unique_constraint,
    wrong_column_type,
    busy_duckdb,
    other_model_file,
    model_away,
    impossible_confidence,
    wrong_value_type,
    too_many_rejects,
    budget_used_up,
    budget_tripped,
    budget_without_price,
    newer_store,
    no_baseline,
    marquez_away,
    marquez_refuses,
]


def _read(engine: sa.Engine, table: Table, columns: list[str] | None = None) -> None:
    from airflow_provider_aiguard.tables.connection import connect
    from airflow_provider_aiguard.tables.reader import read_chunks

    with connect(engine) as conn:
        list(read_chunks(conn, table, columns, chunk_size=10))


def _write(engine: sa.Engine, into: Table) -> None:
    from airflow_provider_aiguard.tables.connection import connect
    from airflow_provider_aiguard.tables.writer import ClaimWriter

    with connect(engine) as conn:
        outputs = parse_outputs({"late": bool})
        ClaimWriter(conn, into, outputs, key={"flight_id": sa.BigInteger()}, carry={}, mode="upsert").prepare()


def _plan(**kwargs: Any) -> Any:
    from airflow_provider_aiguard.inference.plan import InferencePlan

    into = Table("flights_scored", "warehouse")
    return InferencePlan(rows=FLIGHTS, into=into, outputs=parse_outputs({"late": bool}), **kwargs)


def _infer(engine: sa.Engine, folder: Path, function: Callable[[pd.DataFrame], Any]) -> None:
    from airflow_provider_aiguard.inference.engine import run_inference
    from airflow_provider_aiguard.models.function import FunctionModel

    model = FunctionModel(function, outputs=["late"], name="flights-gbm", version="2013-01")
    with _store(folder) as store:
        run_inference(_plan(price_per_row=Decimal(0)), model, source=engine, target=engine, store=store, identity=ME)


def _store(_folder: Path) -> Any:
    from airflow_provider_aiguard.store.store import open_store

    return open_store("sqlite:///aiguard.db")


@contextmanager
def _held(file: Path) -> Iterator[None]:
    """Let another process keep a DuckDB file open."""
    code = f"import duckdb; held = duckdb.connect({str(file)!r}); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        try:
            yield
        finally:
            other.communicate("\n")
