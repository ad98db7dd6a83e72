"""Walking the lineage graph one level at a time: the database steps, this side remembers where it has been.

A level is one statement over all nodes of the level before, so each edge is looked at once, whatever the number of
paths; cycles end by themselves. One recursive statement that also counts depth looks at an edge once a depth.

From a column one steps to columns. Where an event did not say which columns came from which, one steps to the dataset,
and stays among datasets from there: more is found than is true, and nothing is missed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql

from airflow_provider_aiguard.core.ancestry import Direction
from airflow_provider_aiguard.core.lineage import EdgeKind
from airflow_provider_aiguard.store import schema

Extra = Mapping[int, AbstractSet[int]]
"""Further steps, by node: edges another source knows. Nodes that the store does not know have negative ids."""

node = schema.lineage_node.c
edge = schema.lineage_edge.c

_NAMES = (EdgeKind.RENAME, EdgeKind.ALIAS)


@dataclass(frozen=True)
class Way:
    """How to step.

    :param direction: which way.
    :param columns: whether the walk starts at a column.
    :param as_of: only edges first seen until then; ``None`` for all.
    :param extra: further steps.
    """

    direction: Direction = Direction.UPSTREAM
    columns: bool = False
    as_of: datetime | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True)
class Walk:
    """Where a walk got.

    :param depths: the fewest steps to each node, in the order they were reached; the start has 0.
    :param pairs: each step taken, from where to where, in that order too. Where several edges say so, several times.
    :param unasked: the nodes it stopped at for its length.
    """

    depths: dict[int, int]
    pairs: list[tuple[int, int]]
    unasked: tuple[int, ...] = ()

    @cached_property
    def led_on(self) -> set[int]:
        """The nodes that lead to others. Any other one is an end, unless the walk stopped before it."""
        return {here for here, _ in self.pairs}


def walk(conn: Connection, start: int, way: Way, *, depth: int | None = None, limit: int | None = None) -> Walk:
    """Walk from a node until nothing new is found.

    :param start: id of the node to start at.
    :param way: how to step.
    :param depth: most steps.
    :param limit: stop before the next level once so many nodes were reached.
    """
    depths, pairs, level = {start: 0}, list[tuple[int, int]](), [start]
    while level:
        done = depths[level[0]]
        if done == depth or (limit is not None and len(depths) >= limit):
            return Walk(depths, pairs, tuple(level))
        taken = _next_pairs(conn, level, way)
        pairs += taken
        level = [there for there in dict.fromkeys(there for _, there in taken) if there not in depths]
        depths |= dict.fromkeys(level, done + 1)
    return Walk(depths, pairs)


def steps(conn: Connection, ids: Iterable[int], way: Way) -> list[sa.RowMapping]:
    """Give each step from some nodes: ``here``, ``there``, and the edge.

    :param ids: where to step from.
    :param way: how to step.
    """
    frontier = id_table(conn, ids)
    details = [edge[name] for name in ("kind", "job_id", "direct", "opaque", "complete", "last_run", "last_at")]
    queries = [
        sa.select(frontier.c.value.label("here"), there.label("there"), *details).where(*conditions)
        for there, conditions in _rules(frontier, way)
    ]
    return list(conn.execute(sa.union_all(*queries)).mappings())


def _next_pairs(conn: Connection, level: list[int], way: Way) -> list[tuple[int, int]]:
    frontier = id_table(conn, (one for one in level if one > 0))
    queries = [sa.select(frontier.c.value, there).where(*conditions) for there, conditions in _rules(frontier, way)]
    with conn.execute(sa.union_all(*queries)) as result:
        # The driver's own rows: there may be a million, and numbers need nothing that SQLAlchemy does to a row.
        pairs: list[Any] = [*result.cursor.fetchall()] if result.cursor else []
    return [*pairs, *((here, there) for here in level for there in way.extra.get(here, ()))] if way.extra else pairs


_Rule = tuple[sa.ColumnElement[Any], list[sa.ColumnElement[bool]]]


def _rules(frontier: sa.TableValuedAlias, way: Way) -> list[_Rule]:
    """Where a step leads, and the conditions of it: one rule a statement, so that each finds its index."""
    at, up = frontier.c.value, way.direction.is_upstream
    here, there = (edge.target_id, edge.source_id) if up else (edge.source_id, edge.target_id)
    seen = [] if way.as_of is None else [edge.first_at <= way.as_of]
    aside = EdgeKind.FILTER if up else EdgeKind.MODEL
    plain: _Rule = there, [here == at, edge.kind != str(aside), *seen]
    return [plain, *_column_rules(at, here, there, seen, up=up)] if way.columns else [plain]


def _column_rules(
    at: sa.ColumnElement[Any],
    here: sa.ColumnElement[int],
    there: sa.ColumnElement[int],
    seen: list[sa.ColumnElement[bool]],
    *,
    up: bool,
) -> list[_Rule]:
    """From a column by way of its dataset; and across names of the dataset, to the column of the same name."""
    column = schema.lineage_node.alias("here_column")
    through = [column.c.id == at, here == column.c.dataset_id, *seen]
    always, unless_told = (EdgeKind.FILTER, EdgeKind.WRITE) if up else (EdgeKind.READ, None)
    told = sa.or_(
        edge.kind == str(always),
        sa.and_(edge.opaque, edge.kind.in_([str(kind) for kind in (EdgeKind.DATA, unless_told) if kind])),
    )
    other = schema.lineage_node.alias("there_column")
    same = sa.select(other.c.id).where(other.c.dataset_id == there, other.c.name == column.c.name)
    named = sa.func.coalesce(same.limit(1).scalar_subquery(), there)
    return [(there, [*through, told]), (named, [*through, edge.kind.in_([str(kind) for kind in _NAMES])])]


def id_table(conn: Connection, ids: Iterable[int]) -> sa.TableValuedAlias:
    """Give many numbers as a table of one column, in one parameter: there is no limit to their number."""
    numbers = list(ids)
    if conn.dialect.name == "sqlite":
        return sa.func.json_each(json.dumps(numbers)).table_valued(sa.column("value", sa.Integer()), name="ids")
    # As text: an array would be bound number by number.
    text = sa.literal("{" + ",".join(map(str, numbers)) + "}", sa.Text())
    array = sa.cast(text, postgresql.ARRAY(sa.Integer()))
    return sa.func.unnest(array).table_valued(sa.column("value", sa.Integer()), name="ids").render_derived()
