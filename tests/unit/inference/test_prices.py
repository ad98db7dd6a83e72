"""Bills: upper bounds before the call, the usage reported after it."""

from __future__ import annotations

import socket
import sys
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from genai_prices import Usage as ListedUsage
from genai_prices import calc_price, data_snapshot

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.claims import Usage
from airflow_provider_aiguard.core.errors import ConfigurationError, PriceUnknownError
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.price import Price, Tier
from airflow_provider_aiguard.core.run import ModelIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.inference.prices import Bill, price_of
from airflow_provider_aiguard.models.function import FunctionModel

ROWS = pd.DataFrame({"x": ["a", "bb", "c" * 300]})
TIERED = Price(input="1", output="10", request="0.001", tiers=(Tier(start=1_000, input="2", output="20"),))


class Counting:
    """States its bound: ten tokens a letter sent, fifty received, two tries a row."""

    def __init__(self, name: str = "openai:gpt-5.4") -> None:
        self.identity = ModelIdentity(name=name, version="1", fingerprint="f")

    def most_usage(self, chunk: pd.DataFrame) -> Usage:
        letters = int(chunk["x"].str.len().sum())
        return Usage(requests=2 * len(chunk), input_tokens=20 * letters, output_tokens=100 * len(chunk))

    def predict(self, chunk: pd.DataFrame) -> Any:
        raise NotImplementedError

    def close(self) -> None: ...


FREE = FunctionModel(lambda chunk: chunk, outputs=["y"])


def plan(**kwargs: Any) -> InferencePlan:
    return InferencePlan(rows=Table("t", "w", key="id"), into=Table("u", "w"), outputs=parse_outputs(["y"]), **kwargs)


class TestBill:
    def test_a_row_has_its_price_and_is_a_call(self) -> None:
        bill = Bill(plan(price_per_row=Decimal("0.01")), FREE, ROWS)
        assert bill.most == bill.actual(Usage()) == Amounts(micros=30_000, tokens=None, calls=3)
        assert bill.price == {"row": "0.01", "source": "declared"}

    def test_without_a_price_the_calls_are_still_counted(self) -> None:
        bill = Bill(plan(), FREE, ROWS)
        assert bill.most == Amounts(calls=3)
        assert bill.price is None

    def test_a_price_of_tokens_says_nothing_of_a_model_that_counts_none(self) -> None:
        assert Bill(plan(price=TIERED), FREE, ROWS).most.micros is None

    def test_the_bound_is_at_the_dearest_tier_that_a_call_can_reach(self) -> None:
        bill = Bill(plan(price=TIERED), Counting(), ROWS)
        # 6 calls, 6,060 tokens sent, 300 received; the longest row may send 6,000 in one call.
        assert bill.most == Amounts(micros=6_000 + 6_060 * 2 + 300 * 20, tokens=6_360, calls=6)
        short = Bill(plan(price=TIERED), Counting(), ROWS.iloc[:2].reset_index(drop=True))
        assert short.most.micros == 4_000 + 60 * 1 + 200 * 10

    def test_it_is_settled_with_what_the_model_reports(self) -> None:
        bill = Bill(plan(price=TIERED), Counting(), ROWS)
        used = bill.actual(Usage(requests=3, input_tokens=3_000, output_tokens=60))
        assert used == Amounts(micros=3_000 + 3_000 * 2 + 60 * 20, tokens=3_060, calls=3)

    def test_what_a_model_does_not_report_is_unknown_and_not_nothing(self) -> None:
        bill = Bill(plan(price=TIERED), Counting(), ROWS)
        assert bill.actual(Usage()) == Amounts()
        assert bill.actual(Usage(requests=3)) == Amounts(calls=3)

    def test_the_price_of_a_row_counts_for_a_model_that_counts_tokens_too(self) -> None:
        bill = Bill(plan(price_per_row=Decimal("0.01")), Counting(), ROWS)
        assert bill.most == Amounts(micros=30_000, tokens=6_360, calls=6)
        assert bill.actual(Usage(requests=3, input_tokens=9, output_tokens=1)) == Amounts(
            micros=30_000, tokens=10, calls=3
        )

    def test_the_listed_price_is_that_of_the_models_name_and_is_kept(self) -> None:
        bill = Bill(plan(price="listed"), Counting(), ROWS)
        assert bill.price is not None
        assert bill.price["source"] == "genai-prices: openai:gpt-5.4"
        assert Price.from_dict(bill.price).charge(Usage(requests=6, input_tokens=6_060, output_tokens=300)) == (
            bill.most.micros
        )

    @pytest.mark.parametrize(
        ("settings", "listed"),
        [
            ({"service_tier": "priority"}, False),
            ({"openai_service_tier": "priority"}, False),
            ({"anthropic_cache_instructions": True}, False),
            ({"service_tier": "default", "anthropic_cache_messages": False, "max_tokens": 9}, True),
        ],
    )
    def test_what_costs_more_than_the_list_says_is_refused(self, settings: dict[str, Any], listed: bool) -> None:
        model = Counting()
        model.settings = settings  # type: ignore[attr-defined]
        with nullcontext() if listed else pytest.raises(PriceUnknownError, match="may cost more than the listed price"):
            Bill(plan(price="listed", budgets=(Budget("b", "1"),)), model, ROWS)
        assert Bill(plan(price=Price(input="1", output="1"), budgets=(Budget("b", "1"),)), model, ROWS).most.micros

    def test_no_rows_cost_nothing(self) -> None:
        assert Bill(plan(price=TIERED), Counting(), ROWS.iloc[:0]).most == Amounts(micros=0, tokens=0, calls=0)

    def test_an_unlisted_model_is_refused_unless_its_price_is_declared(self) -> None:
        with pytest.raises(PriceUnknownError, match=r"lists no price of tokens for 'openai:our-own'.*Declare it"):
            Bill(plan(price="listed", budgets=(Budget("b", "1"),)), Counting("openai:our-own"), ROWS)
        assert Bill(plan(price=TIERED), Counting("openai:our-own"), ROWS).most.micros

    def test_without_a_budget_in_dollars_an_unlisted_model_only_has_no_price(self) -> None:
        free = plan(price="listed", budgets=(Budget("b", 10, unit="calls"),))
        assert Bill(free, Counting("openai:our-own"), ROWS).most == Amounts(tokens=6_360, calls=6)


