from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.core.errors import InvalidClaimError
from airflow_provider_aiguard.core.outputs import Output, OutputType
from airflow_provider_aiguard.inference.values import BadValueError, check_values, infer_type

MOMENT = dt.datetime(2013, 1, 31, 23, 30, tzinfo=ZoneInfo("America/New_York"))
MAX = 2**63 - 1

GOOD: dict[OutputType, list[Any]] = {
    OutputType.BOOLEAN: [True, np.False_],
    OutputType.INTEGER: [0, -(2**63), MAX, np.int8(-3), np.uint64(7)],
    OutputType.NUMBER: [0.5, 3, np.float32(0.25), -1e300, np.int16(4)],
    OutputType.DECIMAL: [Decimal("0.10"), Decimal("1E+10"), 7, np.int64(8)],
    OutputType.TEXT: ["", "naïve ☂", "a\nb\tc\\", "'; DROP TABLE x --", np.str_("x")],
    OutputType.DATE: [dt.date(1, 1, 1), dt.date(9999, 12, 31)],
    OutputType.TIMESTAMP: [MOMENT, dt.datetime(2013, 1, 1, tzinfo=dt.UTC), pd.Timestamp("2013-01-01", tz="UTC")],
}
BAD: dict[OutputType, list[Any]] = {
    OutputType.BOOLEAN: [1, 0.0, "true", np.int8(1)],
    OutputType.INTEGER: [True, 1.0, "1", 2**63, -(2**63) - 1, Decimal(1), np.bool_(True)],
    OutputType.NUMBER: [math.nan, math.inf, -math.inf, np.float32("nan"), "0.5", True, Decimal("0.5"), 1j],
    OutputType.DECIMAL: [Decimal("NaN"), Decimal("Infinity"), 0.5, "0.5", True],
    OutputType.TEXT: [b"x", 1, math.nan, "a\x00b", "\ud800"],
    OutputType.DATE: [dt.datetime(2013, 1, 1, tzinfo=dt.UTC), pd.Timestamp("2013-01-01"), "2013-01-01", 0],
    OutputType.TIMESTAMP: [dt.datetime(2013, 1, 1), dt.date(2013, 1, 1), "2013-01-01", 0],  # noqa: DTZ001
}
MISSING = [None, pd.NA, pd.NaT]


def check(values: Any, kind: OutputType, wanted: list[bool] | None = None, labels: tuple[str, ...] = ()) -> Any:
    mask = np.ones(len(values), dtype=bool) if wanted is None else np.array(wanted, dtype=bool)
    column, missing = check_values(values, Output("y", kind, labels), mask)
    return [None if pd.isna(v) else v for v in column], list(missing)


@pytest.mark.parametrize("kind", OutputType)
def test_values_of_a_type_come_through_unchanged_beside_missing_ones(kind: OutputType) -> None:
    values = [*GOOD[kind], *MISSING, Failure("x")]
    seen, missing = check(values, kind)
    good = len(GOOD[kind])
    assert seen[:good] == GOOD[kind]
    assert seen[good:] == [None] * 4
    assert missing == [False] * good + [True] * 4


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in BAD.items() for value in values])
def test_a_value_of_another_type_is_a_problem_of_its_row(kind: OutputType, value: Any) -> None:
    with pytest.raises(BadValueError, match=rf"is not .*, the declared type is {kind}\.") as problem:
        check([GOOD[kind][0], value], kind)
    assert problem.value.row == 1
    assert problem.value.what.startswith(repr(value)[:20])


@pytest.mark.parametrize(("kind", "value"), [(kind, values[0]) for kind, values in BAD.items()])
def test_values_that_nobody_wants_are_not_looked_at(kind: OutputType, value: Any) -> None:
    seen, _ = check([value, GOOD[kind][0]], kind, wanted=[False, True])
    assert seen == [None, GOOD[kind][0]]


@pytest.mark.parametrize(
    ("kind", "dtype", "values"),
    [
        (OutputType.BOOLEAN, "bool", [True, False]),
        (OutputType.INTEGER, "int8", [-1, 2]),
        (OutputType.INTEGER, "uint64", [1, MAX]),
        (OutputType.NUMBER, "float64", [0.1, -0.0]),
        (OutputType.NUMBER, "float32", [0.5, 2]),
        (OutputType.NUMBER, "int64", [1, 2]),
        (OutputType.NUMBER, "uint64", [1, 2**64 - 2**11]),
    ],
)
@pytest.mark.parametrize("wrap", [lambda a: a, lambda a: pd.Series(a, index=[9, 4])])
def test_whole_arrays_are_taken_as_they_are(kind: OutputType, dtype: str, values: list[Any], wrap: Any) -> None:
    seen, missing = check(wrap(np.array(values, dtype=dtype)), kind)
    assert (seen, missing) == (values, [False, False])
    assert check(wrap(np.array(values, dtype=dtype)), kind, wanted=[False, True])[0] == [None, values[1]]


