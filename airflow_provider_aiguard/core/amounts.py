"""What a budget counts: micro-dollars, tokens or calls, each a whole number."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.money import charge_micros, format_micros, limit_micros, parse_usd

Unit = Literal["usd", "tokens", "calls"]

MAX_AMOUNT = 10**15
"""A billion dollars: above it an amount is a mistake, and sums would leave 64 bits."""


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """What a call may use at most, or what it used, in each unit. ``None`` where nobody knows.

    :param micros: micro-dollars, from 0 to :data:`MAX_AMOUNT`.
    :param tokens: tokens sent and received, together.
    :param calls: calls made to the provider, repeated ones included.
    """

    micros: int | None = None
    tokens: int | None = None
    calls: int | None = None

    def __post_init__(self) -> None:
        for name, amount in vars(self).items():
            if amount is not None and (type(amount) is not int or not 0 <= amount <= MAX_AMOUNT):
                raise ConfigurationError(
                    f"{name} must be a whole number from 0 to {MAX_AMOUNT}, or None if nobody knows; got {amount!r}. "
                    "Convert dollars with charge_micros(), which rounds up."
                )

    def of(self, unit: Unit) -> int | None:
        """Give the amount in one unit: micro-dollars for ``usd``."""
        return {"usd": self.micros, "tokens": self.tokens, "calls": self.calls}[unit]


def parse_limit(value: str | int | Decimal, unit: Unit, *, what: str) -> Decimal:
    """Read an amount as a person writes it: dollars, or a whole number of tokens or calls.

    :param value: such as ``"5.00"`` or ``2_000_000``. Floats are refused.
    :param what: the name to use in the error.
    :raises ConfigurationError: if it is no number >= 0, or a fraction of a token or call.
    """
    if unit == "usd":
        return parse_usd(value, what=what)
    try:
        number = parse_usd(value)
    except ConfigurationError:
        number = None
    if number is None or number != int(number):
        raise ConfigurationError(f"{what} must be a whole number of {unit} >= 0, such as 1000; got {value!r}.")
    return number


def limit_amount(value: Decimal, unit: Unit) -> int:
    """Give a limit in what the ledger counts; dollars are rounded down to micro-dollars."""
    return limit_micros(value) if unit == "usd" else int(value)


def needed_amount(value: Decimal, unit: Unit) -> int:
    """Give a need in what the ledger counts; dollars are rounded up to micro-dollars."""
    return charge_micros(value) if unit == "usd" else int(value)


def format_amount(amount: int, unit: str) -> str:
    """Say an amount as a person reads it.

    >>> format_amount(1_420_000, "usd"), format_amount(20_000, "tokens"), format_amount(1, "calls")
    ('$1.42', '20,000 tokens', '1 call')
    """
    if unit == "usd":
        return format_micros(amount)
    return f"{amount:,} {unit.removesuffix('s') if amount == 1 else unit}"


def shown_number(amount: int, unit: str) -> float:
    """Give the number that a chart or a verdict shows: dollars, tokens or calls."""
    return amount / 1_000_000 if unit == "usd" else float(amount)
