"""A Marquez for tests: a real one where ``MARQUEZ_URL`` says so, or what a real one once answered."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
import vcr
from lineage_samples import TARGET_FIELDS, confidences, summary_of
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import parent_run
from openlineage.client.serde import Serde

from airflow_provider_aiguard.core.run import ColumnSummary
from airflow_provider_aiguard.lineage.datasets import DatasetField, DatasetName, duckdb_dataset
from airflow_provider_aiguard.lineage.events import Lineage, inference_lineage
from airflow_provider_aiguard.lineage.marquez import MarquezClient

CASSETTES = Path(__file__).parent / "cassettes"
NAMES = CASSETTES / "names.json"
RECORDED_URL = "http://marquez.recorded:5000"
SCHEMA_URL = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
PRODUCER = "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3"


class Scene:
    """One Marquez, and names in it that no other test uses.

    Events are sent only where there is somebody to send them to: what is recorded is what the client asks, so that
    events may change without a new recording.
    """

    def __init__(self, url: str, suffix: str, *, real: bool) -> None:
        self.client = MarquezClient(url, timeout=60)
        self.jobs = f"aiguard-{suffix}"
        self.database = f"/data/{suffix}.duckdb"
        self._suffix = suffix
        self._real = real
        self._sent = 0

    def dataset(self, table: str) -> DatasetName:
        return duckdb_dataset(self.database, None, table)

    def run_id(self, name: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._suffix}/{name}"))

    def send(self, event: dict[str, Any]) -> dict[str, Any]:
        if self._real:
            answer = requests.post(f"{self.client.url}/api/v1/lineage", json=event, timeout=60)
            assert answer.status_code == 201, answer.text
        return event

    def event(
        self,
        job: str,
        kind: str = "COMPLETE",
        *,
        run: str = "",
        reads: tuple[DatasetName | dict[str, Any], ...] = (),
        writes: tuple[DatasetName | dict[str, Any], ...] = (),
    ) -> dict[str, Any]:
        """An event of a job without a parent; each is a second later than the one before."""
        self._sent += 1
        return {
            "eventType": kind,
            "eventTime": (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._sent)).isoformat(),
            "run": {"runId": self.run_id(f"{job}/{run}"), "facets": {}},
            "job": {"namespace": self.jobs, "name": job, "facets": {}},
            "inputs": [named(dataset) for dataset in reads],
            "outputs": [named(dataset) for dataset in writes],
            "producer": PRODUCER,
            "schemaURL": SCHEMA_URL,
        }

    def step(self, columns: dict[str, ColumnSummary], *, run: str = "1", job: str = "delays.score") -> dict[str, Any]:
        """The COMPLETE event of an AI step that is a task of the DAG ``delays``, as our operators make it."""
        lineage = inference_lineage(
            summary_of(columns, run_id=f"run {run}"),
            source=self.dataset("flights"),
            source_fields=[DatasetField("flight_id", "BIGINT"), DatasetField("distance", "DOUBLE")],
            target=self.dataset("flights_scored"),
            target_fields=[*TARGET_FIELDS, DatasetField("cause", "VARCHAR")],
            input_columns=["distance"],
            copied_columns=["flight_id"],
        )
        return self.task(job, lineage, run=run)

    def task(self, job: str, lineage: Lineage, *, kind: str = "COMPLETE", run: str = "1") -> dict[str, Any]:
        """An event of a task, whose DAG is what stands before the dot."""
        bare = self.event(job, kind, run=run)
        dag = parent_run.Job(namespace=self.jobs, name=job.partition(".")[0])
        parent = parent_run.ParentRunFacet(run=parent_run.Run(runId=self.run_id(f"dag/{run}")), job=dag)
        event = RunEvent(
            eventType=RunState(kind),
            eventTime=bare["eventTime"],
            run=Run(runId=bare["run"]["runId"], facets={**lineage.run_facets, "parent": parent}),
            job=Job(namespace=self.jobs, name=job, facets=lineage.job_facets),
            inputs=lineage.inputs,
            outputs=lineage.outputs,
            producer=PRODUCER,
        )
        said: dict[str, Any] = json.loads(Serde.to_json(event))
        return said


def inferred(*values: float, human: int = 0) -> ColumnSummary:
    """What a step wrote into a column: inferred cells with these confidences, and cells that people had set."""
    counts = {"ai_inferred": len(values), "human_annotated": human}
    return ColumnSummary(
        provenance={name: count for name, count in counts.items() if count},
        confidence=confidences(*values),
        confidence_source="probability",
    )


def named(dataset: DatasetName | dict[str, Any]) -> dict[str, Any]:
    if isinstance(dataset, dict):
        return dataset
    return {"namespace": dataset.namespace, "name": dataset.name, "facets": {}}


def with_schema(dataset: DatasetName, *fields: str, kind: str = "VARCHAR") -> dict[str, Any]:
    """A dataset as an event names it, with columns that are not described."""
    schema = {
        "_producer": PRODUCER,
        "_schemaURL": "https://openlineage.io/spec/facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
        "fields": [{"name": name, "type": kind} for name in fields],
    }
    return {"namespace": dataset.namespace, "name": dataset.name, "facets": {"schema": schema}}


@contextmanager
def recorded(cassette: str, url: str | None) -> Iterator[Scene]:
    """Replay the exchanges of a test, or record them if there is somebody to ask.

    :param cassette: name of the test.
    :param url: of a real Marquez, to record; ``None`` to replay.
    """
    tape = vcr.VCR(
        cassette_library_dir=str(CASSETTES),
        match_on=["method", "path", "query", "body"],
        record_mode="none" if url is None else "all",
        before_record_request=_anonymous,
        before_record_response=_bare,
    )
    file = f"{cassette}.yaml"
    if url is not None:
        (CASSETTES / file).unlink(missing_ok=True)
    seed = json.loads(NAMES.read_text(encoding="utf-8"))["seed"]
    suffix = uuid.uuid5(uuid.NAMESPACE_URL, f"{seed}/{cassette}").hex[:8]
    with tape.use_cassette(file) as played:
        yield Scene(url or RECORDED_URL, suffix, real=url is not None)
    if url is None:
        assert played.all_played, f"{file} holds exchanges that the client no longer needs: make marquez-record"


def _anonymous(request: Any) -> Any:
    if request.method == "POST" and request.path == "/api/v1/lineage":
        return None
    _, _, path = request.uri.partition("/api/v1")
    request.uri = f"{RECORDED_URL}/api/v1{path}"
    request.headers = {}
    return request


def _bare(response: dict[str, Any]) -> dict[str, Any]:
    kept = ("content-type",)
    response["headers"] = {name: value for name, value in response["headers"].items() if name.lower() in kept}
    return response
