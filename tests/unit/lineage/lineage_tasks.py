"""Events as tasks send them, through OpenLineage's own client."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

CLASS = "airflow_provider_aiguard.lineage.transport.DurableTransport"


def settings(folder: Path, url: str | None = None, **more: Any) -> dict[str, Any]:
    """What ``AIRFLOW__OPENLINEAGE__TRANSPORT`` holds."""
    store = f"sqlite:///{folder / 'store.db'}"
    return {"type": CLASS, "store": store, "spool": str(folder / "spool"), **({"url": url} if url else {}), **more}


def client(folder: Path, url: str | None = None, **more: Any) -> OpenLineageClient:
    """A client of a fresh instance of the transport, as each event of a task has one."""
    return OpenLineageClient(config={"transport": settings(folder, url, **more)})


def run_event(kind: str, run_id: str, *, job: str = "dag.task", at: datetime | None = None, **facets: Any) -> RunEvent:
    return RunEvent(
        eventType=RunState[kind],
        eventTime=(at or datetime.now(UTC)).isoformat(),
        run=Run(runId=run_id, facets=facets),
        job=Job(namespace="tests", name=job),
        producer="https://example.com/tests",
    )


def run_id() -> str:
    return str(uuid.uuid4())
