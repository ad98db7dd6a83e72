"""Values against their declared type: whole columns where numpy can, item by item where it cannot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.core.errors import InvalidClaimError
from airflow_provider_aiguard.core.outputs import Output, OutputType

Mask = npt.NDArray[np.bool_]

_DTYPES: dict[OutputType, str] = {
    OutputType.BOOLEAN: "boolean",
    OutputType.INTEGER: "Int64",
    OutputType.NUMBER: "Float64",
    OutputType.TEXT: "str",
    OutputType.DECIMAL: "object",
    OutputType.DATE: "object",
    OutputType.TIMESTAMP: "datetime64[us, UTC]",
}


class BadValueError(Exception):
    """A value that breaks its type, before anybody has named the row's key.

    :param row: position of the row in the chunk.
    :param what: what is wrong, the rule and the remedy.
    """

    def __init__(self, row: int, what: str) -> None:
        super().__init__(what)
        self.row = row
        self.what = what


def infer_type(values: Any, name: str) -> OutputType | None:
    """Tell the type of a column of values by its dtype, or by the first value that is of one.

    :param values: the values as the model gave them.
    :param name: the output, for the error.
    :return: ``None`` if no value is there.
    :raises InvalidClaimError: if none of the values is of one of the types.
    """
    kind = getattr(getattr(values, "dtype", None), "kind", "O")
    by_kind = {"b": OutputType.BOOLEAN, "i": OutputType.INTEGER, "u": OutputType.INTEGER, "f": OutputType.NUMBER}
    if kind in by_kind:
        return by_kind[kind]
    given = [v for v in _items(values) if not (isinstance(v, Failure) or _is_missing(v))]
    if not given:
        return None
    # Not the first value alone: where that is a NaN, the check against the others' type names its row.
    for value in given:
        for output_type, accepts in _ACCEPTS.items():
            if accepts(value):
                return output_type
    raise InvalidClaimError(
        f"The type of output {name!r} cannot be told from a {type(given[0]).__name__}. "
        f"Declare it: outputs={{{name!r}: bool}}, or float, int, str, a list of labels."
    )


def check_values(values: Any, output: Output, wanted: Mask) -> tuple[pd.Series[Any], Mask]:
    """Check one output column and bring it into the type the writer takes.

    :param values: n values as the model gave them.
    :param output: the declared output; its type may be ``None`` only while no value has been seen.
    :param wanted: the rows whose value will be used; the others' become NA.
    :return: the column, and which rows have no value.
    :raises BadValueError: at the first wanted value that breaks the declared type.
    """
    if output.type is None:
        return pd.Series([None] * len(values), dtype="object"), np.ones(len(values), dtype=bool)
    array = values.to_numpy() if isinstance(values, pd.Series) and isinstance(values.dtype, np.dtype) else values
    if isinstance(array, np.ndarray) and array.dtype.kind in _FAST.get(output.type, "") and not output.labels:
        return _fast(array, output.type, wanted)
    items = _items(values)
    missing = np.fromiter((isinstance(v, Failure) or _is_missing(v) for v in items), dtype=bool, count=len(items))
    accepts = _ACCEPTS[output.type]
    allowed = frozenset(output.labels)
    for i in np.flatnonzero(wanted & ~missing):
        item = items[i]
        if not accepts(item):
            raise BadValueError(int(i), _explain(item, output.type))
        if allowed and item not in allowed:
            raise BadValueError(int(i), f"{item!r} is none of the labels {sorted(allowed)!r}.")
    kept = wanted & ~missing
    return _column([item if keep else None for item, keep in zip(items, kept, strict=True)], output.type), missing


def fits(value: Any, output: Output) -> bool:
    """Whether a value, ``None`` for none, is of the output's type and among its labels."""
    if value is None or output.type is None:
        return True
    return _ACCEPTS[output.type](value) and (not output.labels or value in output.labels)


_FAST = {OutputType.BOOLEAN: "b", OutputType.INTEGER: "iu", OutputType.NUMBER: "fiu"}


def _fast(array: npt.NDArray[Any], kind: OutputType, wanted: Mask) -> tuple[pd.Series[Any], Mask]:
    if array.dtype.kind == "f":
        wrong = wanted & ~np.isfinite(array)
        if wrong.any():
            row = int(wrong.argmax())
            raise BadValueError(row, _explain(float(array[row]), OutputType.NUMBER))
    if array.dtype.kind == "u" and kind is OutputType.INTEGER:
        big = wanted & (array > np.iinfo(np.int64).max)
        if big.any():
            row = int(big.argmax())
            raise BadValueError(row, _explain(int(array[row]), OutputType.INTEGER))
    column = _column(array, kind)
    if not wanted.all():
        column = column.mask(~wanted)
    return column, np.zeros(len(array), dtype=bool)


def _items(values: Any) -> list[Any]:
    # pandas shows a missing string as NaN; in a nullable float column NaN is a value and only NA is missing.
    if isinstance(values, pd.Series) and not isinstance(values.dtype, np.dtype):
        return [None if gone else value for value, gone in zip(values, values.isna(), strict=True)]
    return list(values)


def _column(values: Any, kind: OutputType) -> pd.Series[Any]:
    column: Any = pd.Series(values, dtype="object") if isinstance(values, list) else pd.Series(values)
    if kind is OutputType.TIMESTAMP:
        column = pd.to_datetime(column, utc=True)
    series: pd.Series[Any] = column.astype(_DTYPES[kind])
    return series


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT


def _is_integer(value: Any) -> bool:
    is_int = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return is_int and -(2**63) <= value < 2**63


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (isinstance(value, float | np.floating) and bool(np.isfinite(value)))


def _is_decimal(value: Any) -> bool:
    return _is_integer(value) or (isinstance(value, Decimal) and value.is_finite())


def _is_text(value: Any) -> bool:
    # PostgreSQL cannot store U+0000, and no database stores half of a surrogate pair.
    if not isinstance(value, str) or "\x00" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_timestamp(value: Any) -> bool:
    return isinstance(value, dt.datetime) and value.tzinfo is not None


_ACCEPTS: dict[OutputType, Callable[[Any], bool]] = {
    OutputType.BOOLEAN: lambda value: isinstance(value, bool | np.bool_),
    OutputType.INTEGER: _is_integer,
    OutputType.NUMBER: _is_number,
    OutputType.DECIMAL: _is_decimal,
    OutputType.TEXT: _is_text,
    OutputType.TIMESTAMP: _is_timestamp,
    OutputType.DATE: lambda value: isinstance(value, dt.date) and not isinstance(value, dt.datetime),
}

_RULES = {
    OutputType.BOOLEAN: "true or false",
    OutputType.INTEGER: "an integer of at most 64 bits",
    OutputType.NUMBER: "a finite number",
    OutputType.DECIMAL: "a finite decimal.Decimal",
    OutputType.TEXT: "text without NUL or lone surrogates",
    OutputType.DATE: "a datetime.date",
    OutputType.TIMESTAMP: "a datetime with a time zone",
}


_SHOWN = 80
"""Characters of a wrong value that a message shows."""


def _explain(value: Any, kind: OutputType) -> str:
    shown = repr(value) if len(repr(value)) <= _SHOWN else f"{repr(value)[:_SHOWN]}…"
    hint = " Return None, or Failure(reason), for a row without an answer." if value != value else ""  # noqa: PLR0124
    return f"{shown} is not {_RULES[kind]}, the declared type is {kind}.{hint}"
