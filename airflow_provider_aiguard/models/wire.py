"""Rows as the bodies of HTTP requests, and responses as rows.

`Open Inference Protocol <https://github.com/kserve/open-inference-protocol>`_, version 2, and the ``instances`` /
``predictions`` of version 1.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.core.errors import ConfigurationError

if TYPE_CHECKING:
    import pandas as pd

_DATATYPES = {"b": "BOOL", "i": "INT64", "u": "UINT64", "f": "FP64"}


Columns = Mapping[str, list[Any]]
"""Plain values, as JSON has them, by column: as many in each."""


class BadResponseError(Exception):
    """A response that is not what the protocol says. Its message holds no values."""


def unfit_columns(part: pd.DataFrame, *, null_fits: bool) -> list[str | None]:
    """Name, for each row, the first column whose value cannot be sent: NULL, NaN, an infinity. ``None`` if all can."""
    import numpy as np

    unfit: list[str | None] = [None] * len(part)
    for name in reversed(list(part.columns)):
        gone = part[name].isna().to_numpy(dtype=bool)
        bad = np.zeros(len(part), dtype=bool) if null_fits else gone
        if part[name].dtype.kind == "f":
            bad = bad | (~np.isfinite(part[name].to_numpy(dtype=float, na_value=np.nan)) & ~gone)
        for i in np.flatnonzero(bad):
            unfit[i] = str(name)
    return unfit


def unfit_failure(column: str) -> Failure:
    """Say why a row cannot be sent whose column :func:`unfit_columns` named."""
    return Failure("bad_input", f"column {column!r} is NULL or not a finite number")


def values_of(frame: pd.DataFrame) -> Columns:
    """Give the values of each column as JSON has them; NULL is ``None``.

    :raises ConfigurationError: if JSON cannot hold one.
    """
    return {str(name): _json_values(str(name), frame[name]) for name in frame.columns}


def some(columns: Columns, rows: Sequence[int]) -> Columns:
    """Give some rows, by position."""
    return {name: [values[i] for i in rows] for name, values in columns.items()}


def datatypes_of(frame: pd.DataFrame) -> dict[str, str]:
    """Give the datatype of each column's tensor, as it follows from the column's type."""
    return {str(name): _DATATYPES.get(frame[name].dtype.kind, "BYTES") for name in frame.columns}


def to_tensors(columns: Columns, datatypes: Mapping[str, str], *, outputs: Sequence[str]) -> dict[str, Any]:
    """Write rows as tensors of shape [n, 1], one a column.

    :param columns: n values each, no ``None``.
    :param datatypes: by column.
    :param outputs: tensors to ask for.
    """
    inputs = []
    for name, values in columns.items():
        data, datatype = values, datatypes[name]
        if datatype == "BYTES":
            data = [str(value) for value in values]
        elif datatype.startswith("FP"):
            data = [float(value) for value in values]
        inputs.append({"name": name, "shape": [len(data), 1], "datatype": datatype, "data": data})
    return {"inputs": inputs, "outputs": [{"name": name} for name in dict.fromkeys(outputs)]}


def read_tensors(response: Any, names: Sequence[str], *, rows: int) -> list[dict[str, Any] | Failure]:
    """Read one value a row from each tensor: shape [n] or [n, 1].

    :raises BadResponseError: if a tensor is missing or of another shape.
    """
    tensors = response.get("outputs") if isinstance(response, dict) else None
    found = (
        {t["name"]: t for t in tensors if isinstance(t, dict) and isinstance(t.get("name"), str)}
        if isinstance(tensors, list)
        else {}
    )
    columns = {}
    for name in names:
        if name not in found:
            raise BadResponseError(f"no tensor {name!r}, there are {sorted(map(str, found))!r}")
        shape, data = found[name].get("shape"), found[name].get("data")
        if not isinstance(data, list) or shape not in ([rows], [rows, 1]):
            raise BadResponseError(f"tensor {name!r} has shape {shape!r} for {rows} rows; one value a row is needed")
        flat = [x[0] if isinstance(x, list) and len(x) == 1 else x for x in data]
        if len(flat) != rows or any(isinstance(x, list | dict) for x in flat):
            raise BadResponseError(f"tensor {name!r} does not hold {rows} values")
        columns[name] = flat
    return [_checked({name: columns[name][i] for name in names}) for i in range(rows)]


def to_instances(columns: Columns) -> dict[str, Any]:
    """Write rows as objects of column to value; ``None`` is null."""
    return {"instances": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]}


def read_predictions(response: Any, names: Sequence[str], *, rows: int) -> list[dict[str, Any] | Failure]:
    """Read one prediction a row: an object by name, the bare value of a single output, or ``{"error": why}``.

    :raises BadResponseError: if there is not one prediction a row.
    """
    predictions = response.get("predictions") if isinstance(response, dict) else None
    if not isinstance(predictions, list) or len(predictions) != rows:
        count = len(predictions) if isinstance(predictions, list) else "no"
        raise BadResponseError(f"{count} predictions for {rows} rows")
    return [_prediction(prediction, names) for prediction in predictions]


def _prediction(prediction: Any, names: Sequence[str]) -> dict[str, Any] | Failure:
    if not isinstance(prediction, dict):
        if len(names) == 1:
            return _checked({names[0]: prediction})
        return Failure("bad_response", f"a prediction must name {list(names)!r}")
    if "error" in prediction and "error" not in names:
        # Its words may quote the row.
        return Failure("model_error", "the server reports an error for this row")
    if missing := [name for name in names if name not in prediction]:
        return Failure("bad_response", f"the prediction has no {missing[0]!r}")
    return _checked({name: prediction[name] for name in names})


def _checked(row: dict[str, Any]) -> dict[str, Any] | Failure:
    """Python reads NaN and Infinity where JSON has none."""
    for name, value in row.items():
        if isinstance(value, float) and not math.isfinite(value):
            return Failure("bad_response", f"{name!r} is {value!r}, not a finite number")
    return row


def _json_values(name: str, column: pd.Series[Any]) -> list[Any]:
    gone = column.isna().tolist()
    return [None if missing else _plain(name, value) for value, missing in zip(column.tolist(), gone, strict=True)]


def _plain(name: str, value: Any) -> Any:
    if hasattr(value, "dtype"):
        value = value.item()
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise ConfigurationError(
        f"Column {name!r} holds a {type(value).__name__}, which JSON cannot hold. Send text, numbers, booleans, dates."
    )
