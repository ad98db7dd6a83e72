"""What calls may cost at most, and what they did cost. Models state what they use; only here it becomes money.

A hold is an upper bound: what the model says it can use at most (every row's longest input, every answer at full
length, every repair and every try) at the dearest price that a call can reach. It is settled with the usage reported.
Prices come from the author or from the list of genai-prices, which is bundled and read offline.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.errors import ConfigurationError, PriceUnknownError
from airflow_provider_aiguard.core.price import Price, Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from airflow_provider_aiguard.core.claims import Claims, Usage
    from airflow_provider_aiguard.inference.plan import InferencePlan
    from airflow_provider_aiguard.models.base import Model


@runtime_checkable
class Bounded(Protocol):
    """A model that can say beforehand what it will use at most. The others count one call a row, and no tokens."""

    def most_usage(self, chunk: pd.DataFrame) -> Usage:
        """Give the most calls, tokens and rows that ``predict(chunk)`` can use, repeated ones included."""


@runtime_checkable
class Metered(Protocol):
    """A model that sends the rows of a chunk in parts, and counts: what was never sent is not paid for.

    Its counts are taken as they are, rows included: 0 is none, not unknown.
    """

    def sent(self, chunk: pd.DataFrame) -> Usage:
        """Give the most that ``predict(chunk)`` has used so far, at any moment; after it, what it used.

        :param chunk: the very chunk that is asked about: of another nothing was sent.
        """


@runtime_checkable
class Answering(Protocol):
    """A metered model that knows its answers when it is cut off: they are paid for and kept, so no retry pays again."""

    def answered(self, chunk: pd.DataFrame) -> Claims | None:
        """Give the claims that ``predict(chunk)`` has made so far; ``None`` if there are none.

        A row without an answer yet is a :class:`~airflow_provider_aiguard.core.claims.Failure`.

        :param chunk: the very chunk that is asked about: answers about another are no answers.
        """


class Bill:
    """The bill of one chunk: what to hold for it, and what to settle.

    :param plan: with its price, or the price of a row.
    :param model: who is asked.
    :param rows: what it is asked about.
    """

    def __init__(self, plan: InferencePlan, model: Model, rows: pd.DataFrame) -> None:
        self._rows = len(rows)
        self._bound = model.most_usage(rows) if isinstance(model, Bounded) else None
        self._metered = isinstance(model, Metered)
        self._price = _price_of_chunk(plan, model, rows)
        self._row_price = plan.price_per_row
        self._charge = plan.charge

    @property
    def most(self) -> Amounts:
        """Upper bounds, for the hold; ``None`` where nobody knows."""
        if self._bound is None:
            return Amounts(micros=self._of_rows(self._rows), calls=self._rows)
        return self._amounts(self._bound)

    def actual(self, usage: Usage) -> Amounts:
        """Give what was used, for the settlement; ``None`` where the model did not say, which counts as all.

        :param usage: what the model reports; of a :class:`Metered` one also what it sent of a call that was cut off.
        """
        if usage.requests or self._metered:
            return self._amounts(usage)
        return Amounts(micros=self._of_rows(self._rows), calls=self._rows if self._bound is None else None)

    @property
    def price(self) -> dict[str, Any] | None:
        """The price behind it, as plain values, to keep with the hold."""
        if self._price is not None:
            return self._price.to_dict()
        return None if self._row_price is None else {"row": str(self._row_price), "source": "declared"}

    def _amounts(self, usage: Usage) -> Amounts:
        tokens = usage.input_tokens + usage.output_tokens
        # Calls without a token are calls whose tokens nobody counted.
        known = tokens > 0 or not usage.requests
        micros = self._of_rows(usage.rows if self._metered else usage.rows or self._rows)
        if self._price is not None:
            micros = self._price.charge(usage) if known else None
        return Amounts(micros=micros, tokens=tokens if known else None, calls=usage.requests)

    def _of_rows(self, rows: int) -> int | None:
        return None if self._row_price is None else self._charge(rows)


def price_of(model: str) -> Price:
    """Find the listed price of a model: the dearest of the coming day, without discounts for batches or caches.

    :param model: provider and model, such as ``"openai:gpt-5.4"``.
    :raises PriceUnknownError: if the list has no such model, or no price of its tokens.
    :raises ConfigurationError: if genai-prices is not installed.
    """
    try:
        from genai_prices import data_snapshot
    except ImportError as error:
        raise ConfigurationError(
            "The price list needs genai-prices. Install airflow-provider-aiguard[llm], or declare the price: "
            "price=Price(input='2.50', output='15') in USD for a million tokens."
        ) from error
    provider, _, name = model.rpartition(":")
    try:
        found, info = data_snapshot.get_snapshot().find_provider_model(name, None, provider or None, None)
    except LookupError:
        raise _unlisted(model) from None
    now = datetime.now(UTC)
    prices = [info.get_prices(now + timedelta(hours=hour)) for hour in range(24)]
    if any(price.input_mtok is None or price.output_mtok is None for price in prices):
        raise _unlisted(model)
    return _dearest(prices, source=f"genai-prices: {found.id}:{info.id}")


def _price_of_chunk(plan: InferencePlan, model: Model, rows: pd.DataFrame) -> Price | None:
    if plan.price is None or not isinstance(model, Bounded):
        return None
    try:
        known = plan.price if isinstance(plan.price, Price) else _listed(model)
    except (PriceUnknownError, ConfigurationError):
        if any(budget.unit == "usd" for budget in plan.budgets):
            raise
        return None
    if not known.tiers or not len(rows):
        return known
    # Long calls are dearer: the row with the longest input says which prices can be reached.
    longest = max(model.most_usage(rows.iloc[[i]].reset_index(drop=True)).input_tokens for i in range(len(rows)))
    return known.within(longest)


def _listed(model: Model) -> Price:
    """Find the listed price of what a model is asked for: the list is of the standard service."""
    settings: dict[str, Any] = getattr(model, "settings", {})
    for name, value in settings.items():
        tier = name.endswith("service_tier") and value not in {None, "auto", "default", "standard", "flex"}
        if value and (tier or name.startswith(("anthropic_cache", "bedrock_cache"))):
            raise PriceUnknownError(
                f"model_settings has {name}={value!r}, which may cost more than the listed price: spending cannot be "
                "bounded. Declare what it costs: price=Price(input='2.50', output='15') in USD for a million tokens."
            )
    return price_of(model.identity.name)


def _unlisted(model: str) -> PriceUnknownError:
    return PriceUnknownError(
        f"genai-prices lists no price of tokens for {model!r}: spending cannot be bounded. Declare it: "
        "price=Price(input='2.50', output='15') in USD for a million tokens."
    )


def _dearest(prices: Sequence[Any], *, source: str) -> Price:
    parts = [part for price in prices for part in _parts(price)]
    starts = sorted({start for start, _, _ in parts})
    reached = [[(sent, received) for start, sent, received in parts if start <= at] for at in starts]
    dearest = [(max(sent for sent, _ in some), max(received for _, received in some)) for some in reached]
    tiers = tuple(Tier(start=at, input=i, output=o) for at, (i, o) in zip(starts[1:], dearest[1:], strict=True))
    request = max(Decimal(price.requests_kcount or 0) / 1000 for price in prices)
    return Price(input=dearest[0][0], output=dearest[0][1], request=request, tiers=tiers, source=source)


def _parts(price: Any) -> list[tuple[int, Decimal, Decimal]]:
    """Prices of a million tokens from so many input tokens of a call on."""
    sent, received = _steps(price.input_mtok), _steps(price.output_mtok)
    return [(at, _at(sent, at), _at(received, at)) for at in sorted({*sent, *received})]


def _steps(price: Any) -> dict[int, Decimal]:
    if isinstance(price, Decimal):
        return {0: price}
    return {0: price.base, **{tier.start: tier.price for tier in price.tiers}}


def _at(steps: dict[int, Decimal], tokens: int) -> Decimal:
    return steps[max(start for start in steps if start <= tokens)]
