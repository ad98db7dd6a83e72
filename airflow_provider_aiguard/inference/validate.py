"""Claims are checked before a cent is settled or a cell is written.

A value of the wrong type, NaN, a confidence outside [0, 1], the wrong length or the wrong columns mean that the
model or its adapter is broken: :class:`~airflow_provider_aiguard.core.errors.InvalidClaimError`, naming the row. A row
without an answer is no error: it becomes a reject.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from airflow_provider_aiguard.core.claims import Claims, Failure
from airflow_provider_aiguard.core.errors import InvalidClaimError
from airflow_provider_aiguard.core.outputs import Output
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.inference.values import BadValueError, check_values

Mask = npt.NDArray[np.bool_]
"""Which of n rows."""

Positions = npt.NDArray[np.intp]
"""Where rows are."""


@dataclass(frozen=True, kw_only=True)
class ValidClaims:
    """The claims of n rows, in types the writer can take.

    :param values: n values by output, NA where the row was not answered.
    :param confidences: n numbers in [0, 1] by output, NaN where there is none.
    :param sources: how the confidences were made, by output; outputs that came without any are not there.
    :param answered: which rows have a value for every output that was needed.
    :param failures: the other rows, by position.
    """

    values: Mapping[str, pd.Series[Any]]
    confidences: Mapping[str, npt.NDArray[np.float64]]
    sources: Mapping[str, ConfidenceSource]
    answered: Mask
    failures: Mapping[int, Failure]


def validate_claims(
    claims: Claims,
    outputs: Sequence[Output],
    *,
    rows: int,
    needed: Mapping[str, Mask],
    describe_row: Callable[[int], str],
) -> ValidClaims:
    """Check what a model answered for one chunk.

    :param claims: the answer.
    :param outputs: the declared outputs.
    :param rows: rows in the chunk.
    :param needed: by output, the rows whose value will be used; the others' are ignored.
    :param describe_row: tells the key of a row by position, for messages.
    :raises InvalidClaimError: at the first claim that breaks its declared type, range or length.
    """
    _check_columns(claims, outputs)
    if stray := [i for i in claims.failures if not 0 <= i < rows]:
        raise InvalidClaimError(f"The model reported a failure for row {stray[0]!r} of a chunk of {rows} rows.")
    failures = dict(claims.failures)
    failed = _mask_of(failures, rows)
    values: dict[str, pd.Series[Any]] = {}
    confidences: dict[str, npt.NDArray[np.float64]] = {}
    for output in outputs:
        _check_length(claims.values[output.name], rows, f"values for output {output.name!r}")
        wanted = needed[output.name] & ~failed
        try:
            column, missing = check_values(claims.values[output.name], output, wanted)
        except BadValueError as problem:
            raise InvalidClaimError(
                f"Output {output.name!r} of row {describe_row(problem.row)}: {problem.what}"
            ) from None
        for i in np.flatnonzero(missing & wanted):
            failures.setdefault(int(i), Failure("no_value", f"the model gave no value for {output.name!r}"))
        values[output.name] = column
        given = claims.confidences.get(output.name)
        confidences[output.name] = _confidences(given, output.name, rows, wanted & ~missing, describe_row)
    return ValidClaims(
        values=values,
        confidences=confidences,
        sources=dict.fromkeys(claims.confidences, source) if (source := claims.confidence_source) else {},
        answered=~_mask_of(failures, rows),
        failures=dict(sorted(failures.items())),
    )


def _check_columns(claims: Claims, outputs: Sequence[Output]) -> None:
    declared = {o.name for o in outputs}
    given = set(claims.values)
    if given != declared:
        raise InvalidClaimError(
            f"The model answered for columns {sorted(given)!r}, declared outputs are {sorted(declared)!r}. "
            "Return exactly the declared outputs."
        )
    if stray := set(claims.confidences) - declared:
        raise InvalidClaimError(f"The model gave confidences for {sorted(stray)!r}, which are no outputs.")
    if claims.confidences and claims.confidence_source is None:
        raise InvalidClaimError("The model gave confidences without confidence_source: say how they were made.")


def _check_length(values: Any, rows: int, what: str) -> None:
    if not hasattr(values, "__len__") or isinstance(values, str | bytes | Mapping | Set):
        raise InvalidClaimError(f"The {what} must be a sequence of {rows} items; got {type(values).__name__}.")
    if getattr(values, "ndim", 1) != 1:
        raise InvalidClaimError(f"The {what} must have one dimension; got shape {values.shape!r}. Give one a row.")
    if len(values) != rows:
        raise InvalidClaimError(f"The model gave {len(values)} {what} for a chunk of {rows} rows. Give one a row.")


def _confidences(
    given: Any, column: str, rows: int, wanted: Mask, describe_row: Callable[[int], str]
) -> npt.NDArray[np.float64]:
    if given is None:
        return np.full(rows, np.nan)
    _check_length(given, rows, f"confidences for output {column!r}")
    absent = ~wanted
    array = given.to_numpy() if isinstance(given, pd.Series) and isinstance(given.dtype, np.dtype) else given
    if not (isinstance(array, np.ndarray) and array.dtype.kind in "fiu"):
        items = list(given)
        absent = absent | np.fromiter((item is None or item is pd.NA for item in items), dtype=bool, count=rows)
        array = _numbers(items, absent, column, describe_row)
    numbers = np.where(absent, np.nan, array.astype(float))
    with np.errstate(invalid="ignore"):
        wrong = ~absent & ~((numbers >= 0) & (numbers <= 1))
    if wrong.any():
        row = int(wrong.argmax())
        raise InvalidClaimError(
            f"Confidence of {column!r} of row {describe_row(row)} is {float(array[row])!r}. "
            "A confidence is a number in [0, 1], or None where there is none."
        )
    return numbers


def _numbers(
    items: Sequence[Any], absent: Mask, column: str, describe_row: Callable[[int], str]
) -> npt.NDArray[np.float64]:
    numbers = np.full(len(items), np.nan)
    for i in np.flatnonzero(~absent).tolist():
        item = items[i]
        if isinstance(item, bool) or not isinstance(item, int | float | np.number):
            raise InvalidClaimError(
                f"Confidence of {column!r} of row {describe_row(int(i))} is {item!r}. "
                "A confidence is a number in [0, 1], or None where there is none."
            )
        numbers[i] = item
    return numbers


def _mask_of(failures: Mapping[int, Failure], rows: int) -> Mask:
    mask = np.zeros(rows, dtype=bool)
    mask[list(failures)] = True
    return mask
