from __future__ import annotations

import json
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.claims import Usage
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.price import Price, Tier

LONG = Price(input="2.5", output="15", request="0.01", tiers=(Tier(start=272_000, input="5", output="22.5"),))

tokens = st.integers(0, 10**9)


@given(tokens, tokens, st.integers(0, 1000))
def test_a_charge_is_exact_and_rounded_up(sent: int, received: int, calls: int) -> None:
    price = Price(input="0.075", output="0.3", request="0.0000001")
    exact = Fraction(75, 1000) * sent + Fraction(3, 10) * received + Fraction(1, 10) * calls
    assert price.charge(Usage(requests=calls, input_tokens=sent, output_tokens=received)) == ceil(exact)


@given(tokens, tokens, st.integers(1, 100), st.integers(1, 10**6))
def test_the_dearest_tier_bounds_every_tier(sent: int, received: int, calls: int, longest: int) -> None:
    usage = Usage(requests=calls, input_tokens=sent, output_tokens=received)
    assert LONG.charge(usage) >= LONG.within(longest).charge(usage) >= LONG.within(1).charge(usage)


def test_a_tier_that_no_call_reaches_costs_nothing() -> None:
    usage = Usage(requests=1, input_tokens=1_000_000, output_tokens=0)
    assert LONG.within(271_999).charge(usage) == 2_510_000
    assert LONG.within(272_000).charge(usage) == LONG.charge(usage) == 5_010_000


@pytest.mark.parametrize("amount", [2.5, "-1", "NaN", None, "free"])
@pytest.mark.parametrize("name", ["input", "output", "request"])
def test_prices_are_dollars(name: str, amount: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} of a price must be "):
        Price(**{"input": "1", "output": "1", name: amount})


@pytest.mark.parametrize("start", [0, -1, 1.5, True])
def test_a_tier_begins_somewhere(start: Any) -> None:
    with pytest.raises(ConfigurationError, match="start must be a whole number of tokens >= 1"):
        Tier(start=start, input="1", output="1")


def test_round_trip() -> None:
    assert Price.from_dict(json.loads(json.dumps(LONG.to_dict()))) == LONG
