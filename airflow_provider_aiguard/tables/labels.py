"""The labels of one row: what its companion columns hold. Its values are not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import NotRecordedError, TableKeyError, TableNotFoundError
from airflow_provider_aiguard.core.provenance import Companions, Label
from airflow_provider_aiguard.tables.columns import condition, read_columns, select_columns, sql_table
from airflow_provider_aiguard.tables.connection import transaction

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.table import Table


def read_labels(conn: sa.Connection, table: Table, key: Mapping[str, str]) -> dict[str, Label]:
    """Read the label of every AI-touched cell of one row, by column.

    :param table: where the row is.
    :param key: the columns that identify it, with their values as text.
    :raises TableNotFoundError: if there is no such table or column, or no column of it has companions.
    :raises NotRecordedError: if no row has this key.
    :raises TableKeyError: if several rows have it.
    """
    found = read_columns(conn, table)
    identifying = select_columns(table, found, key)
    touched = [name for name in found if {*Companions(name).names} <= found.keys()]
    if not touched:
        raise TableNotFoundError(
            f"Table {table.full_name!r} has no AI-touched column: none with the companions …__provenance, "
            "…__confidence and …__run. Name the table that an AI step wrote."
        )
    companions = [name for column in touched for name in Companions(column).names]
    clause = sql_table(table, [*companions, *identifying])
    # Untyped: such a parameter takes the type of the column it meets.
    values = {name: sa.bindparam(None, value, type_=sa.types.NullType(), unique=True) for name, value in key.items()}
    query = sa.select(*(clause.c[name] for name in companions)).where(condition(table))
    query = query.where(*(clause.c[name] == value for name, value in values.items())).limit(2)
    with transaction(conn):
        rows = conn.execute(query).all()
    _check_count(table, key, len(rows))
    triples = iter(rows[0])
    return {column: _label(*(next(triples) for _ in range(3))) for column in touched}


def _check_count(table: Table, key: Mapping[str, str], count: int) -> None:
    columns = ", ".join(key)
    if not count:
        raise NotRecordedError(
            f"Table {table.full_name!r} has no row with that value of {columns}. Check the key, and where the table is."
        )
    if count > 1:
        raise TableKeyError(
            f"Several rows of table {table.full_name!r} have that value of {columns}. A row is named by all columns of "
            "its key: give them all."
        )


def _label(provenance: object, confidence: object, run_id: object) -> Label:
    return Label(
        provenance=None if provenance is None else str(provenance),
        confidence=None if confidence is None else float(str(confidence)),
        run_id=None if run_id is None else str(run_id),
    )
