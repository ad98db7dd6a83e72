"""PROV-JSON, read back by the W3C data model's own library."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from event_samples import columns, dataset, event, field
from lineage_samples import confidences, summary_of
from prov.model import ProvDocument as Reader

from airflow_provider_aiguard.core.lineage import Edge, dataset_node
from airflow_provider_aiguard.core.provenance import Label
from airflow_provider_aiguard.core.run import ColumnSummary, RunIdentity, RunRecord, RunState
from airflow_provider_aiguard.lineage.edges import edges_of
from airflow_provider_aiguard.lineage.prov import ProvDocument

STARTED, ENDED = datetime(2026, 1, 1, 10, tzinfo=UTC), datetime(2026, 1, 1, 11, tzinfo=UTC)


def record(**changes: Any) -> RunRecord:
    late = ColumnSummary(provenance={"ai_inferred": 8, "observed": 2}, confidence=confidences(0.9, 0.8))
    summary = summary_of({"late": late})
    identity = RunIdentity(run_id=summary.run_id, dag_id="flights", task_id="score")
    known = {"identity": identity, "state": RunState.SUCCESS, "started_at": STARTED, "finished_at": ENDED}
    return RunRecord(**{**known, "summary": summary, **changes})


def edges(*events: dict[str, Any]) -> list[Edge]:
    return [edge for one in events if (flow := edges_of(one)) for edge in flow.edges]


def read(document: ProvDocument) -> Reader:
    text = json.dumps(document.to_dict())
    found = Reader.deserialize(content=text, format="json")
    # What the library understood is all that was said.
    assert Reader.deserialize(content=found.serialize(format="json"), format="json") == found
    said = json.loads(text)
    relations = sum(len(part) for name, part in said.items() if name != "prefix")
    assert len(found.get_records()) == relations
    return found


def relations(document: ProvDocument, kind: str) -> set[tuple[str, ...]]:
    return {tuple(roles.values()) for roles in document.to_dict().get(kind, {}).values()}


def cell_relations(document: ProvDocument, kind: str) -> dict[str, str]:
    """By column of a cell."""
    return {cell.rpartition("/")[2]: other for cell, other in relations(document, kind) if cell.startswith("cell:")}


@pytest.fixture
def run() -> ProvDocument:
    target = dataset("main.flights_scored", columns({"late": [field("main.flights", "hour")]}))
    document = ProvDocument()
    document.add_run(record(), edges(event(["main.flights"], [target])))
    return document


def test_a_run_is_an_activity_with_agents_and_entities(run: ProvDocument) -> None:
    read(run)
    said = run.to_dict()
    ((name, activity),) = said["activity"].items()
    assert (activity["prov:startTime"], activity["prov:endTime"]) == (STARTED.isoformat(), ENDED.isoformat())
    assert activity["aiguard:state"] == "success"
    (model,) = said["agent"]
    assert model in said["entity"]
    assert (name, model, "job:flights.score") in relations(run, "wasAssociatedWith")
    used = {entity for _, entity in relations(run, "used")}
    assert {model, "dataset:postgres%3A%2F%2Fdb%3A5432/main.flights"} <= used


def test_a_column_says_who_answers_for_it_and_what_it_came_from(run: ProvDocument) -> None:
    said = run.to_dict()
    (late,) = [n for n, e in said["entity"].items() if n.startswith("output:") and "aiguard:confidence_mean" in e]
    assert late.endswith("/main.flights_scored/late")
    (model,) = said["agent"]
    assert (late, model) in relations(run, "wasAttributedTo")
    (derived,) = [roles for roles in relations(run, "wasDerivedFrom") if roles[0] == late]
    assert derived[1].endswith("/main.flights/hour")


def test_a_run_that_no_event_tells_of_has_its_tables_all_the_same() -> None:
    document = ProvDocument()
    document.add_run(record(finished_at=None, state=RunState.FAILED))
    read(document)
    (activity,) = document.to_dict()["activity"].values()
    assert "prov:endTime" not in activity
    assert any("flights" in entity for _, entity in relations(document, "used"))


def test_a_run_that_only_events_tell_of() -> None:
    alias = {"symlinks": {"identifiers": [{"namespace": "s3://lake", "name": "t", "type": "TABLE"}]}}
    renamed = {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": "n", "name": "old"}}
    document = ProvDocument()
    rows = columns({"x": [field("a", "p")]}, rows=[field("a", "q")])
    told = edges(
        event(["a"], [dataset("t", {**rows, **alias, "lifecycleStateChange": renamed})]), event(["r"]), event([], ["w"])
    )
    document.add_edges("r-1", told)
    read(document)
    assert len(relations(document, "alternateOf")) == 1
    assert {made.rpartition("/")[2] for made, *_ in relations(document, "wasGeneratedBy")} == {"t", "x", "w"}
    assert {used.rpartition("/")[2] for _, used in relations(document, "used")} == {"a", "p", "q", "old", "r"}


def test_a_row_has_labels_and_no_values() -> None:
    document, known = ProvDocument(), record()
    document.add_run(known)
    labels = {
        "late": Label("ai_inferred", 0.91, known.identity.run_id),
        "reason": Label("human_annotated", None, "a-review"),
        "carrier": Label("observed", None, None),
        "old": Label(None, None, None),
    }
    document.add_row(dataset_node("n", "t"), "digest", labels, {known.identity.run_id: known})
    read(document)
    said = document.to_dict()
    cells = {e["aiguard:column"]: e for n, e in said["entity"].items() if n.startswith("cell:")}
    assert cells["late"]["aiguard:confidence"] == 0.91
    assert {column: cell["aiguard:provenance"] for column, cell in cells.items()} == {
        "late": "ai_inferred",
        "reason": "human_annotated",
        "carrier": "observed",
        "old": "unlabelled",
    }
    by = {
        entity.rpartition("/")[2]: agent
        for entity, agent in relations(document, "wasAttributedTo")
        if "cell:" in entity
    }
    assert by["reason"] == "agent:annotator"
    assert said["agent"][by["late"]]["prov:type"]["$"] == "prov:SoftwareAgent"
    made = {
        entity.rpartition("/")[2]: run for entity, run in relations(document, "wasGeneratedBy") if "cell:" in entity
    }
    assert made == {"late": f"run:{known.identity.run_id}", "reason": "run:a-review"}


def test_hostile_names_are_names() -> None:
    document, name = ProvDocument(), "a:b/c'\"%\n☃ {}<x>\ud800"
    told = columns({name: [field(name, name)]})
    document.add_edges(name, edges(event([name], [dataset(f"{name}!", told)])))
    read(document)
    (derived,) = [roles for roles in relations(document, "wasDerivedFrom") if roles[1].startswith("column:")]
    assert derived[0].count("/") == derived[1].count("/") + 1


def test_what_is_said_twice_is_there_once(run: ProvDocument) -> None:
    before = json.dumps(run.to_dict())
    target = dataset("main.flights_scored", columns({"late": [field("main.flights", "hour")]}))
    run.add_run(record(), edges(event(["main.flights"], [target])))
    assert json.dumps(run.to_dict()) == before
