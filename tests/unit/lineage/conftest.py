"""A run as the engine sums it up, events as they go over the wire, a backend of lineage and a store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from lineage_samples import confidences, summary_of
from lineage_server import LineageServer
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.serde import Serde

from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary
from airflow_provider_aiguard.lineage.events import Lineage
from airflow_provider_aiguard.store.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_aiguard.store.store import Store


@pytest.fixture
def summary() -> InferenceSummary:
    """Ten rows of which eight were inferred, with a mean confidence of 0.86; two were rejected."""
    seen = confidences(0.61, 0.76, 0.9, 0.9, 0.9, 0.9, 0.95, 0.96)
    column = ColumnSummary(provenance={"ai_inferred": 8}, confidence=seen, confidence_source="probability")
    return summary_of({"late": column})


@pytest.fixture
def server() -> Iterator[LineageServer]:
    """A backend that answers as its script says."""
    with LineageServer() as started:
        yield started


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


@pytest.fixture
def wire() -> Callable[..., dict[str, Any]]:
    """Serialise a lineage inside a real event, and read it back as a backend does: NaN is an error."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    def serialise(lineage: Lineage, state: RunState = RunState.COMPLETE) -> dict[str, Any]:
        event = RunEvent(
            eventType=state,
            eventTime="2026-11-23T12:00:00+00:00",
            run=Run(runId="0192b1a0-0000-7000-8000-000000000000", facets=lineage.run_facets),
            job=Job(namespace="airflow", name="flight_delays.score", facets=lineage.job_facets),
            inputs=lineage.inputs,
            outputs=lineage.outputs,
            producer="https://github.com/apache/airflow/tree/providers-openlineage/2.20.3",
        )
        text = Serde.to_json(event)
        text.encode("utf-8")
        assert "\\u0000" not in text
        result: dict[str, Any] = json.loads(text, parse_constant=refuse)
        return result

    return serialise