@pytest.mark.parametrize(
    ("kind", "array", "shown"),
    [
        (OutputType.NUMBER, np.array([0.5, np.nan]), "nan is not a finite number"),
        (OutputType.NUMBER, np.array([0.5, np.inf], dtype="float32"), "inf is not a finite number"),
        (
            OutputType.INTEGER,
            np.array([1, 2**63], dtype="uint64"),
            "9223372036854775808 is not an integer of at most 64",
        ),
        (OutputType.INTEGER, np.array([1, 2.0]), r"1\.0\)? is not an integer"),
        (OutputType.BOOLEAN, np.array([1, 0]), r"1\)? is not true or false"),
    ],
)
def test_arrays_are_checked_too(kind: OutputType, array: Any, shown: str) -> None:
    with pytest.raises(BadValueError, match=shown):
        check(array, kind)


def test_a_nan_comes_with_the_way_to_say_no_answer() -> None:
    with pytest.raises(BadValueError, match=r"Return None, or Failure\(reason\), for a row without an answer"):
        check([math.nan], OutputType.NUMBER)


@pytest.mark.parametrize(
    ("kind", "series", "expected"),
    [
        (OutputType.NUMBER, pd.Series([0.5, None], dtype="Float64"), [0.5, None]),
        (OutputType.INTEGER, pd.Series([MAX, None], dtype="Int64"), [MAX, None]),
        (OutputType.BOOLEAN, pd.Series([True, None], dtype="boolean"), [True, None]),
        (OutputType.TEXT, pd.Series(["a", None], dtype="str"), ["a", None]),
        (OutputType.TEXT, pd.Series(["a", None], dtype="category"), ["a", None]),
        (OutputType.TIMESTAMP, pd.Series([MOMENT, None]), [MOMENT, None]),
        (OutputType.DECIMAL, pd.Series([Decimal("0.1"), None], dtype="object"), [Decimal("0.1"), None]),
    ],
)
def test_series_with_gaps(kind: OutputType, series: pd.Series[Any], expected: list[Any]) -> None:
    assert check(series, kind) == (expected, [False, True])


def test_timestamps_become_utc() -> None:
    column, _ = check_values([MOMENT], Output("y", OutputType.TIMESTAMP), np.array([True]))
    assert str(column.dtype) == "datetime64[us, UTC]"
    assert column[0].isoformat() == "2013-02-01T04:30:00+00:00"


def test_a_value_outside_the_labels_is_a_problem() -> None:
    assert check(["a", "b", None], OutputType.TEXT, labels=("b", "a"))[0] == ["a", "b", None]
    with pytest.raises(BadValueError, match=r"'c' is none of the labels \['a', 'b'\]") as problem:
        check(["a", "c"], OutputType.TEXT, labels=("b", "a"))
    assert problem.value.row == 1
    with pytest.raises(BadValueError, match="3 is not text"):
        check([3], OutputType.TEXT, labels=("a",))


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(BadValueError, match=r"^'x{79}… is not a finite number") as problem:
        check(["x" * 10_000], OutputType.NUMBER)
    assert len(problem.value.what) < 200


def test_without_a_type_no_value_was_seen() -> None:
    column, missing = check_values([None, Failure("x")], Output("y"), np.array([True, True]))
    assert (column.tolist(), list(missing)) == ([None, None], [True, True])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        *(([None, value], kind) for kind, values in GOOD.items() for value in values[:1]),
        ([MOMENT], OutputType.TIMESTAMP),
        ([Failure("x"), pd.NA, "a"], OutputType.TEXT),
        ([math.nan, 0.5], OutputType.NUMBER),
        (np.array([True]), OutputType.BOOLEAN),
        (np.array([1], dtype="uint8"), OutputType.INTEGER),
        (np.array([math.nan]), OutputType.NUMBER),
        (pd.Series([None, 1], dtype="Int64"), OutputType.INTEGER),
        (pd.Series(["a"], dtype="category"), OutputType.TEXT),
        ([None, Failure("x")], None),
        ([], None),
    ],
)
def test_the_type_of_values(values: Any, expected: OutputType | None) -> None:
    assert infer_type(values, "y") is expected


@pytest.mark.parametrize("values", [[None, b"x"], [math.nan], [[1]], [dt.datetime(2013, 1, 1)]])  # noqa: DTZ001
def test_values_of_no_type_ask_for_a_declaration(values: Any) -> None:
    with pytest.raises(InvalidClaimError, match=r"type of output 'y' cannot be told from a \w+\. Declare it: outputs="):
        infer_type(values, "y")


@given(st.lists(st.none() | st.integers(-(2**63), MAX), max_size=8))
def test_integers_are_exact(values: list[int | None]) -> None:
    assert check(values, OutputType.INTEGER)[0] == values


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=8))
def test_numbers_are_exact(values: list[float | None]) -> None:
    assert check(values, OutputType.NUMBER)[0] == values


@given(st.lists(st.none() | st.decimals(allow_nan=False, allow_infinity=False), max_size=8))
def test_decimals_are_exact(values: list[Decimal | None]) -> None:
    seen, _ = check(values, OutputType.DECIMAL)
    assert [str(v) for v in seen] == [str(v) for v in values]


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), max_size=8))
def test_text_is_exact(values: list[str | None]) -> None:
    assert check(values, OutputType.TEXT)[0] == values
