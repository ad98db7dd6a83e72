"""The client, the tags and the graph against Marquez 0.51.1, and what of Marquez we go round.

What is tested "recorded" replays exchanges with a real one. ``make marquez-record`` records them anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from marquez_scene import inferred, with_schema

from airflow_provider_aiguard.core.errors import MarquezUnavailableError
from airflow_provider_aiguard.lineage.datasets import DatasetName
from airflow_provider_aiguard.lineage.marquez import Place, marquez_edges
from airflow_provider_aiguard.lineage.marquez_tags import DESCRIPTIONS, sync_tags, tag_changes, tags_said

if TYPE_CHECKING:
    from marquez_scene import Scene


def tags(marquez: Scene, table: str = "flights_scored") -> tuple[list[str], dict[str, list[str]]]:
    """The tags of a dataset, and of those of its columns that have any."""
    seen = marquez.client.dataset(marquez.dataset(table))
    assert seen is not None
    return sorted(seen["tags"]), {f["name"]: sorted(f["tags"]) for f in seen["fields"] if f["tags"]}


def test_what_is_unknown_is_none(marquez: Scene) -> None:
    client = marquez.client
    assert client.dataset(DatasetName("nowhere", "nothing")) is None
    assert client.job(marquez.jobs, "nothing") is None
    assert client.run(marquez.run_id("nobody")) is None
    assert client.graph(DatasetName("nowhere", "nothing")) == []


def test_a_run_has_its_state(marquez: Scene) -> None:
    started = marquez.send(marquez.event("load", "START"))
    state = marquez.client.run(started["run"]["runId"])
    assert state is not None
    assert state["state"] == "RUNNING"
    marquez.send(marquez.event("load", "COMPLETE"))
    state = marquez.client.run(started["run"]["runId"])
    assert state is not None
    assert state["state"] == "COMPLETED"


def test_an_ai_step_is_tagged(marquez: Scene) -> None:
    event = marquez.send(marquez.step({"late": inferred(0.81, 0.85, human=3), "cause": inferred(0.55)}))
    sync_tags(event, marquez.client)
    assert tags(marquez) == (
        ["AI_INFERRED", "CONF_0.5-0.6", "HUMAN_ANNOTATED"],
        {"late": ["AI_INFERRED", "CONF_0.8-0.9", "HUMAN_ANNOTATED"], "cause": ["AI_INFERRED", "CONF_0.5-0.6"]},
    )
    dag = marquez.client.job(marquez.jobs, "delays")
    assert dag is not None
    assert dag["tags"] == ["AI_STEP"]
    known = marquez.client.tags()
    assert {tag: known[tag] for tag in ("AI_INFERRED", "AI_STEP", "CONF_0.5-0.6", "HUMAN_ANNOTATED")} == {
        tag: DESCRIPTIONS[tag] for tag in ("AI_INFERRED", "AI_STEP", "CONF_0.5-0.6", "HUMAN_ANNOTATED")
    }


def test_a_second_time_nothing_changes(marquez: Scene) -> None:
    event = marquez.send(marquez.step({"late": inferred(0.86)}))
    sync_tags(event, marquez.client)
    (said,) = tags_said(event)
    assert tag_changes(said, marquez.client.dataset(said.dataset)) == []
    sync_tags(event, marquez.client)
    assert tags(marquez) == (["AI_INFERRED", "CONF_0.8-0.9"], {"late": ["AI_INFERRED", "CONF_0.8-0.9"]})


def test_what_is_no_longer_so_goes_and_what_is_not_ours_stays(marquez: Scene) -> None:
    sync_tags(marquez.send(marquez.step({"late": inferred(0.86)}, run="1")), marquez.client)
    table = marquez.dataset("flights_scored")
    place = Place("datasets", table.namespace, table.name)
    marquez.client.add_tag(place, "PII")
    marquez.client.add_tag(place._replace(field="late"), "PII")
    sync_tags(marquez.send(marquez.step({"late": inferred(0.71)}, run="2")), marquez.client)
    assert tags(marquez) == (["AI_INFERRED", "CONF_0.7-0.8", "PII"], {"late": ["AI_INFERRED", "CONF_0.7-0.8", "PII"]})


def test_a_description_that_somebody_wrote_stays(marquez: Scene) -> None:
    before = marquez.client.tags().get("CONF_0.2-0.3")
    marquez.client.describe_tag("CONF_0.2-0.3", "Ask Ada first.")
    sync_tags(marquez.send(marquez.step({"late": inferred(0.25)})), marquez.client)
    assert marquez.client.tags()["CONF_0.2-0.3"] == "Ask Ada first."
    marquez.client.describe_tag("CONF_0.2-0.3", before or DESCRIPTIONS["CONF_0.2-0.3"])


def test_an_earlier_run_does_not_speak_for_a_later_one(marquez: Scene) -> None:
    """As a replay may have it: the tags of the first run are due when the second one has long been tagged."""
    first = marquez.send(marquez.step({"late": inferred(0.65), "cause": inferred(0.95)}, run="1"))
    second = marquez.send(marquez.step({"late": inferred(0.86)}, run="2"))
    sync_tags(second, marquez.client)
    sync_tags(first, marquez.client)
    assert tags(marquez) == (
        ["AI_INFERRED", "CONF_0.8-0.9"],
        {"late": ["AI_INFERRED", "CONF_0.8-0.9"], "cause": ["AI_INFERRED", "CONF_0.9-1.0"]},
    )


def test_tags_of_hostile_columns(marquez: Scene) -> None:
    """Marquez takes every column name in an address, except the two that are steps in a path."""
    names = ["a b", "a/b", "a;b", "a%2Fb", "a?b", "a#b", "a:b", "ä😀", "'; DROP", "\\", 'a"b', "A", "a", "a\tb"]
    table = marquez.dataset("hostile")
    marquez.send(marquez.event("hostile", writes=(with_schema(table, *names, "..", "."),)))
    said = {name: {"AI_INFERRED": True} for name in [*names, "..", "."]}
    tagged = marquez.event("hostile", writes=({**with_schema(table, *names), "facets": _tags(said)},))
    sync_tags(tagged, marquez.client)
    assert tags(marquez, "hostile") == ([], {name: ["AI_INFERRED"] for name in names})


def test_marquez_cannot_tag_a_job_with_a_parent(marquez: Scene) -> None:
    """So the DAG is tagged. When this fails, Marquez has learnt it: tag the task, and say so in the docs."""
    marquez.send(marquez.step({"late": inferred(0.86)}))
    with pytest.raises(MarquezUnavailableError, match="HTTP 500"):
        marquez.client.add_tag(Place("jobs", marquez.jobs, "delays.score"), "AI_STEP")


def test_the_graph_has_the_edges_of_each_job(marquez: Scene) -> None:
    raw, clean, scored, model = map(marquez.dataset, ("raw", "clean", "scored", "model"))
    marquez.send(marquez.event("clean", reads=(raw,), writes=(clean,)))
    marquez.send(marquez.event("score", reads=(clean, model), writes=(scored,)))
    marquez.send(marquez.event("train", reads=(scored,), writes=(model,)))
    marquez.send(marquez.event("check", reads=(scored,)))
    edges = marquez_edges(marquez.client, scored)
    assert {(edge.source_name, edge.job_name, edge.target_name) for edge in edges} == {
        ("main.raw", "clean", "main.clean"),
        ("main.clean", "score", "main.scored"),
        ("main.model", "score", "main.scored"),
        ("main.scored", "train", "main.model"),
    }
    assert {edge.source_namespace for edge in edges} == {raw.namespace}
    assert {edge.job_namespace for edge in edges} == {marquez.jobs}
    assert len(edges) == 4
    assert marquez_edges(marquez.client, marquez.dataset("unheard")) == []


def test_the_graph_forgets_what_a_job_reads_while_it_runs(marquez: Scene) -> None:
    """Why it is no evidence: an edge that is missing says nothing."""
    raw, clean = map(marquez.dataset, ("raw", "clean"))
    marquez.send(marquez.event("clean", run="1", reads=(raw,), writes=(clean,)))
    assert len(marquez_edges(marquez.client, clean)) == 1
    marquez.send(marquez.event("clean", "START", run="2"))
    assert marquez_edges(marquez.client, clean) == []


def test_marquez_forgets_descriptions_that_a_reader_does_not_repeat(marquez: Scene) -> None:
    """Why readers repeat what the writer said. Tags stay."""
    sync_tags(marquez.send(marquez.step({"late": inferred(0.86)})), marquez.client)
    table = marquez.dataset("flights_scored")
    described = marquez.client.dataset(table)
    assert described is not None
    assert described["description"].startswith("AI-inferred by flights-late@3")
    marquez.send(marquez.event("plain", reads=(with_schema(table, "late", kind="BOOLEAN"),)))
    forgotten = marquez.client.dataset(table)
    assert forgotten is not None
    assert forgotten["description"] is None
    assert [f["description"] for f in forgotten["fields"] if f["name"] == "late"] == [None]
    assert forgotten["tags"] == ["AI_INFERRED", "CONF_0.8-0.9"]


def _tags(said: dict[str, dict[str, bool]]) -> dict[str, Any]:
    entries = [
        {"key": "aiguard_provenance", "value": tag.lower(), "source": "AIGUARD", "field": column}
        for column, names in said.items()
        for tag in names
    ]
    return {"tags": {"tags": entries}}
