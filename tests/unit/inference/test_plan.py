from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import ConfigurationError, PriceUnknownError
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference.plan import InferencePlan

ROWS = Table("flights", "c", key=("day", "id"))


def plan(**changes: Any) -> InferencePlan:
    given: dict[str, Any] = {"rows": ROWS, "into": Table("scored", "c"), "outputs": parse_outputs(["late"])}
    return InferencePlan(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": Table("flights")}, "Table 'flights' needs a key"),
        ({"into": Table("scored", key="id")}, r"into has key \('id',\), rows has \('day', 'id'\)"),
        ({"into": Table("scored", key=("id", "day"))}, r"into has key \('id', 'day'\)"),
        ({"fill": "some"}, r"fill must be one of \('all', 'missing'\); got 'some'"),
        ({"chunk_size": 0}, "chunk_size must be at least 1; got 0"),
        ({"max_reject_share": -0.1}, r"max_reject_share must be in \[0, 1\]; got -0.1"),
        ({"max_reject_share": 1.1}, "max_reject_share must be in"),
        ({"max_reject_share": math.nan}, "max_reject_share must be in"),
        ({"outputs": parse_outputs(["id", "late"])}, r"outputs \['id'\] are key columns"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_read(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        plan(**changes)


def test_a_budget_without_a_price_is_refused() -> None:
    with pytest.raises(PriceUnknownError, match=r"Budget 'flights' is set, but no price.*Declare price_per_row="):
        plan(budgets=[Budget("flights", "5.00")]).require_price()
    plan(budgets=[Budget("flights", "5.00")], price_per_row=Decimal(0)).require_price()


@pytest.mark.parametrize(
    ("into", "in_place"),
    [
        (ROWS, True),
        (Table("flights", "c", where="day = :d", parameters={"d": 1}), True),
        (Table("flights", "d"), False),
        (Table("flights", "c", schema="s"), False),
    ],
)
def test_in_place_is_the_same_table(into: Table, in_place: bool) -> None:
    assert plan(into=into).in_place is in_place


@pytest.mark.parametrize(
    ("price", "rows", "micros"),
    [(None, 1000, 0), ("0.0001", 10_000, 1_000_000), ("0.0000001", 1, 1), ("0.0000001", 11, 2), ("1", 0, 0)],
)
def test_a_charge_is_rounded_up(price: str | None, rows: int, micros: int) -> None:
    assert plan(price_per_row=None if price is None else Decimal(price)).charge(rows) == micros
