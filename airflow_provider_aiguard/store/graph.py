"""The lineage graph, asked: what stands behind a table or a column, and what was made of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from airflow_provider_aiguard.core.ancestry import Ancestor, Ancestry, Direction, Step, Trace
from airflow_provider_aiguard.core.errors import NotRecordedError
from airflow_provider_aiguard.core.lineage import EdgeKind, Flow, Node, NodeKind, column_node, dataset_node
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.database import Database
from airflow_provider_aiguard.store.flows import add_flow, digest_of, find_ids, label_of
from airflow_provider_aiguard.store.origins import latest_origins
from airflow_provider_aiguard.store.roots import roots_of
from airflow_provider_aiguard.store.walk import Way, id_table, steps, walk

Pair = tuple[Node, Node]
"""From a dataset to one that was made of it, as another source knows it."""

node = schema.lineage_node.c


class Graph:
    """What came from what, as the events of all operators say."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, flow: Flow) -> None:
        """Keep what an event says.

        :param flow: the event, as :func:`airflow_provider_aiguard.lineage.edges.edges_of` reads it.
        """
        self._database.write(lambda conn: add_flow(conn, flow))

    def find(self, words: str, *, namespace: str | None = None) -> list[Node]:
        """Find what a person may mean: a dataset by its name or its end, or ``dataset.column``.

        :param words: such as ``flights``, ``main.flights`` or ``flights.late``. A dataset comes before a column.
        :param namespace: only there.
        :returns: all candidates; an exact name comes alone.
        """
        return self._database.read(lambda conn: _find(conn, words, namespace))

    def ancestors(self, subject: Node, *, as_of: datetime | None = None, also: Iterable[Pair] = ()) -> Ancestry:
        """Say all that stands behind a dataset or a column, and how much of that is known.

        Where events do not tell columns apart, whole datasets are named: too much rather than too little.

        :param subject: the dataset or the column.
        :param as_of: only what was seen until then; with zone.
        :param also: pairs from another source, which are taken as well.
        :raises NotRecordedError: if no event and no pair names it.
        """
        return self._database.read(lambda conn: _ancestry(conn, subject, as_of, list(also)))

    def trace(
        self,
        subject: Node,
        direction: Direction,
        *,
        depth: int | None = None,
        limit: int | None = None,
        as_of: datetime | None = None,
    ) -> Trace:
        """Walk from a node and keep every step, to be shown.

        :param subject: where to start.
        :param direction: upstream or downstream.
        :param depth: most steps; ``None`` for no end.
        :param limit: go no level further once so many nodes were seen.
        :param as_of: see :meth:`ancestors`.
        :raises NotRecordedError: if no event names it.
        """
        way = Way(direction=direction, columns=subject.kind is NodeKind.COLUMN, as_of=as_of)
        return self._database.read(lambda conn: _trace(conn, subject, way, depth, limit))


def _find(conn: Connection, words: str, namespace: str | None) -> list[Node]:
    datasets = _datasets_named(conn, words, namespace)
    if datasets:
        return list(datasets.values())
    for position in (at for at in reversed(range(len(words))) if words[at] == "."):
        column = words[position + 1 :]
        owners = _datasets_named(conn, words[:position], namespace)
        query = sa.select(node.dataset_id).where(node.dataset_id.in_(owners), node.name == column)
        found = [column_node(owners[owner], column) for owner in conn.scalars(query)]
        if found:
            return sorted(found)
    return []


def _datasets_named(conn: Connection, words: str, namespace: str | None) -> dict[int, Node]:
    query = sa.select(node.id, node.namespace, node.name).where(node.label == label_of(words))
    if namespace is not None:
        query = query.where(node.namespace == namespace)
    found = {row.id: dataset_node(row.namespace, row.name) for row in conn.execute(query)}
    exact = {number: one for number, one in found.items() if one.name == words}
    ending = {number: one for number, one in found.items() if one.name.endswith(f".{words}")}
    return dict(sorted((exact or ending).items(), key=lambda item: item[1]))


