"""Equal rows are paid for once: a table of 90 % duplicates against a bare loop with a dictionary of what was asked.

Beside it: what the store grows by, encrypted and not, and how long it takes to forget. A store is made once an
installation: it is open before the clock starts. With a free model CPU seconds are held to the limit, which other work
on the machine hardly moves; with a slow one most of the time is the model's, and seconds are.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pandas as pd
import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.pool import NullPool

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import InferenceSummary, RunIdentity
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.store.store import Store, open_store
from benchmarks.inference import CREATE, UPSERT

CHUNK = 50_000
DUPLICATES = 10
CASES = (
    (1_000_000, 0.0, "memory", 2.0),
    (1_000_000, 0.0, "plain", None),
    (1_000_000, 0.0, "encrypted", None),
    (100_000, 0.001, "plain", 1.05),
)
"""Rows, seconds a row that the model is asked about, how results are kept, limit of the ratio to the bare loop.

The bare loop forgets everything when it ends: only without the store is it the same work, so only there is a limit.
"""

Predict = Callable[[pd.DataFrame], Any]
T = TypeVar("T")


def model(seconds: float) -> Predict:
    def predict(batch: pd.DataFrame) -> tuple[dict[str, Any], dict[str, Any]]:
        if seconds:
            time.sleep(seconds * len(batch))
        x = batch["x"].to_numpy()
        return {"late": x % 2 == 0}, {"late": 0.5 + (x % 100) / 200}

    return predict


def prepare(engine: sa.Engine, rows: int) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE flights (id BIGINT PRIMARY KEY, x BIGINT)")
        connection.exec_driver_sql(
            f"INSERT INTO flights SELECT id, hash(id % {rows // DUPLICATES}) % 1000000007 FROM range({rows}) t(id)"
        )


def ours(engine: sa.Engine, store: Store, predict: Predict, *, stored: bool) -> InferenceSummary:
    plan = InferencePlan(
        rows=Table("flights", key="id"),
        into=Table("scored", key="id"),
        outputs=parse_outputs({"late": bool}),
        chunk_size=CHUNK,
        price_per_row=Decimal("0.000001"),
        store_results=stored,
    )
    identity = RunIdentity(run_id=str(time.time_ns()), dag_id="bench", task_id="score", dag_run_id="r")
    asked = FunctionModel(predict, outputs=["late"])
    return run_inference(plan, asked, source=engine, target=engine, store=store, identity=identity)


def bare(engine: sa.Engine, predict: Predict) -> None:
    known: dict[int, tuple[bool, float]] = {}
    with duckdb.connect(engine.url.database or "") as raw:
        raw.execute(CREATE)
        reader, writer = raw.cursor(), raw.cursor()
        reader.execute("SELECT id, x FROM flights ORDER BY id")
        # A vector of DuckDB has 2,048 rows.
        while len(batch := reader.fetch_df_chunk(-(-CHUNK // 2048))):
            work = batch["x"].tolist()
            missing = [x for x in dict.fromkeys(work) if x not in known]
            if missing:
                values, confidences = predict(pd.DataFrame({"x": missing}))
                known.update(zip(missing, zip(values["late"], confidences["late"], strict=True), strict=True))
            answers = [known[x] for x in work]
            frame = pd.DataFrame(
                {
                    "id": batch["id"],
                    "late": [late for late, _ in answers],
                    "late__provenance": "ai_inferred",
                    "late__confidence": [confidence for _, confidence in answers],
                    "late__run": "bare",
                }
            )
            writer.register("incoming", frame)
            writer.begin()
            writer.execute(UPSERT)
            writer.commit()


def engines(folder: Path, rows: int) -> Iterator[sa.Engine]:
    for name in ("ours", "bare"):
        engine = sa.create_engine(f"duckdb:///{folder / name}.duckdb", poolclass=NullPool)
        prepare(engine, rows)
        yield engine


def clocked(work: Callable[[], T]) -> tuple[T, float, float]:
    """What work gave, and the seconds and CPU seconds it took."""
    started, cpu = time.perf_counter(), time.process_time()
    given = work()
    return given, time.perf_counter() - started, time.process_time() - cpu


def compare(rows: int, seconds: float, kept: str, limit: float | None) -> bool:
    cipher = Fernet(Fernet.generate_key()) if kept == "encrypted" else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        mine, plain = engines(path, rows)
        predict, stored = model(seconds), kept != "memory"
        with open_store(f"sqlite:///{path}/store.db", cipher=cipher) as store:
            summary, took, cpu = clocked(lambda: ours(mine, store, predict, stored=stored))
        _, bare_took, bare_cpu = clocked(lambda: bare(plain, predict))
        ratio, asked = took / bare_took if seconds else cpu / bare_cpu, summary.inferred - summary.saved
        # Of the hashed numbers a few are alike by chance.
        with mine.connect() as connection:
            different = connection.exec_driver_sql("SELECT count(DISTINCT x) FROM flights").scalar_one()
        print(
            f"results {kept}: {rows:,} rows, {different:,} different, {seconds * 1000:g} ms a row asked: "
            f"asked about {asked:,}, {took:.2f} s ({cpu:.2f} s CPU), bare loop {bare_took:.2f} s ({bare_cpu:.2f} s "
            f"CPU): {ratio:.2f} times its {'seconds' if seconds else 'CPU'} (limit {limit or '-'})",
            flush=True,
        )
        if stored and not seconds:
            grown(path, asked)
        return (limit is None or ratio <= limit) and asked == different


def grown(folder: Path, results: int) -> None:
    size = sum(file.stat().st_size for file in folder.glob("store.db*"))
    with open_store(f"sqlite:///{folder}/store.db") as store:
        started = time.perf_counter()
        gone = store.results.prune(datetime.now(UTC) + timedelta(days=1))
        took = time.perf_counter() - started
    print(f"the store grew by {size / results:.0f} bytes a result; {gone:,} were forgotten in {took:.2f} s")


def main() -> int:
    held = [compare(*case) for case in CASES]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
