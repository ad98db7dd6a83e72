from __future__ import annotations

import doctest
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_aiguard.core import amounts, budget, price
from airflow_provider_aiguard.core.amounts import (
    MAX_AMOUNT,
    Amounts,
    format_amount,
    limit_amount,
    needed_amount,
    parse_limit,
    shown_number,
)
from airflow_provider_aiguard.core.errors import ConfigurationError


@pytest.mark.parametrize("name", ["micros", "tokens", "calls"])
@pytest.mark.parametrize("amount", [-1, 1.0, True, "1", MAX_AMOUNT + 1])
def test_amounts_are_whole_numbers(name: str, amount: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name} must be a whole number from 0 to .*charge_micros"):
        Amounts(**{name: amount})


def test_what_nobody_knows_is_none() -> None:
    known = Amounts(micros=3, calls=0)
    assert (known.of("usd"), known.of("tokens"), known.of("calls")) == (3, None, 0)


def test_limits_are_rounded_down_and_needs_up() -> None:
    value = parse_limit("0.0000019", "usd", what="x")
    assert (limit_amount(value, "usd"), needed_amount(value, "usd")) == (1, 2)
    assert limit_amount(Decimal(7), "calls") == needed_amount(Decimal(7), "calls") == 7


@pytest.mark.parametrize(
    ("amount", "unit", "said", "number"),
    [
        (1_420_000, "usd", "$1.42", 1.42),
        (1, "tokens", "1 token", 1.0),
        (12_000, "calls", "12,000 calls", 12_000.0),
    ],
)
def test_as_a_person_reads_it(amount: int, unit: str, said: str, number: float) -> None:
    assert format_amount(amount, unit) == said
    assert shown_number(amount, unit) == number


@pytest.mark.parametrize("module", [amounts, budget, price])
def test_the_examples_are_true(module: Any) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