def _ancestry(conn: Connection, subject: Node, as_of: datetime | None, also: Collection[Pair]) -> Ancestry:
    ids = _ids_of(conn, {subject, *(one for pair in also for one in pair)}, made=bool(also))
    start = _start(ids, subject)
    extra: dict[int, set[int]] = {}
    for source, target in also:
        extra.setdefault(ids[target], set()).add(ids[source])
    found = walk(conn, start, Way(columns=subject.kind is NodeKind.COLUMN, as_of=as_of, extra=extra))
    nodes = _nodes(conn, found.depths) | {number: one for one, number in ids.items() if number in found.depths}
    origins = latest_origins(conn, found.depths)
    in_circle = any(start in onward for onward in found.onward.values())
    behind = (one for one in found.depths if one != start or in_circle)
    ancestors = (Ancestor(nodes[one], found.depths[one], origins.get(one)) for one in behind)
    nearest_first = tuple(sorted(ancestors, key=lambda one: (one.depth, one.node)))
    return Ancestry(subject=subject, ancestors=nearest_first, roots=roots_of(conn, found, nodes, origins))


def _trace(conn: Connection, subject: Node, way: Way, depth: int | None, limit: int | None) -> Trace:
    found = walk(conn, _start(_ids_of(conn, {subject}), subject), way, depth=depth, limit=limit)
    rows = steps(conn, found.onward, way)
    nodes = _nodes(conn, {*found.depths, *(row["job_id"] for row in rows)})
    taken: dict[Node, list[Step]] = {}
    for row in rows:
        step = _step(row, nodes)
        taken.setdefault(step.here, []).append(step)
    origins = {nodes[one]: said for one, said in latest_origins(conn, found.depths).items()}
    ordered = {here: tuple(sorted(some, key=lambda s: (s.there, s.kind, s.job))) for here, some in taken.items()}
    return Trace(subject=subject, direction=way.direction, steps=ordered, origins=origins, whole=found.whole)


def _step(row: sa.RowMapping, nodes: Mapping[int, Node]) -> Step:
    return Step(
        here=nodes[row["here"]],
        there=nodes[row["there"]],
        kind=EdgeKind(row["kind"]),
        job=nodes[row["job_id"]],
        **{name: row[name] for name in ("direct", "opaque", "complete", "last_run", "last_at")},
    )


def _ids_of(conn: Connection, nodes: Collection[Node], *, made: bool = False) -> dict[Node, int]:
    """Ids of nodes; those the store does not know get negative ones, or are left out."""
    digests = {digest_of(one): one for one in nodes}
    known = find_ids(conn, digests)
    unknown = [one for digest, one in sorted(digests.items()) if digest not in known]
    ids = {digests[digest]: number for digest, number in known.items()}
    return ids | ({one: -position for position, one in enumerate(unknown, 1)} if made else {})


def _start(ids: Mapping[Node, int], subject: Node) -> int:
    if subject not in ids:
        raise NotRecordedError(
            f"No lineage event names the {subject.kind} {str(subject)!r} in {subject.namespace!r}. Names are those of "
            "events; a table that no task of Airflow has read or written yet is not known."
        )
    return ids[subject]


def _nodes(conn: Connection, ids: Iterable[int]) -> dict[int, Node]:
    wanted, owner = id_table(conn, (one for one in ids if one > 0)), schema.lineage_node.alias("owner")
    query = sa.select(node.id, node.kind, node.namespace, node.name, owner.c.namespace, owner.c.name)
    query = query.join_from(wanted, schema.lineage_node, node.id == wanted.c.value)
    query = query.outerjoin(owner, owner.c.id == node.dataset_id)
    found = {}
    for number, kind, namespace, name, of_namespace, of_name in conn.execute(query):
        is_column = of_name is not None
        whole = (of_namespace, of_name, name) if is_column else (namespace, name)
        found[number] = Node(NodeKind(kind), *whole)
    return found
