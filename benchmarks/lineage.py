"""What an event of lineage adds to its task: the durable transport while the backend is well, is away, and hangs.

A task is START and COMPLETE, each from a fork with a client of its own, as Airflow's listener sends them; what is added
is the time that the task waits. The peer is OpenLineage's own ``http`` transport.
"""

from __future__ import annotations

import compileall
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

from airflow_provider_aiguard.store.store import open_store

PACKAGE = Path(__file__).parent.parent / "airflow_provider_aiguard"
TASKS = 30
LIMIT = 1.0
OURS = "airflow_provider_aiguard.lineage.transport.DurableTransport"


class Well(BaseHTTPRequestHandler):
    """Accepts whatever it is sent."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Say 201."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(201)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def emit(transport: dict[str, Any], kind: str, run: str) -> None:
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    try:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
        event = RunEvent(
            eventType=RunState[kind],
            eventTime=datetime.now(UTC).isoformat(),
            run=Run(runId=run),
            job=Job(namespace="bench", name="dag.task"),
            producer="https://example.com/bench",
        )
        OpenLineageClient(config={"transport": dict(transport)}).emit(event)
    finally:
        os._exit(0)


def added(transport: dict[str, Any], tasks: int) -> list[float]:
    seconds = []
    for _ in range(tasks):
        run, started = str(uuid.uuid4()), time.perf_counter()
        emit(transport, "START", run)
        emit(transport, "COMPLETE", run)
        seconds.append(time.perf_counter() - started)
    return seconds


def ours(folder: Path, name: str, url: str) -> dict[str, Any]:
    store = f"sqlite:///{folder / name}.db"
    open_store(store).close()
    return {"type": OURS, "url": url, "store": store, "spool": str(folder / f"{name}-spool")}


def main() -> int:
    # As pip leaves it: a fork that had to compile would measure that.
    compileall.compile_dir(PACKAGE, quiet=1)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Well)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    well = f"http://127.0.0.1:{server.server_address[1]}"
    hanging = socket.create_server(("127.0.0.1", 0))
    hangs = f"http://127.0.0.1:{hanging.getsockname()[1]}"
    with socket.create_server(("127.0.0.1", 0)) as free:
        away = f"http://127.0.0.1:{free.getsockname()[1]}"
    worst = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peer = statistics.median(added({"type": "http", "url": well}, TASKS))
        for weather, url in (("well", well), ("away", away), ("hangs", hangs)):
            seconds = added(ours(folder, weather, url), TASKS)
            worst = max(worst, *seconds)
            print(
                f"A task's two events, backend {weather}: median {statistics.median(seconds):.3f} s, "
                f"worst {max(seconds):.3f} s (limit {LIMIT:.1f} s); {statistics.median(seconds) / peer:.1f} times what "
                "http takes while all is well"
            )
        (lost,) = added({"type": "http", "url": away}, 1)
        print(f"http, backend away: {lost:.1f} s a task, and both events are lost")
    server.shutdown()
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
