"""Values between a database and a DataFrame, NULL and NaN kept apart.

One dtype a kind, the same for reading and writing: ``int64``/``Int64``, ``float64``/``Float64``, ``bool``/``boolean``
(the masked one only if there are NULLs), ``str``, ``datetime64[us]`` naive or in UTC, and objects for ``Decimal``,
``date`` and whatever is none of these.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from airflow_provider_aiguard.core.errors import ColumnTypeError
from airflow_provider_aiguard.core.outputs import OutputType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_aiguard.tables.kinds import ColumnInfo

_MASKED: dict[OutputType | None, tuple[Any, Any, Any]] = {
    OutputType.BOOLEAN: (np.bool_, False, pd.arrays.BooleanArray),
    OutputType.INTEGER: (np.int64, 0, pd.arrays.IntegerArray),
    OutputType.NUMBER: (np.float64, 0.0, pd.arrays.FloatingArray),
}


def from_values(column: ColumnInfo, values: Sequence[Any]) -> Any:
    """Make an array of the column's dtype from Python values, ``None`` for NULL."""
    kind = column.kind
    if kind in _MASKED:
        dtype, filler, _ = _MASKED[kind]
        mask = np.fromiter((value is None for value in values), dtype=bool, count=len(values))
        filled = [filler if value is None else value for value in values] if mask.any() else values
        return from_numpy(column, np.array(filled, dtype=dtype), mask)
    if kind is OutputType.TEXT:
        return pd.array(np.array(values, dtype=object), dtype="str")
    if kind is OutputType.TIMESTAMP:
        return from_numpy(column, np.array([_utc(value) for value in values], dtype="datetime64[us]"), None)
    return objects(values)


def from_numpy(column: ColumnInfo, values: np.ndarray[Any, Any], mask: np.ndarray[Any, Any] | None) -> Any:
    """Make an array of the column's dtype from a numpy array and the mask of its NULLs (``None``: no NULL)."""
    kind = column.kind
    if mask is not None and not mask.any():
        mask = None
    if kind in _MASKED:
        dtype, _, masked = _MASKED[kind]
        plain = values.astype(dtype, copy=False)
        return plain if mask is None else masked(plain, mask)
    if kind is OutputType.TIMESTAMP:
        index = pd.DatetimeIndex(_with(values.astype("datetime64[us]"), mask, np.datetime64("NaT")))
        return (index.tz_localize("UTC") if column.zoned else index).array
    if kind is OutputType.DATE:
        return _with(values.astype("datetime64[D]").astype(object), mask, None)
    if kind is OutputType.TEXT:
        return pd.array(_with(values, mask, None), dtype="str")
    return _with(values.astype(object), mask, None)


def objects(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Make a one-dimensional object array, even of lists or arrays."""
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


def to_kind(column: ColumnInfo, series: pd.Series[Any]) -> Any:
    """Turn the series into an array of the column's dtype, whatever dtype it came in.

    In a ``float64`` series NaN is NaN; ``None``, ``pd.NA`` and ``NaT`` are NULL everywhere.

    :raises ColumnTypeError: if a value is of another kind.
    """
    kind = column.kind
    ready = _ready(column, series)
    if ready is not None:
        return ready
    try:
        return from_values(column, [_CONVERT[kind](value) for value in to_list(series)])
    except (TypeError, ValueError, OverflowError, ArithmeticError) as error:
        what = str(kind or column.type)
        raise ColumnTypeError(
            f"Column {column.name!r} holds {what} values, but the chunk has something else in it "
            f"(dtype {series.dtype}). Declare the type of the output, or let the model return {what}."
        ) from error


def _ready(column: ColumnInfo, series: pd.Series[Any]) -> Any:
    """Pass arrays of the right dtype on as they are: value by value, a million rows cost seconds."""
    array: Any = series.array
    kind = column.kind
    if kind in _MASKED:
        dtype, _, masked = _MASKED[kind]
        if isinstance(array, masked) and array.dtype.numpy_dtype == dtype:
            return array
        return series.to_numpy() if series.dtype == np.dtype(dtype) else None
    if kind is OutputType.TEXT:
        if isinstance(array, pd.arrays.StringArray):
            return array.astype("str")
        strings = series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) == "string"
        return pd.array(series.to_numpy(), dtype="str") if strings else None
    if kind is OutputType.TIMESTAMP and isinstance(array, pd.arrays.DatetimeArray):
        index = pd.DatetimeIndex(array).as_unit("us")
        utc = index.tz_localize("UTC") if index.tz is None else index.tz_convert("UTC")
        return (utc if column.zoned else utc.tz_localize(None)).array
    return None


def to_list(values: Any) -> list[Any]:
    """Python values of a series or array, ``None`` for NULL; a NaN that is not NULL stays a NaN."""
    array = values.array if isinstance(values, pd.Series) else values
    if isinstance(array, np.ndarray) and array.dtype != object:
        return list(array.tolist())
    if isinstance(array, pd.arrays.NumpyExtensionArray) and array.dtype.kind != "O":
        return list(array.to_numpy().tolist())
    if isinstance(array, pd.arrays.DatetimeArray):
        return [None if pd.isna(value) else value.to_pydatetime() for value in array]
    if isinstance(array, pd.arrays.StringArray):
        return [value if isinstance(value, str) else None for value in array]
    if hasattr(array, "_mask"):
        return [None if value is pd.NA else value for value in array.astype(object).tolist()]
    return [None if value is None or value is pd.NA or value is pd.NaT else value for value in array]


def _with(values: np.ndarray[Any, Any], mask: np.ndarray[Any, Any] | None, null: Any) -> np.ndarray[Any, Any]:
    if mask is None:
        return values
    filled = values.copy()
    filled[mask] = null
    return filled


def _utc(value: dt.datetime | None) -> dt.datetime | None:
    """Give the moment without zone; a value without zone is taken as UTC."""
    if value is None or value.tzinfo is None:
        return value
    return value.astimezone(dt.UTC).replace(tzinfo=None)


def _boolean(value: Any) -> bool | None:
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    raise TypeError


def _integer(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool | np.bool_) or int(value) != value:
        raise TypeError
    return int(value)


def _number(value: Any) -> float | None:
    if isinstance(value, str | bool | np.bool_):
        raise TypeError
    return None if value is None else float(value)


def _decimal(value: Any) -> Decimal | None:
    if value is None or isinstance(value, Decimal):
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return Decimal(int(value))
    if isinstance(value, float) and np.isnan(value):
        return None
    raise TypeError


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if not isinstance(value, str):
        raise TypeError
    return str(value)


def _date(value: Any) -> dt.date | None:
    if isinstance(value, dt.datetime):
        if value.time() != dt.time():
            raise TypeError
        return value.date()
    if value is None or isinstance(value, dt.date):
        return value
    raise TypeError


def _timestamp(value: Any) -> dt.datetime | None:
    if value is None or isinstance(value, dt.datetime):
        return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
    raise TypeError


def _as_is(value: Any) -> Any:
    return value


_CONVERT: dict[OutputType | None, Callable[[Any], Any]] = {
    OutputType.BOOLEAN: _boolean,
    OutputType.INTEGER: _integer,
    OutputType.NUMBER: _number,
    OutputType.DECIMAL: _decimal,
    OutputType.TEXT: _text,
    OutputType.DATE: _date,
    OutputType.TIMESTAMP: _timestamp,
    None: _as_is,
}
