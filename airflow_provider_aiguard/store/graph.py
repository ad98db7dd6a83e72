"""The lineage graph, asked: what stands behind a table or a column, and what was made of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from airflow_provider_aiguard.core.ancestry import Ancestor, Ancestry, Direction, Step, Trace
from airflow_provider_aiguard.core.errors import NotRecordedError
from airflow_provider_aiguard.core.lineage import (
    Edge,
    EdgeKind,
    Flow,
    Node,
    NodeKind,
    column_node,
    dataset_node,
    job_node,
)
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.database import Database
from airflow_provider_aiguard.store.flows import add_flow, digest_of, find_ids, label_of
from airflow_provider_aiguard.store.origins import latest_origins
from airflow_provider_aiguard.store.roots import roots_of
from airflow_provider_aiguard.store.second_source import Further, with_edges
from airflow_provider_aiguard.store.walk import Walk, Way, id_table, steps, walk

node = schema.lineage_node.c

_KINDS = {str(kind): kind for kind in NodeKind}


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

    def of_run(self, run_id: str, *, job: str = "", at: datetime | None = None) -> list[Edge]:
        """Give what events said about one run.

        An edge keeps its first run and its last. For a run between these, give job and time: what the job did before
        and after, it did then.

        :param run_id: the run in OpenLineage.
        :param job: name of its job.
        :param at: when it ended, with zone.
        """
        return self._database.read(lambda conn: _of_run(conn, run_id, job, at))

    def ancestors(self, subject: Node, *, as_of: datetime | None = None, also: Iterable[Edge] = ()) -> Ancestry:
        """Say all that stands behind a dataset or a column, and how much of that is known.

        Where events do not tell columns apart, whole datasets are named: too much rather than too little.

        :param subject: the dataset or the column.
        :param as_of: only what was seen until then; with zone.
        :param also: edges between datasets from another source, which are taken as well.
        :raises NotRecordedError: if no event and none of these edges names it.
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
        also: Iterable[Edge] = (),
    ) -> Trace:
        """Walk from a node and keep every step, to be shown.

        :param subject: where to start.
        :param direction: upstream or downstream.
        :param depth: most steps; ``None`` for no end.
        :param limit: go no level further once so many nodes were seen.
        :param as_of: see :meth:`ancestors`; ``also`` likewise.
        :raises NotRecordedError: if no event and none of the edges of ``also`` names it.
        """
        way = Way(direction=direction, columns=subject.kind is NodeKind.COLUMN, as_of=as_of)
        return self._database.read(lambda conn: _trace(conn, subject, way, (depth, limit), list(also)))


def _of_run(conn: Connection, run_id: str, job: str, at: datetime | None) -> list[Edge]:
    edge = schema.lineage_edge.c
    query = sa.select(schema.lineage_edge).where(sa.or_(edge.first_run == run_id, edge.last_run == run_id))
    rows = conn.execute(query).mappings().all() if run_id else []
    if not rows and job and at is not None:
        jobs = sa.select(node.id).where(
            node.kind == str(NodeKind.JOB), node.label == label_of(job_node("", job)), node.name == job
        )
        query = sa.select(schema.lineage_edge).where(edge.job_id.in_(jobs), edge.first_at <= at, edge.last_at >= at)
        rows = conn.execute(query).mappings().all()
    nodes = _nodes(conn, {row[name] for row in rows for name in ("source_id", "target_id", "job_id")}, {})
    made = (
        Edge(
            nodes[row["source_id"]],
            nodes[row["target_id"]],
            nodes[row["job_id"]],
            EdgeKind(row["kind"]),
            direct=row["direct"],
            opaque=row["opaque"],
        )
        for row in rows
    )
    return sorted(made, key=lambda one: (one.source, one.target, one.kind))


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
    query = sa.select(node.id, node.namespace, node.name).where(
        node.label == label_of(dataset_node("", words)), node.kind == str(NodeKind.DATASET)
    )
    if namespace is not None:
        query = query.where(node.namespace == namespace)
    found = {row.id: dataset_node(row.namespace, row.name) for row in conn.execute(query)}
    exact = {number: one for number, one in found.items() if one.name == words}
    ending = {number: one for number, one in found.items() if one.name.endswith(f".{words}")}
    return dict(sorted((exact or ending).items(), key=lambda item: item[1]))


