"""A step that is cut off pays for what was sent, and gives the rest of its hold back."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import sqlalchemy as sa
from http_server import Endpoint
from llm_server import LLMServer, Reply
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from steps import identity

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.claims import Claims, Usage
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.price import Price
from airflow_provider_aiguard.core.run import InferenceSummary, ModelIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference import asker, keeping
from airflow_provider_aiguard.inference.cascade import Cascade, Level
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.concurrency import Pacing
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.models.http import HttpModel
from airflow_provider_aiguard.models.llm.model import LanguageModel
from airflow_provider_aiguard.store import schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_aiguard.models.base import Model
    from airflow_provider_aiguard.store.store import Store

ROWS, IN_FLIGHT = 60, 4
BUDGET = Budget("flights", "100.00")
CALLS = Budget("flights", 10_000, unit="calls")
PRICE = Price(input="10", output="100", request="0.01")
WHO = identity("run-1")


class Stopped(BaseException):
    """As Airflow ends a task: no ``Exception``."""


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/rows.db", poolclass=sa.pool.NullPool)
    frame = pd.DataFrame({"id": range(ROWS), "text": [f"text {i}" for i in range(ROWS)]})
    frame.to_sql("rows", engine, index=False)
    yield engine
    engine.dispose()


@contextmanager
def stopped_when(ready: Any) -> Iterator[None]:
    """Interrupt the main thread, as Airflow's execution timeout and ``on_kill`` do, as soon as ``ready()``."""

    def stop(*_: Any) -> None:
        raise Stopped("the task was stopped")

    def watch() -> None:
        while not ready():
            over.wait(0.01)
        os.kill(os.getpid(), signal.SIGALRM)

    before, over = signal.signal(signal.SIGALRM, stop), threading.Event()
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        with pytest.raises(Stopped, match="was stopped"):
            yield
    finally:
        watcher.join(10)
        signal.signal(signal.SIGALRM, before)


def infer(model: Model | Cascade, rows: sa.Engine, store: Store, try_number: int = 1, **plan: Any) -> InferenceSummary:
    made = InferencePlan(
        rows=Table("rows", key="id"),
        into=Table("scored", key="id"),
        outputs=parse_outputs({"kind": str}),
        inputs=("text",),
        **{"budgets": (BUDGET, CALLS), **plan},
    )
    who = identity(f"run-{try_number}", try_number)
    return run_inference(made, model, source=rows, target=rows, store=store, identity=who)


def standing(store: Store, budget: Budget = BUDGET) -> tuple[int, int]:
    status = store.ledger.status(budget, WHO, datetime.now(UTC))
    return status.spent, status.held


def test_of_a_language_model_what_was_never_sent_is_given_back(rows: sa.Engine, store: Store) -> None:
    answered = 10
    replies = itertools.chain([Reply()] * answered, itertools.repeat(Reply(hang=True)))
    with LLMServer(lambda row: {"kind": "late"}, script=replies) as server:
        model = LanguageModel(
            lambda: OpenAIChatModel("m", provider=OpenAIProvider(base_url=server.url, api_key="key")),
            prompt="Classify: {text}",
            output_type=["late", "lost"],
            output="kind",
            model_settings={"max_tokens": 50},
            pacing=Pacing(in_flight=IN_FLIGHT, tries=1),
        )
        with stopped_when(lambda: len(server.requests) == answered + IN_FLIGHT):
            infer(model, rows, store, price=PRICE)
        charged = PRICE.charge(Usage(**server.charged))
    sent = answered + IN_FLIGHT
    summary = store.runs.get("run-1").summary
    spent, held = standing(store)
    assert held == 0
    assert standing(store, CALLS) == (sent, 0)
    assert (summary.usage.requests, summary.usage.rows) == (sent, sent)
    assert charged <= spent == summary.cost_micros
    # Nobody knows what the calls in flight cost: they count at the most they can.
    assert spent == PRICE.charge(summary.usage) < PRICE.charge(model.most_usage(read(rows))) / 3


