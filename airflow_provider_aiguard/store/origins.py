"""Where values came from, as the runs that wrote them said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import sqlalchemy as sa

from airflow_provider_aiguard.core.lineage import Origin
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.walk import id_table

if TYPE_CHECKING:
    from sqlalchemy import Connection

row = schema.lineage_origin.c

_NAMES = ("origin", "run_id", "model", "model_version", "confidence", "ai_share")


def latest_origins(conn: Connection, ids: Iterable[int]) -> dict[int, Origin]:
    """Give what the run said that wrote last, of whatever job, by node.

    :param ids: nodes.
    """
    return {node_id: found for node_id, _, found in _origins(conn, ids)}


def origins_by_job(conn: Connection, jobs: Iterable[int], ids: Iterable[int]) -> dict[int, list[Origin]]:
    """Give what the last runs of some jobs said about the nodes they wrote, by job.

    :param jobs: the jobs.
    :param ids: nodes.
    """
    wanted, found = set(jobs), dict[int, list[Origin]]()
    for _, job_id, said in _origins(conn, ids) if wanted else ():
        if job_id in wanted:
            found.setdefault(job_id, []).append(said)
    return found


def _origins(conn: Connection, ids: Iterable[int]) -> list[tuple[int, int, Origin]]:
    wanted = id_table(conn, (one for one in ids if one > 0))
    query = sa.select(row.node_id, row.job_id, *(row[name] for name in _NAMES))
    query = query.join_from(wanted, schema.lineage_origin, row.node_id == wanted.c.value)
    rows = conn.execute(query.order_by(row.last_at, row.last_run, row.job_id))
    return [(node_id, job_id, Origin(**dict(zip(_NAMES, rest, strict=True)))) for node_id, job_id, *rest in rows]