class TestPriceOf:
    def test_it_is_what_the_list_charges(self) -> None:
        for model in ("gpt-5.4", "gpt-4o-mini"):
            for sent in (1_000, 271_000, 300_000):
                listed = calc_price(ListedUsage(input_tokens=sent, output_tokens=500), model, provider_id="openai")
                price = price_of(f"openai:{model}").within(sent)
                charged = price.charge(Usage(requests=1, input_tokens=sent, output_tokens=500))
                assert abs(charged - listed.total_price * 1_000_000) < 1

    def test_no_listed_model_is_charged_more_than_its_bound(self) -> None:
        checked = 0
        for provider in data_snapshot.get_snapshot().providers:
            for info in provider.models[:6]:
                try:
                    price = price_of(f"{provider.id}:{info.id}")
                except PriceUnknownError:
                    continue
                usage = ListedUsage(input_tokens=300_000, output_tokens=10_000)
                listed = calc_price(usage, info.id, provider_id=provider.id).total_price
                bound = price.charge(Usage(requests=1, input_tokens=300_000, output_tokens=10_000))
                assert bound >= listed * 1_000_000, (provider.id, info.id)
                checked += 1
        assert checked > 100

    def test_nothing_is_asked_of_the_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: Any) -> None:
            raise AssertionError("a connection was opened")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        assert price_of("anthropic:claude-sonnet-4-5").tiers

    @pytest.mark.parametrize("model", ["openai:no-such-model", "nobody:gpt-4o", "whisper-unheard-of", ""])
    def test_an_unknown_model_is_refused(self, model: str) -> None:
        with pytest.raises(PriceUnknownError, match="genai-prices lists no price of tokens for"):
            price_of(model)

    def test_without_the_extra_it_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "genai_prices", None)
        with pytest.raises(ConfigurationError, match=r"Install airflow-provider-aiguard\[llm\], or declare the price"):
            price_of("openai:gpt-4o")
