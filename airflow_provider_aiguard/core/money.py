"""Money as integer micro-dollars: what the ledger counts, without rounding drift."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation

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
    return int((dollars * MICROS_PER_DOLLAR).to_integral_value(ROUND_FLOOR))


def charge_micros(dollars: Decimal) -> int:
    """Micro-dollars of a charge, rounded up: a hold is never too small."""
    return int((dollars * MICROS_PER_DOLLAR).to_integral_value(ROUND_CEILING))


def format_micros(micros: int) -> str:
    """Micro-dollars as a person reads them: ``$1.42``, or ``$0.000020`` below a cent."""
    dollars = Decimal(micros) / MICROS_PER_DOLLAR
    digits = 2 if micros % 10_000 == 0 or abs(dollars) >= 1 else 6
    return f"${dollars:.{digits}f}"