def _ancestry(conn: Connection, subject: Node, as_of: datetime | None, also: Collection[Edge]) -> Ancestry:
    ids = _ids_of(conn, subject, also)
    way, _ = with_edges(conn, Way(columns=subject.kind is NodeKind.COLUMN, as_of=as_of), subject, also, ids)
    start = ids[subject]
    found = walk(conn, start, way)
    nodes = _nodes(conn, found.depths, ids)
    origins = latest_origins(conn, found.depths, as_of)
    in_circle = any(start == there for _, there in found.pairs)
    behind = (one for one in found.depths if one != start or in_circle)
    ancestors = (Ancestor(nodes[one], found.depths[one], origins.get(one)) for one in behind)
    nearest_first = tuple(sorted(ancestors, key=lambda one: (one.depth, *one.node.words)))
    return Ancestry(subject=subject, ancestors=nearest_first, roots=roots_of(conn, found, nodes, origins, as_of))


def _trace(
    conn: Connection, subject: Node, way: Way, most: tuple[int | None, int | None], also: Collection[Edge]
) -> Trace:
    ids = _ids_of(conn, subject, also)
    way, further = with_edges(conn, way, subject, also, ids)
    found = walk(conn, ids[subject], way, depth=most[0], limit=most[1])
    rows = steps(conn, found.led_on, way)
    nodes = _nodes(conn, {*found.depths, *(row["job_id"] for row in rows)}, ids)
    taken: dict[Node, list[Step]] = {}
    for step in [*(_step(row, nodes) for row in rows), *_other_steps(further, found, nodes)]:
        taken.setdefault(step.here, []).append(step)
    origins = {nodes[one]: said for one, said in latest_origins(conn, found.depths, way.as_of).items()}
    return Trace(
        subject=subject,
        direction=way.direction,
        steps={here: tuple(sorted(some, key=lambda s: (s.there, s.kind, s.job))) for here, some in taken.items()},
        origins=origins,
        unasked=frozenset(nodes[one] for one in found.unasked),
    )


def _other_steps(further: Further, found: Walk, nodes: Mapping[int, Node]) -> Iterator[Step]:
    for (here, there), job in further.items():
        if here in found.led_on:
            yield Step(
                here=nodes[here], there=nodes[there], job=job, kind=EdgeKind.DATA, direct=True, opaque=True,
                complete=False, last_run="", last_at=None,
            )  # fmt: skip


def _step(row: sa.RowMapping, nodes: Mapping[int, Node]) -> Step:
    return Step(
        here=nodes[row["here"]],
        there=nodes[row["there"]],
        kind=EdgeKind(row["kind"]),
        job=nodes[row["job_id"]],
        **{name: row[name] for name in ("direct", "opaque", "complete", "last_run", "last_at")},
    )


def _ids_of(conn: Connection, subject: Node, also: Collection[Edge]) -> dict[Node, int]:
    """Ids of all nodes concerned. Those that only another source knows get negative ones."""
    others = {node for edge in also for node in (edge.source, edge.target)}
    digests = {digest_of(one): one for one in {subject, subject.dataset, *others}}
    known = find_ids(conn, digests)
    ids = {digests[digest]: number for digest, number in known.items()}
    if subject not in ids and subject.dataset not in others:
        raise NotRecordedError(
            f"No lineage event names the {subject.kind} {str(subject)!r} in {subject.namespace!r}. Names are those of "
            "events; a table that no task has read or written yet is not known."
        )
    return ids | {one: -position for position, one in enumerate(sorted({*digests.values()} - ids.keys()), 1)}


def _nodes(conn: Connection, ids: Collection[int], known: Mapping[Node, int]) -> dict[int, Node]:
    """Nodes by id; ``known`` are those that need not be read."""
    wanted = id_table(conn, (one for one in ids if one > 0))
    query = sa.select(node.id, node.kind, node.dataset_id, node.namespace, node.name)
    rows = conn.execute(query.join_from(wanted, schema.lineage_node, node.id == wanted.c.value)).all()
    owners = _names_of(conn, {dataset_id for _, _, dataset_id, *_ in rows if dataset_id is not None})
    found = {number: one for one, number in known.items() if number in ids and number < 0}
    for number, kind, dataset_id, namespace, name in rows:
        whole = (namespace, name) if dataset_id is None else (*owners[dataset_id], name)
        found[number] = Node(_KINDS[kind], *whole)
    return found


def _names_of(conn: Connection, datasets: Collection[int]) -> dict[int, tuple[str, str]]:
    wanted = id_table(conn, datasets)
    query = sa.select(node.id, node.namespace, node.name)
    query = query.join_from(wanted, schema.lineage_node, node.id == wanted.c.value)
    return {number: (namespace, name) for number, namespace, name in conn.execute(query)} if datasets else {}
