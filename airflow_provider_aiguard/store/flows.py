"""Writing what one event says into the lineage graph: the same event twice changes nothing, and order does not matter.

An edge is one row, however many runs confirm it: its first run and its last are kept. So is what a job says of where
values came from, until it says another thing. Everybody writes rows in one order, so that events of many tasks at once
wait for each other in turn and never in a circle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Connection

from airflow_provider_aiguard.core.lineage import Edge, Flow, Node, NodeKind
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.database import insert_into

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

    Insert = sqlite.Insert | postgresql.Insert

MAX_NAME = 1000
"""Characters of a name that are kept to be shown. A node is recognised by all of them."""

MAX_LABEL = 200

_AT_ONCE = 500

node = schema.lineage_node.c
edge = schema.lineage_edge.c
origin = schema.lineage_origin.c

_EDGE_KEY = ["target_id", "source_id", "job_id", "kind"]
_ORIGIN_KEY = ["node_id", "job_id", "claim"]


def add_flow(conn: Connection, flow: Flow) -> None:
    """Write nodes, edges and origins of one event, in the caller's transaction.

    :param flow: what the event says.
    """
    ids = _node_ids(conn, {n for e in flow.edges for n in (e.source, e.target)} | {flow.job} | set(flow.origins))
    edges = sorted((_edge_row(e, flow, ids) for e in flow.edges), key=lambda row: [row[name] for name in _EDGE_KEY])
    if edges:
        conn.execute(_edge_upsert(insert_into(conn, schema.lineage_edge)), edges)
    origins = sorted(_origin_rows(flow, ids), key=lambda row: row["node_id"])
    if origins:
        conn.execute(_origin_upsert(insert_into(conn, schema.lineage_origin)), origins)


def digest_of(one: Node) -> str:
    """Digest that a node is recognised by, however long its names are."""
    return _digest(str(one.kind), one.namespace, one.name, one.column)


def _digest(*parts: str) -> str:
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def label_of(one: Node) -> str:
    """What a node is looked up by: of a dataset what follows the last dot, the bare name of a table; a job's name."""
    name = one.name if one.kind is NodeKind.JOB else one.name.rpartition(".")[2]
    return name[:MAX_LABEL]


def find_ids(conn: Connection, digests: Iterable[str]) -> dict[str, int]:
    """Ids of known nodes by digest."""
    wanted = sorted(digests)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        query = sa.select(node.digest, node.id).where(node.digest.in_(wanted[start : start + _AT_ONCE]))
        found |= {row.digest: row.id for row in conn.execute(query)}
    return found


def _node_ids(conn: Connection, nodes: set[Node]) -> dict[Node, int]:
    """Ids of nodes, which are made if they are new. Columns come second: they name their dataset."""
    whole = {n for n in nodes if n.kind is not NodeKind.COLUMN} | {n.dataset for n in nodes if n.column}
    ids = _known_or_made(conn, {n: _node_row(n) for n in whole})
    columns = {n: _node_row(n, ids[n.dataset]) for n in nodes if n.kind is NodeKind.COLUMN}
    return ids | _known_or_made(conn, columns)


def _known_or_made(conn: Connection, rows: Mapping[Node, dict[str, Any]]) -> dict[Node, int]:
    digests = {row["digest"]: one for one, row in rows.items()}
    found = find_ids(conn, digests)
    # Only the missing ones are inserted: an insert that meets its row uses up an id.
    new = sorted((row for row in rows.values() if row["digest"] not in found), key=lambda row: row["digest"])
    if new:
        conn.execute(insert_into(conn, schema.lineage_node).on_conflict_do_nothing(index_elements=["digest"]), new)
        found |= find_ids(conn, [row["digest"] for row in new])
    return {digests[digest]: number for digest, number in found.items()}


def _node_row(one: Node, dataset_id: int | None = None) -> dict[str, Any]:
    is_column = dataset_id is not None
    return {
        "kind": str(one.kind),
        "dataset_id": dataset_id,
        "namespace": "" if is_column else one.namespace[:MAX_NAME],
        "name": (one.column if is_column else one.name)[:MAX_NAME],
        "label": None if is_column else label_of(one),
        "digest": digest_of(one),
    }


def _edge_row(one: Edge, flow: Flow, ids: Mapping[Node, int]) -> dict[str, Any]:
    return {
        "target_id": ids[one.target],
        "source_id": ids[one.source],
        "job_id": ids[one.job],
        "kind": str(one.kind),
        "direct": one.direct,
        "opaque": one.opaque,
        "complete": flow.complete,
        "first_run": flow.run_id,
        "first_at": flow.at,
        "last_run": flow.run_id,
        "last_at": flow.at,
    }


def _edge_upsert(insert: Insert) -> Insert:
    """Keep the earliest event that said so, and the latest; a COMPLETE event is later than any other."""
    new = insert.excluded
    later = _after(new, edge, ["complete", "last_at", "last_run", "opaque"])
    earlier = _after(edge, new, ["first_at", "first_run"])
    change = {
        **{name: sa.case((later, new[name]), else_=edge[name]) for name in ("last_run", "last_at", "opaque")},
        **{name: sa.case((earlier, new[name]), else_=edge[name]) for name in ("first_run", "first_at")},
        **{name: sa.or_(edge[name], new[name]) for name in ("complete", "direct")},
    }
    worth = sa.or_(later, earlier, sa.and_(new.direct, ~edge.direct))
    return insert.on_conflict_do_update(index_elements=_EDGE_KEY, set_=change, where=worth)


def _origin_rows(flow: Flow, ids: Mapping[Node, int]) -> list[dict[str, Any]]:
    return [
        {
            "node_id": ids[one],
            "job_id": ids[flow.job],
            "claim": _digest(found.origin, found.model, found.model_version),
            "origin": found.origin,
            "run_id": found.run_id,
            "model": found.model[:MAX_NAME],
            "model_version": found.model_version[:MAX_NAME],
            "confidence": found.confidence,
            "ai_share": found.ai_share,
            "first_at": flow.at,
            "last_run": flow.run_id,
            "last_at": flow.at,
        }
        for one, found in flow.origins.items()
    ]


def _origin_upsert(insert: Insert) -> Insert:
    """Keep when a job first said so, and all of the last time."""
    new = insert.excluded
    later, earlier = _after(new, origin, ["last_at", "last_run", "run_id"]), new.first_at < origin.first_at
    last = [column.name for column in origin if column.name not in (*_ORIGIN_KEY, "first_at")]
    change = {name: sa.case((later, new[name]), else_=origin[name]) for name in last}
    change["first_at"] = sa.case((earlier, new.first_at), else_=origin.first_at)
    return insert.on_conflict_do_update(index_elements=_ORIGIN_KEY, set_=change, where=sa.or_(later, earlier))


def _after(one: Any, other: Any, names: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.tuple_(*(one[name] for name in names)) > sa.tuple_(*(other[name] for name in names))
