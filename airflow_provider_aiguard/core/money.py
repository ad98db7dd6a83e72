"""Money as integer micro-dollars: what the ledger counts, without rounding drift."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from airflow_provider_aiguard.core.errors import ConfigurationError

MICROS_PER_DOLLAR = 1_000_000


def parse_usd(value: str | int | Decimal, *, what: str = "amount") -> Decimal:
    """Read an amount in USD.

    :param value: dollars as ``"5.00"``, an integer or a Decimal. Floats are refused: 0.1 is not a tenth.
    :param what: the name to use in the error.
    :raises ConfigurationError: if the value is no finite number >= 0.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ConfigurationError(f"{what} must be dollars as a string such as '5.00'; got {value!r}.")
    try:
        dollars = Decimal(value)
    except InvalidOperation:
        raise ConfigurationError(f"{what} must be dollars as a string such as '5.00'; got {value!r}.") from None
    if not dollars.is_finite() or dollars < 0:
        raise ConfigurationError(f"{what} must be a finite number of dollars >= 0; got {value!r}.")
    return dollars


def limit_micros(dollars: Decimal) -> int:
    """Micro-dollars of a limit, rounded down: a limit is never stretched."""
    # A fraction, because Decimal's own product is rounded to 28 digits first.
    return math.floor(Fraction(dollars) * MICROS_PER_DOLLAR)


def charge_micros(dollars: Decimal) -> int:
    """Micro-dollars of a charge, rounded up: a hold is never too small."""
    return math.ceil(Fraction(dollars) * MICROS_PER_DOLLAR)


def format_micros(micros: int) -> str:
    """Micro-dollars as a person reads them: ``$1.42``, ``$0.4990`` below a dollar, ``$0.000020`` below a cent."""
    dollars = Decimal(micros) / MICROS_PER_DOLLAR
    digits = 2 if micros == 0 or abs(dollars) >= 1 else 4 if abs(dollars) >= Decimal("0.01") else 6
    return f"${dollars:.{digits}f}"
