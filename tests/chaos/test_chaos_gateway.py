"""Eight ways in which a well-known gateway gets budgets wrong, each by the number of a report about it.

BerriAI/litellm: 1 #34732, 2 #35524, 3 #33923, 4 #29493 and #36926, 5 #26845, 6 #27509, 7 #40002, 8 #38647.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.claims import Claims, Usage
from airflow_provider_aiguard.core.errors import BudgetExceededError, PriceUnknownError, StoreUnavailableError
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.price import Price, Tier
from airflow_provider_aiguard.core.run import ModelIdentity, RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.store import database
from airflow_provider_aiguard.store.store import Store, open_store

if TYPE_CHECKING:
    from chaos_server import Server

WHO = RunIdentity(run_id="r1", dag_id="d", dag_run_id="x", task_id="t")
HOUR = timedelta(hours=1)
ROWS = 5

fork = multiprocessing.get_context("fork")


class Provider:
    """A model that counts tokens, a row at a time, and a provider that charges for them.

    :param name: provider and model.
    :param most: what one row can use at most.
    :param used: what one row uses.
    :param price: what the provider charges.
    """

    at_once = 1

    def __init__(self, *, most: Usage, used: Usage | None = None, price: Price, name: str = "us:ours") -> None:
        self.identity = ModelIdentity(name=name, version="1", fingerprint="f")
        self.most, self.used, self.price = most, used or most, price
        self.calls = 0
        self.charged = 0
        self.fail: Callable[[], None] = lambda: None

    def most_usage(self, chunk: pd.DataFrame) -> Usage:
        return _times(self.most, len(chunk))

    def predict(self, chunk: pd.DataFrame) -> Claims:
        self.fail()
        self.calls += len(chunk)
        # The provider charges each call by its own length.
        self.charged += len(chunk) * self.price.within(self.used.input_tokens).charge(self.used)
        return Claims(values={"y": ["a"] * len(chunk)}, usage=_times(self.used, len(chunk)))

    def close(self) -> None: ...


def _times(usage: Usage, rows: int) -> Usage:
    return Usage(
        requests=usage.requests * rows,
        input_tokens=usage.input_tokens * rows,
        output_tokens=usage.output_tokens * rows,
    )


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/rows.db", poolclass=NullPool)
    fill(engine, ROWS)
    yield engine
    engine.dispose()


def fill(engine: sa.Engine, rows: int) -> None:
    frame = pd.DataFrame({"id": range(rows), "x": [f"text {i}" for i in range(rows)]})
    frame.to_sql("rows", engine, index=False, if_exists="replace")


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    with open_store(sqlite_url) as opened:
        yield opened


def infer(
    model: Provider,
    rows: sa.Engine,
    store: Store,
    budget: Budget,
    price: Any = "listed",
    who: RunIdentity = WHO,
    chunk_size: int | None = 1,
) -> None:
    plan = InferencePlan(
        rows=Table("rows", key="id"),
        into=Table("scored", key="id"),
        outputs=parse_outputs({"y": str}),
        chunk_size=chunk_size,
        price=price,
        budgets=(budget,),
    )
    run_inference(plan, model, source=rows, target=rows, store=store, identity=who)


def standing(store: Store, budget: Budget) -> tuple[int, int]:
    status = store.ledger.status(budget, WHO, datetime.now(UTC))
    return status.spent, status.held


CALL = Usage(requests=1, input_tokens=1_000, output_tokens=100)
FLAT = Price(input="10", output="100")  # a call is $0.02


def _take_until_refused(url: str, taken: Any) -> None:
    with open_store(url) as store:
        while True:
            try:
                store.ledger.hold([Budget("b", "1.00")], WHO, Amounts(micros=10_000), ttl=HOUR)
            except BudgetExceededError:
                return
            with taken.get_lock():
                taken.value += 1


def test_mode_1_a_check_and_a_later_add_race(server: Server) -> None:
    open_store(server.url).close()
    taken = fork.Value("i", 0)
    workers = [fork.Process(target=_take_until_refused, args=(server.url, taken)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert taken.value == 100


def test_mode_2_a_cost_that_cannot_be_estimated_fails_open(rows: sa.Engine, store: Store) -> None:
    model = Provider(most=CALL, price=FLAT, name="nobody:unheard-of")
    with pytest.raises(PriceUnknownError, match="lists no price of tokens for 'nobody:unheard-of'"):
        infer(model, rows, store, Budget("b", "1.00"))
    unknown = Provider(most=Usage(requests=1), price=FLAT)
    with pytest.raises(PriceUnknownError, match="Budget 'b' is set, but no bound of the tokens"):
        infer(unknown, rows, store, Budget("b", 1_000, unit="tokens"), FLAT)
    assert model.calls == unknown.calls == 0


def test_mode_3_the_store_is_away_and_the_call_is_made_anyway(
    rows: sa.Engine, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "RESTART_SECONDS", 1.0)
    budget, model = Budget("b", "1.00"), Provider(most=CALL, price=FLAT)
    with open_store(server.url) as store:
        steps = iter([lambda: None, server.stop])

        def fail() -> None:
            next(steps, lambda: None)()

        model.fail = fail
        with pytest.raises(StoreUnavailableError, match="Nothing is spent or published without it"):
            infer(model, rows, store, budget, FLAT)
        # The second answer could not be settled; no third call was made.
        assert model.calls == 2
        server.start()
        assert standing(store, budget) == (20_000, 20_000)
        infer(model, rows, store, budget, FLAT, RunIdentity(**{**vars(WHO), "run_id": "r2", "try_number": 2}))
        # The first answer is known, the second is paid again: nobody knows whether it was charged.
        assert standing(store, budget) == (120_000, 0)


@pytest.mark.parametrize("end", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
def test_mode_4_a_reservation_leaks_on_some_way_out(rows: sa.Engine, store: Store, end: type[BaseException]) -> None:
    budget, model = Budget("b", "1.00"), Provider(most=CALL, price=FLAT)

    def fail() -> None:
        raise end("out")

    model.fail = fail
    with pytest.raises(end, match="out"):
        infer(model, rows, store, budget, FLAT)
    assert standing(store, budget) == (20_000, 0)
    store.ledger.hold([budget], WHO, Amounts(micros=980_000), ttl=timedelta(milliseconds=1))
    store.ledger.expire(datetime.now(UTC) + HOUR)  # and whoever dies without a way out
    assert standing(store, budget) == (1_000_000, 0)


def test_mode_5_an_estimate_is_cut_down_to_what_is_left(rows: sa.Engine, store: Store) -> None:
    budget, model = Budget("b", "0.05"), Provider(most=CALL, price=FLAT)
    with pytest.raises(BudgetExceededError, match=r"refuses \$0\.0200 .*so \$0\.0100 is lacking"):
        infer(model, rows, store, budget, FLAT)
    assert model.calls == 2
    assert standing(store, budget) == (40_000, 0)


def test_mode_6_a_worst_case_pins_the_whole_budget(rows: sa.Engine, store: Store) -> None:
    # The bound is a hundred times the charge. The table's is twenty times the budget, a chunk's of usual size is not.
    most = Usage(requests=1, input_tokens=1_000, output_tokens=1_900)
    model = Provider(most=most, used=Usage(requests=1, input_tokens=100, output_tokens=10), price=FLAT)
    budget, table = Budget("b", "5.30"), 640
    fill(rows, table)
    infer(model, rows, store, budget, FLAT, chunk_size=None)
    assert model.calls == table
    assert standing(store, budget) == (model.charged, 0)
    assert model.charged == table * 2_000


def test_mode_7_the_dearer_price_of_long_calls_is_not_in_the_estimate(rows: sa.Engine, store: Store) -> None:
    price = Price(input="0.25", output="1", tiers=(Tier(start=272_000, input="0.5", output="2"),))
    model = Provider(most=Usage(requests=1, input_tokens=300_000, output_tokens=0), price=price)
    budget = Budget("b", "0.45")
    with pytest.raises(BudgetExceededError, match=r"refuses \$0\.1500"):
        infer(model, rows, store, budget, price)
    assert model.calls == 3
    assert model.charged == standing(store, budget)[0] == 450_000


def test_mode_8_a_cap_on_single_holds_lets_calls_overshoot(rows: sa.Engine, store: Store) -> None:
    budget = Budget("b", "1.00")
    dear = Provider(most=Usage(requests=1, output_tokens=20_000), price=FLAT)
    with pytest.raises(BudgetExceededError, match=r"refuses \$2\.00"):
        infer(dear, rows, store, budget, FLAT)
    assert dear.charged == 0
    exact = Provider(most=Usage(requests=1, output_tokens=2_000), price=FLAT)
    infer(exact, rows, store, budget, FLAT)
    assert exact.charged == standing(store, budget)[0] == 1_000_000
