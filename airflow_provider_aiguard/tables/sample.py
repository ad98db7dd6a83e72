"""A seeded sample of rows: the same rows of the same table every time, in any database."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pandas as pd

from airflow_provider_aiguard.tables.reader import read_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from airflow_provider_aiguard.core.table import Table

log = logging.getLogger(__name__)

CHUNK = 50_000
"""Rows read at a time."""

_HASH = "aiguard__hash"


def sample_rows(
    connection: sa.Connection, table: Table, columns: Sequence[str], *, rows: int, seed: int, present: str
) -> pd.DataFrame:
    """Draw rows at random by their key: those with the lowest hashes.

    All rows are read, a chunk at a time; memory holds the sample and a chunk.

    :param connection: where the table is; the caller owns it.
    :param table: the rows; needs a key.
    :param columns: columns to return, in this order.
    :param rows: how many; all if the table has fewer.
    :param seed: another one draws other rows.
    :param present: a column of ``columns``; rows where it is NULL are left out.
    :return: index 0..n-1, in an order that is as random as the choice.
    :raises TableKeyError: if a key is NULL or repeated.
    :raises TableNotFoundError: if the table or a column does not exist.
    """
    keys, read = list(table.require_key()), 0
    hash_key = f"aiguard{seed:09d}"[-16:].rjust(16, "0")
    kept: pd.DataFrame | None = None
    for chunk in read_chunks(connection, table, columns, chunk_size=CHUNK):
        read += len(chunk)
        known = chunk[chunk[present].notna()]
        hashes = pd.util.hash_pandas_object(known[keys].astype("str"), index=False, hash_key=hash_key)
        known = known[list(columns)].assign(**{_HASH: hashes})
        kept = known if kept is None else pd.concat([kept, known])
        kept = kept.nsmallest(rows, _HASH)
        log.info("Read %d rows of %s, %d in the sample", read, table.full_name, len(kept))
    if kept is None:
        return pd.DataFrame(columns=list(columns))
    return kept.sort_values(_HASH).drop(columns=_HASH).reset_index(drop=True)
