"""What a model's provider charges, in USD: by token and by call."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.money import MICROS_PER_DOLLAR, parse_usd

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.claims import Usage

TOKENS = 1_000_000
"""Prices are quoted for so many tokens."""


@dataclass(frozen=True, kw_only=True)
class Tier:
    """Dearer tokens for long calls: all tokens of a call cost so much once its input is that long.

    :param start: input tokens of one call from which it applies.
    :param input: USD for a million tokens sent.
    :param output: USD for a million tokens received.
    """

    start: int
    input: str | int | Decimal
    output: str | int | Decimal

    def __post_init__(self) -> None:
        _read_amounts(self, "tier", "input", "output")
        if type(self.start) is not int or self.start < 1:
            raise ConfigurationError(f"A tier's start must be a whole number of tokens >= 1; got {self.start!r}.")


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a provider charges for tokens and calls.

    >>> from airflow_provider_aiguard.core.claims import Usage
    >>> Price(input="2.50", output="15").charge(Usage(requests=1, input_tokens=1000, output_tokens=100))
    4000

    :param input: USD for a million tokens sent, as a string such as ``"2.50"``.
    :param output: USD for a million tokens received, reasoning included.
    :param request: USD for one call, beside its tokens. Default ``"0"``.
    :param tiers: dearer prices of long calls, if the provider has them.
    :param source: where it was found, such as a price list and its date; kept with every hold.
    """

    input: str | int | Decimal
    output: str | int | Decimal
    request: str | int | Decimal = "0"
    tiers: tuple[Tier, ...] = ()
    source: str = "declared"

    def __post_init__(self) -> None:
        _read_amounts(self, "price", "input", "output", "request")

    def within(self, longest: int) -> Price:
        """Leave out the tiers that a call cannot reach.

        :param longest: upper bound of the input tokens of one call.
        """
        return replace(self, tiers=tuple(tier for tier in self.tiers if tier.start <= longest))

    def charge(self, usage: Usage) -> int:
        """Micro-dollars of what was used, rounded up; all tokens at the dearest tier.

        Of calls summed up nobody knows which were long: take out what none could reach with :meth:`within`.
        """
        sent = max(Decimal(price) for price in (self.input, *(tier.input for tier in self.tiers)))
        received = max(Decimal(price) for price in (self.output, *(tier.output for tier in self.tiers)))
        tokens = Fraction(sent) * usage.input_tokens + Fraction(received) * usage.output_tokens
        return math.ceil((tokens / TOKENS + Fraction(Decimal(self.request)) * usage.requests) * MICROS_PER_DOLLAR)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self) | {"tiers": [asdict(tier) for tier in self.tiers]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Price:
        """The inverse of :meth:`to_dict`."""
        return cls(**data | {"tiers": tuple(Tier(**tier) for tier in data["tiers"])})


def _read_amounts(owner: Price | Tier, what: str, *names: str) -> None:
    for name in names:
        object.__setattr__(owner, name, str(parse_usd(getattr(owner, name), what=f"{name} of a {what}")))
