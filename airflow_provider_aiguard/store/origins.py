"""Where values came from, as the runs that wrote them said.

Each different claim of a job is one row, with when it was first made and when last. Of a moment between the two it is
not known whether another claim came after it: then the least trusted of all that may have been the last is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

import sqlalchemy as sa

from airflow_provider_aiguard.core.lineage import Origin
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.walk import id_table

if TYPE_CHECKING:
    from sqlalchemy import Connection

row = schema.lineage_origin.c

_NAMES = ("origin", "run_id", "model", "model_version", "confidence", "ai_share")


@dataclass(frozen=True)
class _Claim:
    node_id: int
    job_id: int
    first_at: datetime
    last_at: datetime
    said: Origin


def latest_origins(conn: Connection, ids: Iterable[int], as_of: datetime | None) -> dict[int, Origin]:
    """Give what the run said that wrote last, of whatever job, by node.

    :param ids: nodes.
    :param as_of: the last until then; ``None`` for the last. With zone.
    """
    claims = groupby(_claims(conn, ids, as_of), lambda one: one.node_id)
    return {node_id: _last(list(some), as_of) for node_id, some in claims}


def origins_by_job(
    conn: Connection, jobs: Iterable[int], ids: Iterable[int], as_of: datetime | None
) -> dict[int, list[Origin]]:
    """Give what the last runs of some jobs said about the nodes they wrote, by job.

    :param jobs: the jobs.
    :param ids: nodes.
    :param as_of: see :func:`latest_origins`.
    """
    wanted, by_write = set(jobs), dict[tuple[int, int], list[_Claim]]()
    for claim in _claims(conn, ids, as_of) if wanted else ():
        if claim.job_id in wanted:
            by_write.setdefault((claim.job_id, claim.node_id), []).append(claim)
    found: dict[int, list[Origin]] = {}
    for (job_id, _), claims in by_write.items():
        found.setdefault(job_id, []).append(_last(claims, as_of))
    return found


def _claims(conn: Connection, ids: Iterable[int], as_of: datetime | None) -> list[_Claim]:
    """Claims by node, the last one last."""
    wanted = id_table(conn, (one for one in ids if one > 0))
    query = sa.select(row.node_id, row.job_id, row.first_at, row.last_at, *(row[name] for name in _NAMES))
    query = query.join_from(wanted, schema.lineage_origin, row.node_id == wanted.c.value)
    if as_of is not None:
        query = query.where(row.first_at <= as_of)
    query = query.order_by(row.node_id, row.last_at, row.last_run, row.job_id, row.run_id, row.claim)
    return [
        _Claim(node_id, job_id, first_at, last_at, Origin(**dict(zip(_NAMES, said, strict=True))))
        for node_id, job_id, first_at, last_at, *said in conn.execute(query)
    ]


def _last(claims: Sequence[_Claim], as_of: datetime | None) -> Origin:
    made_again = [one for one in claims if as_of is not None and one.last_at > as_of]
    if not made_again:
        return claims[-1].said
    since = max(one.first_at for one in made_again)
    before = [one.said for one in claims if since <= one.last_at and one not in made_again]
    # Run, confidence and share are those of a later run.
    again = [
        Origin(origin=s.origin, model=s.model, model_version=s.model_version) for s in (c.said for c in made_again)
    ]
    return min([*before[-1:], *again], key=lambda said: (said.is_fact, not said.model))
