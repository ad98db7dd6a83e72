"""Claims and truth as two arrays, for metrics that no SQL knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.truth import NUMBERS, TruthJoin, join_truth

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from airflow_provider_aiguard.core.table import Table

    Values = npt.NDArray[np.generic]

CHUNK = 10_000
"""Rows fetched at a time."""


def read_pairs(
    connection: sa.Connection, table: Table, column: str, truth: Table, truth_column: str
) -> tuple[Values, Values]:
    """Read the claims whose truth has arrived, and that truth, in key order.

    :param connection: where both tables are; the caller owns it.
    :param table: the rows with claims; needs a key.
    :param column: the AI-touched column.
    :param truth: the rows with the truth, at most one a key.
    :param truth_column: the column that holds the truth.
    :return: arrays of the same length and kind: integers (booleans are 0 and 1), floats, or objects that are texts. A
        NULL claim is NaN among floats, and ``None`` in an array of objects otherwise.
    :raises TableNotFoundError: if a table or a column does not exist.
    :raises ColumnTypeError: if inferred and true values are of different kinds.
    """
    with transaction(connection):
        joined = join_truth(connection, table, column, truth, truth_column)
        keys = [joined.claims.c[name] for name in table.require_key()]
        query = sa.select(joined.guess, joined.truth).select_from(joined.pairs)
        query = query.where(joined.truth.is_not(None)).order_by(*keys)
        claims: list[Any] = []
        truths: list[Any] = []
        for part in connection.execute(query).partitions(CHUNK):
            claims.extend(row[0] for row in part)
            truths.extend(row[1] for row in part)
    kind = _kind(joined, column, truth_column)
    return _array(claims, kind), _array(truths, kind)


def _kind(joined: TruthJoin, column: str, truth_column: str) -> type:
    left, right = joined.infos
    kinds = {left[column].kind, right[truth_column].kind}
    if kinds <= {OutputType.BOOLEAN, OutputType.INTEGER}:
        return int
    return float if kinds <= NUMBERS else object


def _array(values: list[Any], kind: type) -> Values:
    import numpy as np

    if kind is float:
        return np.array([float("nan") if v is None else float(v) for v in values], dtype=float)
    if kind is int and None not in values:
        return np.array([int(v) for v in values], dtype=np.int64)
    return np.array(values, dtype=object)