@pytest.mark.parametrize("budgets", [True, False])
def test_a_retry_does_not_ask_a_language_model_again_what_it_had_answered(
    rows: sa.Engine, store: Store, budgets: bool
) -> None:
    answered, seen = 50, []
    plan = {"price": PRICE} if budgets else {"price": PRICE, "budgets": ()}
    for replies in ([Reply()] * answered + [Reply(hang=True)] * ROWS, [Reply()] * ROWS):
        with LLMServer(lambda row: {"kind": "late"}, script=iter(replies)) as server:
            model = LanguageModel(
                lambda url=server.url: OpenAIChatModel("m", provider=OpenAIProvider(base_url=url, api_key="key")),
                prompt="Classify: {text}",
                output_type=["late", "lost"],
                output="kind",
                pacing=Pacing(in_flight=IN_FLIGHT, tries=1),
            )
            if seen:
                summary = infer(model, rows, store, try_number=2, **plan)
            else:
                with stopped_when(lambda at=server: len(at.requests) == answered + IN_FLIGHT):
                    infer(model, rows, store, **plan)
            seen.append(len(server.requests))
    # An answer may have been on its way when the task was stopped.
    assert seen[0] == answered + IN_FLIGHT
    assert ROWS - answered <= seen[1] <= ROWS - answered + IN_FLIGHT
    assert (summary.inferred, summary.saved) == (ROWS, ROWS - seen[1])


@pytest.mark.parametrize("budgets", [True, False])
def test_nor_does_one_whose_worker_was_killed(
    rows: sa.Engine, store: Store, monkeypatch: pytest.MonkeyPatch, budgets: bool
) -> None:
    """Nothing can be done any more then: it was done while the model was asked."""
    monkeypatch.setattr(keeping, "KEEP_SECONDS", 0.05)
    answered = 50
    plan = {"price_per_row": Decimal("0.01")} if budgets else {"price_per_row": Decimal("0.01"), "budgets": ()}
    with hangs_after(answered) as (endpoint, go_on):
        worker = multiprocessing.get_context("fork").Process(
            target=infer, args=(one_by_one(endpoint), rows, store), kwargs=plan
        )
        worker.start()
        while kept(store) < answered:
            assert worker.is_alive()
            time.sleep(0.01)
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        asked = len(endpoint.requests)
        go_on.set()
        summary = infer(one_by_one(endpoint), rows, store, try_number=2, **plan)
        assert (asked, len(endpoint.requests) - asked) == (answered + IN_FLIGHT, ROWS - answered)
    assert (summary.inferred, summary.saved) == (ROWS, answered)
    if budgets:
        # Of the killed one nobody knows what it has spent: all that it held.
        assert standing(store) == ((2 * ROWS + ROWS - answered) * 10_000, 0)


def one_by_one(endpoint: Endpoint) -> HttpModel:
    pacing = Pacing(in_flight=IN_FLIGHT, tries=2)
    return HttpModel(endpoint.url, model="m", outputs=["kind"], protocol="json", batch_size=1, pacing=pacing)


def kept(store: Store) -> int:
    """How many answers the store has."""
    done = sa.select(sa.func.count()).select_from(schema.result).where(schema.result.c.state == "done")
    return store._database.read(lambda conn: conn.scalar(done)) or 0


@contextmanager
def hangs_after(answered: int) -> Iterator[tuple[Endpoint, threading.Event]]:
    """A server of a model that answers so many requests, and the others once it may go on."""
    go_on = threading.Event()

    def respond(body: Any, _: str) -> Any:
        if len(endpoint.requests) > answered:
            go_on.wait(30)
        return {"predictions": ["late"] * len(body["instances"])}

    with Endpoint(respond) as endpoint:
        try:
            yield endpoint, go_on
        finally:
            go_on.set()


def in_fives(endpoint: Endpoint) -> HttpModel:
    """Asks about five rows at a time."""
    pacing = Pacing(in_flight=1, tries=2)
    return HttpModel(endpoint.url, model="m", outputs=["kind"], protocol="json", batch_size=5, pacing=pacing)


