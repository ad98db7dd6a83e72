"""Edges between datasets that another source knows, laid over the graph for one walk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from airflow_provider_aiguard.core.lineage import Edge, EdgeKind, Node
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.walk import id_table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from airflow_provider_aiguard.store.walk import Way

edge = schema.lineage_edge.c
node = schema.lineage_node.c

Further = Mapping[tuple[int, int], Node]
"""The job by step, from where one stands to where it leads."""


def with_edges(
    conn: Connection, way: Way, subject: Node, also: Iterable[Edge], ids: Mapping[Node, int]
) -> tuple[Way, Further]:
    """Let a walk take edges of another source too, where no event says the same.

    Nobody knows which columns they are about: from a column one steps to the whole dataset.

    :param way: how to step.
    :param subject: where the walk starts.
    :param also: edges from dataset to dataset.
    :param ids: ids of all their nodes and of the subject.
    :returns: how to step now, and the steps that were added.
    """
    up = way.direction.is_upstream
    told = {(ids[one.source], ids[one.target]): one.job for one in also}
    known = _known(conn, {target for _, target in told})
    new = {pair: job for pair, job in told.items() if pair not in known}
    further = {(pair if not up else pair[::-1]): job for pair, job in new.items()}
    extra: dict[int, set[int]] = {}
    for here, there in further:
        extra.setdefault(here, set()).add(there)
    columns = {**_columns(conn, extra), ids[subject]: ids[subject.dataset]} if way.columns else {}
    of_columns = {column: extra[dataset] for column, dataset in columns.items() if dataset in extra}
    further |= {(c, there): further[columns[c], there] for c, some in of_columns.items() for there in some}
    return replace(way, extra={**extra, **of_columns}), further


def _known(conn: Connection, targets: Iterable[int]) -> set[tuple[int, int]]:
    wanted = id_table(conn, (one for one in targets if one > 0))
    kinds = [str(kind) for kind in (EdgeKind.DATA, EdgeKind.RENAME, EdgeKind.ALIAS)]
    query = sa.select(edge.source_id, edge.target_id).where(edge.target_id == wanted.c.value, edge.kind.in_(kinds))
    return {(source, target) for source, target in conn.execute(query)}


def _columns(conn: Connection, datasets: Iterable[int]) -> dict[int, int]:
    """Datasets by column."""
    wanted = id_table(conn, (one for one in datasets if one > 0))
    query = sa.select(node.id, node.dataset_id).where(node.dataset_id == wanted.c.value)
    return {row.id: row.dataset_id for row in conn.execute(query)}
