"""What a Marquez is sent by the transport, and what anybody else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openlineage.client.transport.http import HttpConfig

from airflow_provider_aiguard.lineage import courier
from airflow_provider_aiguard.lineage.backend import Backend
from airflow_provider_aiguard.lineage.courier import Courier
from airflow_provider_aiguard.lineage.outgoing import to_outbox
from airflow_provider_aiguard.lineage.transport import keep
from airflow_provider_aiguard.store.store import open_store

if TYPE_CHECKING:
    from lineage_server import LineageServer

    Emit = Any

WRITTEN = "AI-inferred by gbm@3"


@pytest.fixture
def emit(server: LineageServer, tmp_path: Path) -> Emit:
    """Keep an event as the transport does, a second after the one before, and send what is due."""
    moments = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in range(100))

    def send(job: str, *, reads: Any = (), writes: Any = ()) -> None:
        event = {
            "eventType": "COMPLETE",
            "eventTime": next(moments).isoformat(),
            "run": {"runId": f"of {job}"},
            "job": {"namespace": "jobs", "name": job},
            "inputs": list(reads),
            "outputs": list(writes),
        }
        with open_store(store_url(tmp_path)) as store:
            keep(store.outbox, to_outbox(event, now=datetime.now(UTC)), event, backend=None)
            deliveries = store.deliveries(server.name)
            deliveries.want(now=datetime.now(UTC))
            Courier(Backend(HttpConfig.from_dict({"url": server.url})), deliveries).drain()

    return send


def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def table(text: str = "") -> dict[str, Any]:
    facets = {"documentation": {"description": text}} if text else {}
    return {"namespace": "ns", "name": "main.t", "facets": facets}


def heard(server: LineageServer) -> list[Any]:
    """What each reader's event said of the table."""
    return [e["inputs"][0]["facets"].get("documentation", {}).get("description") for e in server.events if e["inputs"]]


def test_a_plain_reader_tells_marquez_what_the_writer_said(emit: Emit, server: LineageServer, tmp_path: Path) -> None:
    emit("score", writes=[table(WRITTEN)])
    emit("report", reads=[table()])
    assert heard(server) == [WRITTEN]
    with open_store(store_url(tmp_path)) as store:
        kept = [event for event in store.outbox.documents(10) if "report" in event]
    assert WRITTEN not in kept[0], "what is kept is what Airflow said"


def test_a_backend_that_is_no_marquez_hears_what_airflow_said(
    emit: Emit, server: LineageServer, tmp_path: Path
) -> None:
    emit("score", writes=[table(WRITTEN)])
    with open_store(store_url(tmp_path)) as store:
        store.deliveries(server.name).set_kind("other")
    emit("report", reads=[table()])
    assert heard(server) == [None]


def test_what_cannot_be_retold_is_sent_as_it_is(
    emit: Emit, server: LineageServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("namespace")

    emit("score", writes=[table(WRITTEN)])
    monkeypatch.setattr(courier, "retell", fail)
    emit("report", reads=[table()])
    assert heard(server) == [None]
    assert "'jobs/report' is sent as it is" in caplog.text
