"""Answers that are none: a result that somebody spoilt in the store, a model that never says a word."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from http_server import Endpoint
from sqlalchemy.pool import NullPool

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import ModelUnavailableError
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import InferenceSummary, RunIdentity, RunState
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.concurrency import OUTAGE, Pacing
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.models.http import HttpModel
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.store import Store, open_store

ROWS = 20
PRICE = 10_000
"""Micro-dollars a row."""

BUDGET = Budget("b", "100.00")


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/rows.db", poolclass=NullPool)
    pd.DataFrame({"id": range(ROWS), "x": range(100, 100 + ROWS)}).to_sql("rows", engine, index=False)
    yield engine
    engine.dispose()


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    with open_store(sqlite_url) as opened:
        yield opened


def who(attempt: int) -> RunIdentity:
    return RunIdentity(run_id=f"r{attempt}", dag_id="d", dag_run_id="x", task_id="t", try_number=attempt)


def infer(model: Any, rows: sa.Engine, store: Store, attempt: int = 1, **more: Any) -> InferenceSummary:
    plan = InferencePlan(
        rows=Table("rows", key="id"),
        into=Table("scored", key="id"),
        outputs=parse_outputs({"far": bool}),
        inputs=("x",),
        price_per_row=Decimal(PRICE) / 1_000_000,
        budgets=(BUDGET,),
        **more,
    )
    return run_inference(plan, model, source=rows, target=rows, store=store, identity=who(attempt))


def standing(store: Store) -> tuple[int, int]:
    status = store.ledger.status(BUDGET, who(1), datetime.now(UTC))
    return status.spent, status.held


def far(chunk: pd.DataFrame) -> Any:
    return {"far": list(chunk["x"] > 110)}, {"far": [0.5] * len(chunk)}


def table(rows: sa.Engine) -> list[tuple[Any, ...]]:
    with rows.connect() as conn:
        query = "SELECT id, far, far__provenance, far__confidence FROM scored ORDER BY id"
        return [(i, bool(value), *rest) for i, value, *rest in conn.exec_driver_sql(query)]


RIGHT = [(i, i > 10, "ai_inferred", 0.5) for i in range(ROWS)]

POISON = {
    "another type": '{"v":{"far":"yes"},"c":{"far":0.5},"s":"probability"}',
    "a list": "[1,2,3]",
    "a number": "17",
    "null": "null",
    "no JSON": "'; DROP TABLE rows; --",
    "another column": '{"v":{"near":true},"c":{},"s":null}',
    "too sure": '{"v":{"far":true},"c":{"far":7},"s":"probability"}',
    "an unheard-of source": '{"v":{"far":true},"c":{"far":0.5},"s":"the stars"}',
    "an object for a value": '{"v":{"far":{"timestamp":"now"}},"c":{},"s":null}',
}


@pytest.mark.parametrize("poison", POISON)
def test_a_poisoned_result_is_never_written_and_only_it_is_paid_again(
    rows: sa.Engine, store: Store, poison: str
) -> None:
    model = FunctionModel(far, outputs=["far"], name="m", version="1")
    infer(model, rows, store)
    result = schema.result.c
    (key, *_) = store._database.read(lambda conn: conn.scalars(sa.select(result.work_key)).all())
    spoil = sa.update(schema.result).where(result.work_key == key).values(result=POISON[poison])
    store._database.write(lambda conn: conn.execute(spoil).close())
    summary = infer(model, rows, store, attempt=2)
    assert table(rows) == RIGHT
    assert (summary.asked, summary.saved) == (1, ROWS - 1)
    assert standing(store) == ((ROWS + 1) * PRICE, 0)
    # It is healed, too.
    assert infer(model, rows, store, attempt=3).asked == 0


def test_a_model_that_never_answers_is_given_up_and_pays_for_what_was_sent(rows: sa.Engine, store: Store) -> None:
    over = threading.Event()
    with Endpoint(lambda *_: over.wait(60)) as endpoint:
        model = HttpModel(
            endpoint.url, model="m", outputs=["far"], protocol="json", batch_size=1,
            pacing=Pacing(in_flight=4, timeout=0.2, tries=1),
        )  # fmt: skip
        with pytest.raises(ModelUnavailableError, match=r"is away: timeout"):
            infer(model, rows, store)
        over.set()
    spent, held = standing(store)
    # Each that was sent may have been billed; the rows that never were, were not.
    assert held == 0
    assert len(endpoint.requests) * PRICE <= spent <= (OUTAGE + 4) * PRICE < ROWS * PRICE
    assert store.runs.get("r1").state is RunState.FAILED
    with rows.connect() as conn:
        assert not sa.inspect(conn).has_table("scored") or table(rows) == []
    retry = infer(FunctionModel(far, outputs=["far"], name="m", version="1"), rows, store, attempt=2)
    assert (retry.asked, table(rows)) == (ROWS, RIGHT)
