"""Who asks one model: what is held, settled, kept and counted. Whole steps are in tests/integration/inference."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.calibration_map import CalibrationMap
from airflow_provider_aiguard.core.errors import BudgetExceededError, InvalidClaimError
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference.asker import Asker
from airflow_provider_aiguard.inference.cascade import Level
from airflow_provider_aiguard.inference.columns import StepOutputs
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.store.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ME = RunIdentity(run_id="r", dag_id="d", dag_run_id="m", task_id="t")
BUDGET = Budget("b", "0.05")
ROWS = pd.DataFrame({"x": [1, 2, 2, 3]})
ALL = {"y": np.ones(4, dtype=bool)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/store.db") as opened:
        opened.runs.start(ME, double().identity, "t", "u")
        yield opened


def double(answer: Callable[[Any], Any] = lambda rows: list(rows["x"] * 2)) -> FunctionModel:
    return FunctionModel(answer, outputs=["y"], name="double", version="1")


def asker(store: Store, model: FunctionModel, calibration: Any = None, **plan: Any) -> Asker:
    outputs = parse_outputs(["y"])
    made = InferencePlan(rows=Table("t", "w", key="id"), into=Table("u", "w"), outputs=outputs, **plan)
    return Asker(made, Level(model, calibration=calibration), store, ME, StepOutputs(outputs))


def ask(who: Asker) -> list[Any]:
    return who.ask(ROWS, ALL, str).values["y"].tolist()


def test_a_model_with_a_price_is_asked_about_different_rows_and_one_without_about_all(store: Store) -> None:
    priced, free = asker(store, double(), price_per_row=Decimal("0.01")), asker(store, double())
    assert ask(priced) == ask(free) == [2, 4, 4, 6]
    assert (priced.tally.asked, priced.tally.saved, priced.tally.cost_micros) == (3, 1, 30_000)
    assert (free.tally.asked, free.tally.saved, free.tally.summary().cost_micros) == (4, 0, None)
    assert ask(priced) == [2, 4, 4, 6]
    assert (priced.tally.asked, priced.tally.saved) == (3, 5)


def test_what_is_charged_is_what_was_held_and_a_refusal_asks_nothing(store: Store) -> None:
    who = asker(store, double(), price_per_row=Decimal("0.01"), budgets=(BUDGET,), store_results=False)
    ask(who)
    again = asker(store, double(), price_per_row=Decimal("0.01"), budgets=(BUDGET,), store_results=False)
    with pytest.raises(BudgetExceededError, match="refuses"):
        ask(again)
    assert again.tally.asked == again.tally.cost_micros == 0
    status = store.ledger.status(BUDGET, ME, datetime.now(UTC))
    assert (status.spent, status.held) == (30_000, 0)


def test_only_what_is_not_known_has_to_be_afforded(store: Store) -> None:
    who = asker(store, double(), price_per_row=Decimal("0.01"), budgets=(BUDGET,))
    assert who.known(ROWS, ALL).tolist() == [False] * 4
    ask(who)
    looks: list[Any] = []

    def affords(most: Any) -> bool:
        looks.append(most.micros)
        return False

    again = asker(store, double(), price_per_row=Decimal("0.01"), budgets=(BUDGET,))
    assert again.ask(ROWS, ALL, str, affords).values["y"].tolist() == [2, 4, 4, 6]
    assert looks == []
    more = ROWS.assign(x=[1, 2, 4, 5])
    with pytest.raises(BudgetExceededError, match=r"'double@1' is not asked: on_budget='cheaper'.*Raise the budget"):
        again.ask(more, ALL, str, affords)
    assert (looks, again.refused.micros, again.tally.asked) == ([20_000], 20_000, 0)
    assert again.known(more, ALL).tolist() == [True, True, False, False]
    assert asker(store, double()).known(ROWS, ALL).tolist() == [False] * 4


def test_an_invalid_answer_is_paid_and_not_kept(store: Store) -> None:
    model = double(lambda rows: ["no"] * (len(rows) - 1))
    who = asker(store, model, price_per_row=Decimal("0.01"), budgets=(BUDGET,))
    with pytest.raises(InvalidClaimError, match="2 values for output 'y' for a chunk of 3 rows"):
        ask(who)
    assert store.ledger.status(BUDGET, ME, datetime.now(UTC)).spent == 30_000
    assert ask(asker(store, double(), price_per_row=Decimal("0.01"))) == [2, 4, 4, 6]


def test_a_model_that_names_its_columns_sees_no_others_and_rows_alike_in_them_are_equal_work(store: Store) -> None:
    model = double()
    model.inputs = ("x",)  # type: ignore[attr-defined]  # as a language model has them
    who = asker(store, model, price_per_row=Decimal("0.01"))
    assert who.ask(ROWS.assign(other=range(4)), ALL, str).values["y"].tolist() == [2, 4, 4, 6]
    assert who.tally.asked == 3


def test_confidences_are_calibrated_after_they_are_kept(store: Store) -> None:
    model = double(lambda rows: (list(rows["x"]), [0.9] * len(rows)))
    raw = asker(store, model, price_per_row=Decimal("0.01"))
    modest = asker(store, model, CalibrationMap(slope=0.5, intercept=0.0), price_per_row=Decimal("0.01"))
    assert raw.ask(ROWS, ALL, str).confidences["y"].tolist() == [0.9] * 4
    assert modest.ask(ROWS, ALL, str).confidences["y"].tolist() == pytest.approx([0.75] * 4)
    # Another calibration is no reason to pay again.
    assert (modest.tally.asked, modest.tally.confidence_source) == (0, "calibrated")
