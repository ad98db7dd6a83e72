"""Where a walk upstream ends: nodes behind which nothing is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from airflow_provider_aiguard.core.ancestry import Root
from airflow_provider_aiguard.core.lineage import EdgeKind, Node, NodeKind, Origin
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.origins import origins_by_job
from airflow_provider_aiguard.store.walk import id_table

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from airflow_provider_aiguard.store.walk import Walk


def roots_of(
    conn: Connection, walk: Walk, nodes: Mapping[int, Node], origins: Mapping[int, Origin], as_of: datetime | None
) -> tuple[Root, ...]:
    """Say where a whole walk upstream ended, and what is known about each such place.

    :param walk: the walk.
    :param nodes: its nodes by id.
    :param origins: what runs said they wrote, by id.
    :param as_of: only what was seen until then; with zone.
    """
    ends = [one for one in walk.depths if one not in walk.led_on]
    by_kind = {kind: [one for one in ends if nodes[one].kind is kind] for kind in NodeKind}
    wrote = origins_by_job(conn, by_kind[NodeKind.JOB], walk.depths, as_of)
    written = _written_columns(conn, by_kind[NodeKind.COLUMN], as_of)
    roots = [
        *(Root(nodes[one], _common(wrote.get(one, [])), recorded=True) for one in by_kind[NodeKind.JOB]),
        *(Root(nodes[one], origins.get(one), one in written or one in origins) for one in by_kind[NodeKind.COLUMN]),
        *(Root(nodes[one], origins.get(one), one in origins) for one in by_kind[NodeKind.DATASET]),
        *(Root(nodes[one], origins.get(one)) for one in closed_circles(walk.depths, walk.pairs)),
    ]
    return tuple(sorted(roots, key=lambda root: root.node.words))


def closed_circles(nodes: Collection[int], pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Find the nodes that only lead to each other: nobody knows what came into their circle first.

    :param nodes: all nodes.
    :param pairs: from where to where each leads; one that leads nowhere is an end and in no circle.
    """
    grounded = set(nodes).difference(here for here, _ in pairs)
    # As walked: what comes later leads on from what came before, so that one look back mostly reaches all.
    for here, there in reversed(pairs):
        if there in grounded:
            grounded.add(here)
    if grounded.issuperset(nodes):
        return []
    onward, back = _by_first(pairs), _by_first((there, here) for here, there in pairs)
    grounded = set(_reached(back, grounded))
    return [one for circle in _circles(set(nodes) - grounded, onward, back) for one in circle]


def _by_first(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for one, other in pairs:
        found.setdefault(one, []).append(other)
    return found


def _circles(
    rest: set[int], onward: Mapping[int, Iterable[int]], back: Mapping[int, Iterable[int]]
) -> Iterator[list[int]]:
    while rest:
        one = next(iter(rest))
        while True:
            circle, leading = _reached(onward, [one]), _reached(back, [one])
            beyond = [other for other in circle if other not in leading]
            if not beyond:
                break
            one = beyond[-1]
        yield list(circle)
        rest -= leading.keys()


def _reached(edges: Mapping[int, Iterable[int]], starts: Iterable[int]) -> dict[int, None]:
    seen = dict.fromkeys(starts)
    level = list(seen)
    while level:
        found = dict.fromkeys(there for here in level for there in edges.get(here, ()) if there not in seen)
        seen |= found
        level = list(found)
    return seen


def _common(origins: Iterable[Origin]) -> Origin | None:
    """What all say; of several facts, one."""
    said = list(origins)
    alike = len({one.origin for one in said}) == 1 or all(one.is_fact for one in said)
    return said[0] if said and alike else None


def _written_columns(conn: Connection, columns: list[int], as_of: datetime | None) -> set[int]:
    """Those columns whose dataset some event says was written."""
    wanted, column, edge = id_table(conn, columns), schema.lineage_node.alias("column"), schema.lineage_edge.c
    query = sa.select(wanted.c.value).join_from(wanted, column, column.c.id == wanted.c.value)
    into = sa.exists().where(edge.target_id == column.c.dataset_id, edge.kind.in_([EdgeKind.DATA, EdgeKind.WRITE]))
    if as_of is not None:
        into = into.where(edge.first_at <= as_of)
    return set(conn.scalars(query.where(into)))
