"""What tests of several processes run in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
import time

import pandas as pd
import sqlalchemy as sa

from airflow_provider_aiguard.core.outputs import Output, OutputType
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.connection import connect
from airflow_provider_aiguard.tables.writer import ClaimWriter

SCORED = Table("scored", key="id")
OUTPUT = Output("late", OutputType.BOOLEAN)


def claims(start: int, stop: int, run: str = "r1") -> pd.DataFrame:
    """Claims about rows ``start`` to ``stop``, the same in every process."""
    ids = range(start, stop)
    return pd.DataFrame(
        {
            "id": list(ids),
            "late": [i % 3 == 0 for i in ids],
            "late__provenance": "ai_inferred",
            "late__confidence": [i % 100 / 100 for i in ids],
            "late__run": run,
        }
    )


def writer(conn: sa.Connection) -> ClaimWriter:
    """A writer of the claims."""
    return ClaimWriter(conn, SCORED, [OUTPUT], key={"id": sa.BigInteger()})


def kill_in_chunk(url: str, doomed: int) -> None:
    """Write chunks of 100; die at commit ``doomed``, the statement executed, nothing committed."""
    engine = sa.create_engine(url)
    with connect(engine) as conn:
        made = writer(conn)
        made.prepare()
        commits = 0

        @sa.event.listens_for(engine, "commit")
        def _die(_: sa.Connection) -> None:
            nonlocal commits
            commits += 1
            if commits == doomed:
                os.kill(os.getpid(), signal.SIGKILL)

        for start in range(0, 1000, 100):
            made.write(claims(start, start + 100))


def prepare_and_write(url: str, number: int) -> None:
    """Prepare the target and write the chunk of this number."""
    engine = sa.create_engine(url)
    with connect(engine) as conn:
        made = writer(conn)
        made.prepare()
        made.write(claims(number * 100, number * 100 + 100))


def prepare_at_once(url: str, processes: int) -> None:
    """Do so in as many processes at the same time; fork before any of them has touched a database."""
    children = []
    for number in range(processes):
        child = os.fork()
        if not child:
            prepare_and_write(url, number)
            sys.exit(0)
        children.append(child)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    sys.exit(int(any(statuses)))


def hold_open(url: str, seconds: float) -> None:
    """Keep the database open to write."""
    engine = sa.create_engine(url)
    with engine.connect() as conn:
        conn.exec_driver_sql("CREATE TABLE IF NOT EXISTS held (id INTEGER)")
        conn.commit()
        if engine.dialect.name == "sqlite":
            conn.exec_driver_sql("BEGIN IMMEDIATE")
        sys.stdout.write("holding\n")
        sys.stdout.flush()
        time.sleep(seconds)


if __name__ == "__main__":
    task, address, argument = sys.argv[1:]
    if task == "kill":
        kill_in_chunk(address, int(argument))
    elif task == "prepare":
        prepare_at_once(address, int(argument))
    else:
        hold_open(address, float(argument))
