from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ColumnTypeError
from airflow_provider_aiguard.tables.frames import from_numpy, from_values, objects, to_kind, to_list
from airflow_provider_aiguard.tables.kinds import ColumnInfo

BOOLEAN = ColumnInfo("c", sa.Boolean())
INTEGER = ColumnInfo("c", sa.BigInteger())
NUMBER = ColumnInfo("c", sa.Double())
DECIMAL = ColumnInfo("c", sa.Numeric())
TEXT = ColumnInfo("c", sa.Text())
DATE = ColumnInfo("c", sa.Date())
NAIVE = ColumnInfo("c", sa.DateTime())
ZONED = ColumnInfo("c", sa.DateTime(timezone=True))
OTHER = ColumnInfo("c", sa.LargeBinary())
NAN = float("nan")
PLUS_TWO = dt.timezone(dt.timedelta(hours=2))


def moment(year: int, month: int, day: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(year, month, day, hour)  # noqa: DTZ001 - what a column without zone holds


@pytest.mark.parametrize(
    ("column", "values", "plain", "nullable"),
    [
        (BOOLEAN, [True, False], "bool", "boolean"),
        (INTEGER, [2**53 + 1, -(2**63)], "int64", "Int64"),
        (NUMBER, [0.1, float("inf")], "float64", "Float64"),
        (DECIMAL, [Decimal("1.10"), Decimal(0)], "object", "object"),
        (TEXT, ["", "☂"], "str", "str"),
        (DATE, [dt.date(1, 1, 1), dt.date(9999, 12, 31)], "object", "object"),
        (NAIVE, [moment(1, 1, 1), moment(9999, 12, 31)], "datetime64[us]", "datetime64[us]"),
        (OTHER, [b"x", [1, 2]], "object", "object"),
    ],
)
def test_values_keep_their_value_and_nulls_decide_the_dtype(
    column: ColumnInfo, values: list[Any], plain: str, nullable: str
) -> None:
    for given, dtype in ((values, plain), ([*values, None], nullable)):
        series = pd.Series(from_values(column, given))
        assert str(series.dtype) == dtype
        assert to_list(series) == given
        assert to_list(to_kind(column, series)) == given
        assert to_list(to_kind(column, pd.Series(objects(given)))) == given


def test_no_values_and_only_nulls() -> None:
    assert str(pd.Series(from_values(INTEGER, [])).dtype) == "int64"
    assert str(pd.Series(from_values(INTEGER, [None])).dtype) == "Int64"
    assert to_list(from_values(TEXT, [None, None])) == [None, None]


def test_timestamps_are_one_moment_in_utc() -> None:
    then = dt.datetime(2020, 1, 1, 10, tzinfo=PLUS_TWO)
    assert to_list(from_values(ZONED, [then, None])) == [then, None]
    assert str(pd.Series(from_values(ZONED, [then])).dtype) == "datetime64[us, UTC]"
    assert to_list(from_values(NAIVE, [then])) == [moment(2020, 1, 1, 8)]
    nanoseconds = pd.Series(pd.DatetimeIndex([then]).as_unit("ns"))
    assert to_list(to_kind(NAIVE, nanoseconds)) == [moment(2020, 1, 1, 8)]
    assert to_list(to_kind(ZONED, nanoseconds)) == [then]
    assert to_list(to_kind(ZONED, nanoseconds.dt.tz_localize(None))) == [then.replace(tzinfo=dt.UTC)]
    assert to_list(to_kind(ZONED, pd.Series([pd.Timestamp(then), pd.NaT, None], dtype=object))) == [
        then,
        None,
        None,
    ]


def test_nan_is_not_null() -> None:
    read = from_numpy(NUMBER, np.array([NAN, 1.0, 2.0]), np.array([False, True, False]))
    assert read.isna().tolist() == [False, True, False]
    assert np.isnan(read[0])
    for series in (
        pd.Series(read),
        pd.Series([NAN, None, 2.0], dtype=object),
        pd.Series([NAN, pd.NA, 2], dtype=object),
    ):
        listed = to_list(to_kind(NUMBER, series))
        assert np.isnan(listed[0])
        assert listed[1:] == [None, 2.0]
    plain = to_kind(NUMBER, pd.Series([NAN, 1.0]))
    assert plain.dtype == np.float64
    assert np.isnan(to_list(plain)[0])


def test_masks_of_numpy_arrays() -> None:
    none = np.array([False, False])
    assert from_numpy(INTEGER, np.array([1, 2], dtype="int16"), none).dtype == np.int64
    days = np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[us]")
    assert from_numpy(DATE, days, np.array([True, False])).tolist() == [None, dt.date(2020, 1, 2)]
    assert to_list(from_numpy(TEXT, np.array(["a", "b"], dtype=object), np.array([True, False]))) == [None, "b"]
    assert from_numpy(OTHER, np.array([1, 2]), np.array([False, True])).tolist() == [1, None]


@pytest.mark.parametrize(
    ("column", "series", "expected"),
    [
        (INTEGER, pd.Series([1.0, 2.0]), [1, 2]),
        (INTEGER, pd.Series([1, None], dtype="Int8"), [1, None]),
        (INTEGER, pd.Series([np.int8(3), None], dtype=object), [3, None]),
        (NUMBER, pd.Series([1, 2]), [1.0, 2.0]),
        (NUMBER, pd.Series([Decimal("0.5"), np.float32(2)], dtype=object), [0.5, 2.0]),
        (BOOLEAN, pd.Series([np.True_, None], dtype=object), [True, None]),
        (DECIMAL, pd.Series([Decimal(1), 2, np.int64(3), NAN, None], dtype=object), [1, 2, 3, None, None]),
        (TEXT, pd.Series(["a", NAN, None], dtype=object), ["a", None, None]),
        (TEXT, pd.Series(["a", None], dtype="string"), ["a", None]),
        (TEXT, pd.Series(["a", None, "a"], dtype="category"), ["a", None, "a"]),
        (TEXT, pd.Series([None, None], dtype=object), [None, None]),
        (DATE, pd.Series([moment(2020, 1, 1), dt.date(2020, 1, 2)], dtype=object), None),
        (DATE, pd.Series(pd.DatetimeIndex(["2020-01-01", "2020-01-02"])), None),
    ],
)
def test_other_dtypes_are_converted(column: ColumnInfo, series: pd.Series[Any], expected: list[Any] | None) -> None:
    wanted = [dt.date(2020, 1, 1), dt.date(2020, 1, 2)] if expected is None else expected
    assert to_list(to_kind(column, series)) == wanted


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (BOOLEAN, 1),
        (BOOLEAN, "true"),
        (INTEGER, True),
        (INTEGER, 1.5),
        (INTEGER, "1"),
        (INTEGER, 2**63),
        (INTEGER, NAN),
        (NUMBER, "1.0"),
        (NUMBER, True),
        (NUMBER, object()),
        (DECIMAL, 0.1),
        (DECIMAL, True),
        (TEXT, 1),
        (TEXT, b"x"),
        (DATE, "2020-01-01"),
        (DATE, moment(2020, 1, 1, 1)),
        (NAIVE, "2020-01-01"),
        (ZONED, dt.date(2020, 1, 1)),
    ],
)
def test_values_of_another_kind_are_refused_without_quoting_them(column: ColumnInfo, value: Any) -> None:
    series = pd.Series([None, value], dtype=object)
    with pytest.raises(ColumnTypeError, match=rf"Column 'c' holds {column.kind} values, .*let the model return"):
        to_kind(column, series)
