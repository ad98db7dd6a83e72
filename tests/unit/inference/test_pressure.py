"""What is still asked when a budget runs short. Whole steps are in tests/integration/inference/test_on_budget."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import InferenceSummary, ModelIdentity, RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.inference.pressure import Pressure
from airflow_provider_aiguard.store.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ME = RunIdentity(run_id="r", dag_id="d", dag_run_id="m", task_id="t")
KEYS = pd.DataFrame({"id": range(100_000)})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/store.db") as opened:
        yield opened


def pressure(store: Store, policy: Any, total: int = 1_000, earlier: Any = None, **changes: Any) -> Pressure:
    plan = InferencePlan(
        rows=Table("t", "w", key="id"), into=Table("u", "w"), outputs=parse_outputs(["y"]), on_budget=policy,
        **{"budgets": (Budget("b", "1.00"), Budget("c", 500, unit="calls")), **changes},
    )  # fmt: skip
    return Pressure(plan, store, ME, total, earlier)


def asker(*, usd: int = 0, calls: int = 0, row_price: float | None = None, refused: Amounts | None = None) -> Any:
    """What is read of an asker."""
    spent = {"usd": usd, "tokens": 0, "calls": calls}
    return SimpleNamespace(spent=spent, row_price=row_price, refused=refused or Amounts())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.25, 0.9, 1.0])
def test_a_sample_is_as_large_as_it_says(store: Store, share: float) -> None:
    found = pressure(store, "sample")
    found.share = share
    assert found.kept(KEYS).mean() == pytest.approx(share, abs=0.005)


def test_the_first_look_is_at_the_declared_price(store: Store) -> None:
    found = pressure(store, "sample")
    found.begin(0, 100, [asker(row_price=4_000.0)])
    # $4.00 for all, $1.00 is there.
    assert found.share == pytest.approx(0.25)
    unknown = pressure(store, "sample")
    unknown.begin(0, 100, [asker()])
    assert unknown.share == 1.0


def test_later_looks_are_at_what_was_spent_and_the_tightest_budget_decides(store: Store) -> None:
    found = pressure(store, "sample")
    found.enter(KEYS.iloc[:100])
    # Two calls a row: 1,800 for the other 900 rows, of 500. The dollars would do.
    found.begin(100, 100, [asker(usd=1_000, calls=150), asker(usd=1_000, calls=50)])
    assert found.share == pytest.approx(500 / 1_800)
    before = found.share
    found.begin(200, 100, [asker(usd=1_000, calls=150), asker(usd=1_000, calls=50)])
    assert found.share == before


@pytest.mark.parametrize("policy", ["fail", "stop", "cheaper"])
def test_the_others_do_not_look_ahead(store: Store, policy: str) -> None:
    found = pressure(store, policy)
    found.begin(0, 100, [asker(row_price=1e9)])
    assert found.share == 1.0


def test_a_refusal_stops_or_at_least_halves_until_no_row_is_left(store: Store) -> None:
    stopped = pressure(store, "stop")
    stopped.begin(0, 100, [asker()])
    stopped.give_way(asker())
    assert stopped.share == 0.0
    found = pressure(store, "sample")
    found.begin(0, 100, [asker()])
    # $0.50 for this chunk: $5.00 for all ten.
    found.give_way(asker(refused=Amounts(micros=500_000, calls=1)))
    assert found.share == pytest.approx(0.2)
    found.give_way(asker(refused=Amounts(micros=1, calls=1)))
    assert found.share == pytest.approx(0.1)
    for _ in range(10):
        found.give_way(asker(refused=Amounts(micros=1, calls=1)))
    assert found.share == 0.0


EARLIER = InferenceSummary(
    run_id="1", model=ModelIdentity(name="m", version="1", fingerprint="f"), source="t", target="u",
    rows=300, sample_steps=((100, 0.5), (200, 0.25)),
)  # fmt: skip


def test_what_an_earlier_try_asked_about_stays_in_the_sample(store: Store) -> None:
    found = pressure(store, "sample", budgets=(Budget("none", "0.00"),), earlier=EARLIER)
    shares = []
    for done in (0, 100, 200):
        found.begin(done, 100, [asker(row_price=4_000.0)])
        found.enter(KEYS.iloc[done : done + 100])
        shares.append((found.share, found.repeats))
    assert shares == [(1.0, True), (0.5, True), (0.25, True)]
    # Where it ended, one looks ahead as if these were the first rows.
    found.begin(300, 100, [asker(row_price=4_000.0)])
    assert (found.share, found.repeats) == (0.0, False)


def test_a_refusal_first_leads_back_to_what_an_earlier_try_asked_about(store: Store) -> None:
    found = pressure(store, "sample", earlier=EARLIER)
    found.begin(200, 100, [asker()])
    found.give_way(asker(refused=Amounts(micros=10**9, calls=1)))
    assert (found.share, found.repeats) == (0.25, True)
    found.give_way(asker(refused=Amounts(micros=10**9, calls=1)))
    assert found.share == 0.0


def test_a_dear_model_leaves_enough_for_the_cheap_one(store: Store) -> None:
    found = pressure(store, "cheaper", budgets=(Budget("b", "1.00"),))
    found.begin(0, 100, [])
    cheap = asker(usd=10_000)  # 0.01 for 100 rows: 0.09 for the other 900
    assert found.affords(cheap, Amounts(micros=910_000))
    assert not found.affords(cheap, Amounts(micros=910_001))
    assert pressure(store, "fail").affords(cheap, Amounts(micros=10**9))


def test_a_table_may_have_grown(store: Store) -> None:
    found = pressure(store, "sample", total=10)
    found.begin(50, 100, [asker(row_price=100_000.0)])
    assert found.share == pytest.approx(0.1)
