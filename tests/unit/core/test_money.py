from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.money import charge_micros, format_micros, limit_micros, parse_usd

# More digits than Decimal's default context of 28: rounding must not happen before ours.
amounts = st.integers(0, 10**45).map(lambda n: Decimal(n).scaleb(-35)) | st.decimals(
    0, 10**9, allow_nan=False, allow_infinity=False
)


@given(amounts)
def test_a_limit_is_never_stretched_and_a_charge_never_cut(dollars: Decimal) -> None:
    exact = Fraction(dollars) * 1_000_000
    assert limit_micros(dollars) == math.floor(exact)
    assert charge_micros(dollars) == math.ceil(exact)


@pytest.mark.parametrize(
    ("value", "expected"), [("5.00", "5.00"), (5, "5"), ("1e3", "1E+3"), (Decimal("0.1"), "0.1"), ("0", "0")]
)
def test_amounts_are_read_as_they_are(value: str | int | Decimal, expected: str) -> None:
    assert str(parse_usd(value)) == expected


@pytest.mark.parametrize("value", [0.1, 5.0, True, None, [5], b"5"])
def test_floats_and_other_types_are_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"price must be dollars as a string such as '5\.00'; got "):
        parse_usd(value, what="price")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["", "five", "$5", "5,00"])
def test_text_that_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="amount must be dollars as a string"):
        parse_usd(value)


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-0.01", -1, Decimal("-Infinity")])
def test_amounts_are_finite_and_not_negative(value: str | int | Decimal) -> None:
    with pytest.raises(ConfigurationError, match="amount must be a finite number of dollars >= 0; got"):
        parse_usd(value)


@pytest.mark.parametrize(
    ("micros", "shown"),
    [
        (1_420_000, "$1.42"),
        (20, "$0.000020"),
        (0, "$0.00"),
        (9_999, "$0.009999"),
        (10_000, "$0.0100"),
        (499_000, "$0.4990"),
        (5_000_001, "$5.00"),
        (-30_000, "$-0.0300"),
    ],
)
def test_micro_dollars_as_a_person_reads_them(micros: int, shown: str) -> None:
    assert format_micros(micros) == shown
