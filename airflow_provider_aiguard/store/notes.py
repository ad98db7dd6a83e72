"""Notes on datasets: what its last writer said of each, and what each job that checked it found."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from airflow_provider_aiguard.core.lineage import Node, job_node
from airflow_provider_aiguard.core.notes import Note
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.database import Database, insert_into
from airflow_provider_aiguard.store.flows import digest_of
from airflow_provider_aiguard.store.identity import aware

note = schema.lineage_note.c

_LAST_WRITER = ""


class Notes:
    """What was said of datasets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, datasets: Iterable[Node]) -> list[Note]:
        """Give the notes on some datasets. What was checked before the last write is no longer said.

        :param datasets: the datasets.
        """
        asked = {digest_of(dataset): dataset for dataset in datasets}
        if not asked:
            return []
        query = sa.select(schema.lineage_note).where(note.about.in_(asked)).order_by(note.about, note.by)
        rows = self._database.read(lambda conn: conn.execute(query).all())
        written = {row.about: row.at for row in rows if row.by == _LAST_WRITER}
        return [
            Note(asked[row.about], job_node(row.job_namespace, row.job_name) if row.by else None, row.at, row.said)
            for row in rows
            if row.by == _LAST_WRITER or row.at >= written.get(row.about, row.at)
        ]

    def prune(self, before: datetime) -> int:
        """Forget what jobs found before a time; return how much. What a writer said stays: it is repeated for good.

        :param before: with zone.
        """
        old = sa.and_(note.by != _LAST_WRITER, note.at < aware(before, what="before"))
        return self._database.write(lambda conn: conn.execute(sa.delete(schema.lineage_note).where(old)).rowcount)


def add_notes(conn: Connection, notes: Iterable[Note]) -> None:
    """Keep notes, in the caller's transaction. A newer one replaces an older one, in whatever order they come.

    :param notes: what to keep.
    """
    rows = [
        {
            "about": digest_of(one.about),
            "by": digest_of(one.by) if one.by else _LAST_WRITER,
            "job_namespace": one.by.namespace if one.by else "",
            "job_name": one.by.name if one.by else "",
            "at": one.at,
            "said": dict(one.said),
        }
        for one in notes
    ]
    if not rows:
        return
    new = insert_into(conn, schema.lineage_note)
    replaced = {"at": new.excluded.at, "said": new.excluded.said}
    upsert = new.on_conflict_do_update(index_elements=["about", "by"], set_=replaced, where=note.at <= new.excluded.at)
    # Everybody writes in one order, so that nobody waits in a circle.
    conn.execute(upsert, sorted(rows, key=lambda row: (row["about"], row["by"])))
