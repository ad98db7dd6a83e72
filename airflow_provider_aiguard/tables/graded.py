"""The answers of models about labelled rows of one table, each right or wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import EmptyTableError
from airflow_provider_aiguard.core.provenance import Companions
from airflow_provider_aiguard.tables.columns import read_columns, rows_of, select_columns
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.truth import comparable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from airflow_provider_aiguard.core.table import Table

CHUNK = 10_000
"""Rows fetched at a time."""


@dataclass(frozen=True, kw_only=True)
class Graded:
    """Answers about n labelled rows.

    :param table: full name of the table.
    :param right: by column of answers, which of the n are equal to the truth. A NULL is not.
    :param confidences: by column, n numbers in [0, 1], NaN where there is none; columns without any are not there.
    """

    table: str
    right: Mapping[str, npt.NDArray[np.bool_]]
    confidences: Mapping[str, npt.NDArray[np.float64]]

    @property
    def labels(self) -> int:
        """N."""
        return len(next(iter(self.right.values())))


def read_graded(connection: sa.Connection, table: Table, truth: str, columns: Sequence[str]) -> Graded:
    """Read which answers are right, and how sure they were. Rows whose truth is NULL are left out.

    :param connection: where the table is; the caller owns it.
    :param table: the labelled rows.
    :param truth: the column that holds the truth.
    :param columns: columns that hold a model's answers, each with its ``…__confidence`` if it has one.
    :raises TableNotFoundError: if the table or a column does not exist.
    :raises ColumnTypeError: if answers and truth are of different kinds.
    :raises EmptyTableError: if there is no labelled row.
    """
    import numpy as np

    with transaction(connection):
        found = read_columns(connection, table)
        sure = [name for name in columns if Companions(name).confidence in found]
        names = dict.fromkeys((truth, *columns, *(Companions(name).confidence for name in sure)))
        infos = select_columns(table, found, names)
        rows = rows_of(table, infos.values()).subquery()

        def is_right(name: str) -> sa.ColumnElement[Any]:
            answer, actual = comparable((rows.c[name], infos[name]), (rows.c[truth], infos[truth]))
            return sa.case((answer == actual, 1), else_=0)

        confidences = [sa.cast(rows.c[Companions(name).confidence], sa.Double) for name in sure]
        query = sa.select(*map(is_right, columns), *confidences).where(rows.c[truth].is_not(None))
        parts = [np.array(part, dtype=float) for part in connection.execute(query).partitions(CHUNK)]
    if not parts:
        raise EmptyTableError(
            f"Table {table.full_name!r} has no row with a truth in column {truth!r}. Label some rows first."
        )
    grid = np.concatenate(parts)
    numbers = {name: grid[:, len(columns) + i] for i, name in enumerate(sure)}
    return Graded(
        table=table.full_name,
        right={name: grid[:, i] == 1 for i, name in enumerate(columns)},
        confidences={name: np.where((x >= 0) & (x <= 1), x, np.nan) for name, x in numbers.items()},
    )