def test_nor_a_server_about_the_batches_it_had_answered(rows: sa.Engine, store: Store) -> None:
    answered = 3
    with hangs_after(answered) as (endpoint, go_on):
        with stopped_when(lambda: len(endpoint.requests) == answered + 1):
            infer(in_fives(endpoint), rows, store, price_per_row=Decimal("0.01"))
        go_on.set()
        summary = infer(in_fives(endpoint), rows, store, price_per_row=Decimal("0.01"), try_number=2)
        assert (len(endpoint.requests), summary.saved) == (1 + ROWS // 5, 5 * answered)


def test_of_a_cascade_the_cheap_level_stays_paid_and_the_strong_one_pays_what_was_sent(
    rows: sa.Engine, store: Store
) -> None:
    answered, asked = 3, []

    def cheap(chunk: pd.DataFrame) -> Any:
        asked.append(len(chunk))
        sure = [0.9 if int(text.split()[1]) % 2 else 0.1 for text in chunk["text"]]
        return ["late"] * len(chunk), sure

    def cascade() -> Cascade:
        first = FunctionModel(cheap, outputs=["kind"], name="cheap", version="1")
        strong = in_fives(endpoint)
        return Cascade([Level(first, price_per_row="0.001"), Level(strong, price_per_row="0.01")], accept=0.5)

    with hangs_after(answered) as (endpoint, go_on):
        with stopped_when(lambda: len(endpoint.requests) == answered + 1):
            infer(cascade(), rows, store, chunk_size=ROWS)
        # Two dollar prices: each row once by the cheap one, four batches by the strong one.
        assert standing(store) == (ROWS * 1_000 + 5 * (answered + 1) * 10_000, 0)
        assert standing(store, CALLS) == (ROWS + answered + 1, 0)
        of_each = store.runs.get("run-1").summary.models
        assert [model.cost_micros for model in of_each] == [ROWS * 1_000, 5 * (answered + 1) * 10_000]
        go_on.set()
        summary = infer(cascade(), rows, store, chunk_size=ROWS, try_number=2)
    # The retry has nothing to ask the cheap one; of the strong one's rows those that were answered are known.
    assert (asked, len(endpoint.requests)) == ([ROWS], 1 + ROWS // 2 // 5)
    assert [model.saved for model in summary.models] == [ROWS, 5 * answered]
    # The strong one was asked about half of the rows, but for those that it had answered.
    assert (summary.inferred, summary.saved) == (ROWS, ROWS - (ROWS // 2 - 5 * answered))


def test_answers_are_those_to_the_chunk_that_is_asked_about() -> None:
    rows = pd.DataFrame({"text": ["a", "b"]})
    with (
        Endpoint(lambda body, _: {"predictions": ["late"] * len(body["instances"])}) as endpoint,
        LLMServer(lambda row: {"kind": "late"}) as server,
    ):
        provider = OpenAIProvider(base_url=server.url, api_key="key")
        for model in (
            HttpModel(endpoint.url, model="m", outputs=["kind"], protocol="json"),
            LanguageModel(
                lambda: OpenAIChatModel("m", provider=provider), prompt="{text}", output_type=str, output="kind"
            ),
        ):
            assert model.answered(rows) is None
            model.predict(rows)
            told = model.answered(rows)
            assert told is not None
            assert list(told.values["kind"]) == ["late", "late"]
            # Stopped before it had begun with the next chunk, it has no answers to that.
            assert model.answered(rows.copy()) is None
            model.close()


def test_an_answer_that_does_not_fit_is_not_kept(rows: sa.Engine, store: Store) -> None:
    class Wrong(Loading):
        def answered(self, chunk: pd.DataFrame) -> Claims:
            return Claims(values={"kind": [7] * len(chunk)})

    with pytest.raises(Stopped, match="was stopped"):
        infer(Wrong(), rows, store, price_per_row=Decimal("0.01"))
    assert kept(store) == 0


def read(rows: sa.Engine) -> pd.DataFrame:
    return pd.read_sql("SELECT text FROM rows", rows)


def test_of_an_http_model_batches_that_were_never_sent_are_given_back(rows: sa.Engine, store: Store) -> None:
    answered = 3
    with hangs_after(answered) as (endpoint, _), stopped_when(lambda: len(endpoint.requests) == answered + 1):
        infer(in_fives(endpoint), rows, store, price_per_row=Decimal("0.01"))
    assert standing(store) == (5 * (answered + 1) * 10_000, 0)
    assert standing(store, CALLS) == (answered + 1, 0)


class Loading:
    """A model that is stopped while it is still getting ready; it counts what it sends."""

    identity = ModelIdentity(name="m", version="1", fingerprint="f")

    def predict(self, _: pd.DataFrame) -> Claims:
        raise Stopped("the task was stopped")

    def sent(self, _: pd.DataFrame) -> Usage:
        return Usage()

    def close(self) -> None: ...


def test_before_anything_was_sent_all_is_given_back(rows: sa.Engine, store: Store) -> None:
    with pytest.raises(Stopped, match="was stopped"):
        infer(Loading(), rows, store, price_per_row=Decimal("0.01"))
    assert standing(store) == standing(store, CALLS) == (0, 0)
    assert store.runs.get("run-1").summary.cost_micros == 0


def test_of_a_later_chunk_that_never_began_nothing_is_paid(
    rows: sa.Engine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk_size, chunks = ROWS // 2, []

    def stopped_before_the_second(_: Any, call: Any) -> Any:
        chunks.append(1)
        if len(chunks) > 1:
            raise Stopped("the task was stopped")
        return call()

    monkeypatch.setattr(asker, "keep_meanwhile", stopped_before_the_second)
    with Endpoint(lambda body, _: {"predictions": ["late"] * len(body["instances"])}) as endpoint:
        with pytest.raises(Stopped, match="was stopped"):
            infer(one_by_one(endpoint), rows, store, price_per_row=Decimal("0.01"), chunk_size=chunk_size)
        assert len(endpoint.requests) == chunk_size
    assert (standing(store), standing(store, CALLS)) == ((chunk_size * 10_000, 0), (chunk_size, 0))


@pytest.mark.parametrize(("status", "calls"), [(400, 2 * ROWS - 1), (503, 1)])
def test_rows_that_a_server_refused_or_failed_on_are_not_paid_for(
    rows: sa.Engine, store: Store, status: int, calls: int
) -> None:
    with Endpoint(lambda *_: (status, "")) as endpoint:
        pacing = Pacing(in_flight=1, tries=1)
        model = HttpModel(endpoint.url, model="m", outputs=["kind"], protocol="json", pacing=pacing)
        infer(model, rows, store, price_per_row=Decimal("0.01"), max_reject_share=1.0)
        assert len(endpoint.requests) == calls
    assert (standing(store), standing(store, CALLS)) == ((0, 0), (calls, 0))
    assert store.runs.get("run-1").summary.cost_micros == 0


def test_rows_that_were_never_sent_are_not_paid_for(rows: sa.Engine, store: Store) -> None:
    with rows.begin() as conn:
        conn.execute(sa.text("UPDATE rows SET text = NULL"))
    with Endpoint(lambda *_: (500, "")) as endpoint:
        model = HttpModel(endpoint.url, model="m", outputs=["kind"])
        infer(model, rows, store, price_per_row=Decimal("0.01"), max_reject_share=1.0)
        assert endpoint.requests == []
    assert standing(store) == standing(store, CALLS) == (0, 0)


@pytest.mark.parametrize("taken", [True, False])
def test_a_hold_that_nobody_learnt_of_is_given_back(store: Store, monkeypatch: pytest.MonkeyPatch, taken: bool) -> None:
    write = store._database.write

    def interrupted(work: Any) -> Any:
        monkeypatch.setattr(store._database, "write", write)
        if taken:
            write(work)
        raise Stopped("the task was stopped")

    monkeypatch.setattr(store._database, "write", interrupted)
    with pytest.raises(Stopped, match="was stopped"):
        store.ledger.hold([BUDGET], WHO, Amounts(micros=5), ttl=timedelta(hours=1))
    assert standing(store) == (0, 0)
    assert store.budgets.open_holds() == []


def test_a_claim_that_is_refused_was_paid_for_as_reported(rows: sa.Engine, store: Store) -> None:
    from airflow_provider_aiguard.core.errors import InvalidClaimError

    with LLMServer(lambda row: {"kind": "unheard"}) as server:
        model = LanguageModel(
            lambda: OpenAIChatModel("m", provider=OpenAIProvider(base_url=server.url, api_key="key")),
            prompt="Classify: {text}",
            output_type=str,
            output="other",
        )
        with pytest.raises(InvalidClaimError, match="answered for columns"):
            infer(model, rows, store, price=PRICE)
        assert standing(store) == (PRICE.charge(Usage(**server.charged)), 0)
