"""Work keys: equal work has an equal key, so that it is paid for once.

A key is the SHA-256 of what decides the answer: the model, what it is asked for, and the values of one row, each with
its type. It is the same in every version of Python and on every machine.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import math
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.inference.validate import Positions
from airflow_provider_aiguard.tables.frames import to_list

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.outputs import Output
    from airflow_provider_aiguard.core.run import ModelIdentity


def unique_rows(frame: pd.DataFrame) -> tuple[Positions, Positions]:
    """Find equal rows, column by column, before anything is hashed: 90 % of duplicates are 90 % less to hash.

    NULL equals NULL and NaN equals NaN, but they differ from each other, as do 1, 1.0, true and "1".

    :param frame: n rows.
    :return: the first position of each different row, in order; and for each of the n rows which of those it equals.
    """
    codes: Positions = np.zeros(len(frame), dtype=np.intp)
    for name in frame.columns:
        column, distinct = _codes(frame[name])
        codes = pd.factorize(codes * (distinct + 1) + column)[0].astype(np.intp)
    _, firsts = np.unique(codes, return_index=True)
    return firsts.astype(np.intp), codes


def canonical_rows(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    """Write each row's values, in the order of the columns' names.

    :raises ConfigurationError: if a value is of a type that has no canonical form.
    """
    names = sorted(frame.columns)
    # Without inputs every row is the same work.
    return list(zip(*(_canonical(name, frame[name]) for name in names), strict=True)) if names else [()] * len(frame)


def memory_rows(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Give for each row a tuple, equal to another's exactly if the rows are equal work, without writing all of it.

    Integers, texts and NULL are told apart by Python; of others, which may be equal to these, the written form stands.

    :raises ConfigurationError: if a value is of a type that has no canonical form.
    """
    names = sorted(frame.columns)
    return list(zip(*(_told_apart(name, frame[name]) for name in names), strict=True)) if names else [()] * len(frame)


def work_keys(
    rows: Sequence[tuple[str, ...]], names: Sequence[str], model: ModelIdentity, outputs: Sequence[Output]
) -> list[str]:
    """Give the key of each row.

    :param rows: what :func:`canonical_rows` wrote.
    :param names: the columns, in the order that the model sees them in: another order is other work.
    :param model: who is asked. Its fingerprint stands for its weights, its prompt and its parameters.
    :param outputs: what it is asked for, with types and labels.
    :return: a key for each row: 64 hexadecimal digits.
    """
    asked = [[o.name, str(o.type), sorted(o.labels)] for o in outputs]
    context = _text([model.name, model.version, model.fingerprint, asked, list(names)])
    start = hashlib.sha256(context.encode())
    keys = []
    for values in rows:
        key = start.copy()
        key.update("\x1f".join(values).encode("utf-8", "surrogatepass"))
        keys.append(key.hexdigest())
    return keys


def canonical(value: Any) -> str:
    r"""Write a value with its type, so that no two different values are written alike.

    >>> canonical(None), canonical(True), canonical(1), canonical(1.0), canonical("1")
    ('n', 'b1', 'i1', 'f0x1.0000000000000p+0', '"1"')
    >>> canonical(float("nan")), canonical({"b": [1, None], "a": Decimal("1.10")})
    ('fnan', '{"a":d1.10,"b":[i1,n]}')
    """
    write = _WRITERS.get(type(value))
    if write is None:
        write = next((writer for kind, writer in _WRITERS.items() if isinstance(value, kind)), None)
    if write is None:
        raise ConfigurationError(
            f"A value of type {type(value).__name__} has no canonical form, so equal work cannot be told. Leave its "
            "column out of inputs=, or derive a number or a text."
        )
    return str(write(value))


def _codes(column: pd.Series[Any]) -> tuple[Positions, int]:
    """Number the different values of a column from 0."""
    if column.dtype == object or getattr(column.dtype, "kind", "O") == "f" or hasattr(column.array, "_mask"):
        # Here equal is not the same: 1 == True, and a nullable float column has NULL and NaN.
        missing = np.asarray(column.isna())
        if column.dtype == object or missing.any():
            codes, found = pd.factorize(np.array([canonical(v) for v in to_list(column)], dtype=object))
            return codes.astype(np.intp), len(found)
    plain, groups = pd.factorize(column, use_na_sentinel=False)
    return plain.astype(np.intp), len(groups)


def _canonical(name: str, column: pd.Series[Any]) -> list[str]:
    try:
        return [canonical(value) for value in to_list(column)]
    except ConfigurationError as error:
        raise ConfigurationError(f"Input column {name!r}: {error}") from None


def _told_apart(name: str, column: pd.Series[Any]) -> list[Any]:
    values = to_list(column)
    if set(map(type, values)) <= _PLAIN:
        return values
    return [
        value if type(value) in _PLAIN else (written,)
        for value, written in zip(values, _canonical(name, column), strict=True)
    ]


_PLAIN = {int, str, type(None)}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _float(value: float) -> str:
    # 0.0 and -0.0 are one number to every model.
    return "fnan" if math.isnan(value) else f"f{(value + 0.0).hex()}"


def _moment(value: dt.datetime) -> str:
    # Only a timestamp of pandas has nanoseconds; most have none.
    rest = f"+{nanoseconds}" if (nanoseconds := getattr(value, "nanosecond", 0)) else ""
    if value.tzinfo is None:
        return f"t{value.isoformat(timespec='microseconds')}{rest}"
    return f"z{value.astimezone(dt.UTC).isoformat(timespec='microseconds')}{rest}"


def _bytes(value: bytes | memoryview) -> str:
    return f"y{base64.b64encode(value).decode()}"


def _mapping(value: Mapping[str, Any]) -> str:
    return "{" + ",".join(f"{_text(str(k))}:{canonical(v)}" for k, v in sorted(value.items(), key=_by_name)) + "}"


def _by_name(item: tuple[Any, Any]) -> tuple[str, str]:
    # Keys of several types have an order, too.
    return str(item[0]), type(item[0]).__name__


def _sequence(value: Sequence[Any]) -> str:
    return "[" + ",".join(canonical(item) for item in value) + "]"


# In the order of looking for a subclass: bool is an int, a timestamp of pandas is a datetime, a datetime is a date.
_WRITERS: dict[type, Any] = {
    type(None): lambda _: "n",
    bool: lambda value: f"b{int(value)}",
    int: lambda value: f"i{int(value)}",
    float: _float,
    str: _text,
    Decimal: lambda value: f"d{value}",
    dt.datetime: _moment,
    dt.date: lambda value: f"D{value.isoformat()}",
    dt.time: lambda value: f"T{value.isoformat(timespec='microseconds')}",
    dt.timedelta: lambda value: f"e{value // dt.timedelta(microseconds=1)}",
    uuid.UUID: lambda value: f"u{value}",
    bytes: _bytes,
    # As one driver of PostgreSQL gives them.
    memoryview: _bytes,
    np.bool_: lambda value: f"b{int(value)}",
    np.integer: lambda value: f"i{int(value)}",
    np.floating: lambda value: _float(float(value)),
    np.ndarray: lambda value: _sequence(value.tolist()),
    dict: _mapping,
    list: _sequence,
    tuple: _sequence,
}
