from __future__ import annotations

from typing import Any

import pytest
from http_server import Endpoint

from airflow_provider_aiguard.core.errors import MarquezUnavailableError
from airflow_provider_aiguard.lineage.datasets import DatasetName
from airflow_provider_aiguard.lineage.marquez import MarquezClient, Place
from airflow_provider_aiguard.lineage.marquez_tags import DESCRIPTIONS, TagsSaid, sync_tags, tag_changes, tags_said

TABLE = DatasetName("ns", "main.t")


def dataset(**facets: Any) -> dict[str, Any]:
    return {"namespace": TABLE.namespace, "name": TABLE.name, "facets": facets}


def entry(key: str, value: str, column: str | None = None, source: str = "AIGUARD") -> dict[str, Any]:
    return {"key": key, "value": value, "source": source, **({"field": column} if column else {})}


def written(run_id: str = "1", **columns: tuple[str, str | None]) -> dict[str, Any]:
    """What an AI step says of a dataset: by column its one provenance and the bucket of its confidence."""
    entries = [entry("aiguard_provenance", origin, name) for name, (origin, _) in columns.items()]
    entries += [entry("aiguard_confidence", bucket, name) for name, (_, bucket) in columns.items() if bucket]
    provenance = {"runId": run_id, "columns": [{"name": name} for name in columns]}
    return dataset(aiguard_provenance=provenance, tags={"tags": entries})


def event(kind: str = "COMPLETE", *, reads: Any = (), writes: Any = (), **run_facets: Any) -> dict[str, Any]:
    return {
        "eventType": kind,
        "run": {"runId": "r", "facets": run_facets},
        "job": {"namespace": "jobs", "name": "dag.task"},
        "inputs": list(reads),
        "outputs": list(writes),
    }


def seen(tags: list[str], run_id: str | None = None, /, **columns: list[str]) -> dict[str, Any]:
    """A dataset as Marquez gives it."""
    facets = written(run_id, **dict.fromkeys(columns, ("ai_inferred", None)))["facets"] if run_id else {}
    return {"tags": tags, "fields": [{"name": n, "tags": t} for n, t in columns.items()], "facets": facets}


def said(one: dict[str, Any]) -> TagsSaid:
    (found,) = tags_said(one)
    return found


def changes(one: dict[str, Any], there: dict[str, Any] | None) -> set[tuple[str | None, str, bool]]:
    return {(change.place.field, change.tag, change.add) for change in tag_changes(said(one), there)}


class Recorder:
    """Where no request is expected."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


@pytest.mark.parametrize(
    "one",
    [
        event("START", writes=[written(late=("ai_inferred", "0.80-0.90"))], aiguard_run={}),
        event(),
        event(writes=[dataset()], reads=[dataset(tags={"tags": [entry("PII", "true", source="USER")]})]),
        event(writes=[dataset(tags={"tags": [entry("aiguard_provenance", "ai_inferred", source="somebody")]})]),
        event(
            writes=[dataset(tags={"tags": [entry("aiguard_novelty", "true"), entry("aiguard_provenance", "dreamt")]})]
        ),
        {"eventType": "COMPLETE", "job": {"namespace": "a", "name": "b"}, "inputs": None},
        {"dataset": {"namespace": "a", "name": "b"}},
    ],
)
def test_an_event_that_says_nothing_of_ours_costs_no_request(one: dict[str, Any]) -> None:
    assert tags_said(one) == []
    sync_tags(one, Recorder())  # type: ignore[arg-type]


def test_a_writer_speaks_of_every_tag_of_its_columns() -> None:
    found = said(event(writes=[written(late=("ai_inferred", "0.80-0.90"))]))
    assert found.dataset == TABLE
    assert found.run_id == "1"
    assert {tag for tag, on in found.columns["late"].items() if on} == {"AI_INFERRED", "CONF_0.8-0.9"}
    assert {tag for tag, on in found.columns["late"].items() if not on} == (
        set(DESCRIPTIONS) - {"AI_INFERRED", "CONF_0.8-0.9", "AI_STEP", "AI_FEEDBACK_LOOP", "RECALLED"}
    )
    assert found.flags == {"CERTIFIED": False}


@pytest.mark.parametrize("tenth", range(10))
def test_every_bucket_has_a_description(tenth: int) -> None:
    bucket = f"{tenth / 10:.2f}-{(tenth + 1) / 10:.2f}"
    columns = said(event(writes=[written(late=("ai_inferred", bucket))])).columns
    (tag,) = [tag for tag, on in columns["late"].items() if on and tag.startswith("CONF_")]
    assert tag == f"CONF_{tenth / 10:.1f}-{(tenth + 1) / 10:.1f}"
    assert DESCRIPTIONS[tag]


def test_new_tags_come_and_old_ones_of_ours_go() -> None:
    there = seen(["AI_INFERRED", "CONF_0.8-0.9", "PII"], late=["AI_INFERRED", "CONF_0.8-0.9", "PII"], id=["PII"])
    assert changes(event(writes=[written(late=("human_annotated", None))]), there) == {
        ("late", "AI_INFERRED", False),
        ("late", "CONF_0.8-0.9", False),
        ("late", "HUMAN_ANNOTATED", True),
        (None, "AI_INFERRED", False),
        (None, "CONF_0.8-0.9", False),
        (None, "HUMAN_ANNOTATED", True),
    }


def test_a_column_into_which_nothing_was_written_loses_its_tags() -> None:
    nothing = dataset(aiguard_provenance={"runId": "1", "columns": [{"name": "late"}]}, tags={"tags": []})
    assert changes(event(writes=[nothing]), seen([], late=["AI_INFERRED"])) == {("late", "AI_INFERRED", False)}


def test_a_table_has_the_provenances_of_all_its_columns_and_the_confidence_of_the_least_sure() -> None:
    """``cause`` was written by another step, which this event knows nothing of."""
    there = seen(["AI_INFERRED", "CONF_0.9-1.0"], late=[], cause=["AI_INFERRED", "CONF_0.5-0.6"])
    assert changes(event(writes=[written(late=("observed", "0.90-1.00"))]), there) == {
        ("late", "OBSERVED", True),
        ("late", "CONF_0.9-1.0", True),
        (None, "OBSERVED", True),
        (None, "CONF_0.9-1.0", False),
        (None, "CONF_0.5-0.6", True),
    }


def test_what_is_so_already_is_left_alone() -> None:
    there = seen(["AI_INFERRED", "CONF_0.8-0.9"], late=["CONF_0.8-0.9", "AI_INFERRED"])
    assert changes(event(writes=[written(late=("ai_inferred", "0.80-0.90"))]), there) == set()


def test_what_marquez_does_not_know_is_not_tagged() -> None:
    one = event(writes=[written(late=("ai_inferred", None), gone=("ai_inferred", None))])
    assert changes(one, None) == set()
    assert changes(one, seen(["AI_INFERRED"], late=[])) == {("late", "AI_INFERRED", True)}


def test_a_column_that_cannot_be_addressed_is_left_out() -> None:
    one = event(writes=[written(**{"..": ("ai_inferred", None)})])
    assert changes(one, seen([], **{"..": []})) == {(None, "AI_INFERRED", True)}


def test_columns_that_a_later_run_wrote_are_that_runs() -> None:
    one = event(writes=[written("1", late=("observed", None), cause=("observed", None))])
    there = seen([], "2", late=["AI_INFERRED"])
    there["fields"].append({"name": "cause", "tags": []})
    there["tags"] = ["CERTIFIED"]
    assert changes(one, there) == {
        ("cause", "OBSERVED", True),
        (None, "AI_INFERRED", True),
        (None, "OBSERVED", True),
    }
    assert changes(one, seen(["AI_INFERRED"], "1", late=["AI_INFERRED"])) == {
        ("late", "AI_INFERRED", False),
        ("late", "OBSERVED", True),
        (None, "AI_INFERRED", False),
        (None, "OBSERVED", True),
    }


def test_a_certificate_certifies_and_the_next_write_does_away_with_it() -> None:
    column = {"name": "late", "certified": True}
    certified = event(reads=[dataset(aiguard_certificate={"certified": True, "columns": [column]})])
    assert changes(certified, seen(["AI_INFERRED"], late=["AI_INFERRED"])) == {
        ("late", "CERTIFIED", True),
        (None, "CERTIFIED", True),
    }
    there = seen(["AI_INFERRED", "CERTIFIED"], late=["AI_INFERRED", "CERTIFIED"])
    assert changes(event(writes=[written(late=("ai_inferred", None))]), there) == {
        ("late", "CERTIFIED", False),
        (None, "CERTIFIED", False),
    }


@pytest.mark.parametrize(
    ("key", "tag"), [("aiguard_feedback_loop", "AI_FEEDBACK_LOOP"), ("aiguard_recall", "RECALLED")]
)
def test_a_flag_stays_until_somebody_takes_it_off(key: str, tag: str) -> None:
    def flagged(value: str) -> dict[str, Any]:
        return event("FAIL", reads=[dataset(tags={"tags": [entry(key, value), entry(key, value, "late")]})])

    assert changes(flagged("true"), seen([], late=[])) == {(None, tag, True), ("late", tag, True)}
    there = seen([tag], late=[tag])
    assert not changes(event(writes=[written(late=("ai_inferred", None))]), there) & {
        (None, tag, False),
        ("late", tag, False),
    }
    assert changes(flagged("false"), there) == {(None, tag, False), ("late", tag, False)}


def test_of_a_table_that_is_filled_in_place_the_writer_has_the_last_word() -> None:
    one = event(
        reads=[dataset(tags={"tags": [entry("aiguard_recall", "true")]})], writes=[written(late=("observed", None))]
    )
    assert said(one).run_id == "1"


def test_the_place_of_a_change_is_the_column_or_the_table() -> None:
    found = tag_changes(said(event(writes=[written(late=("observed", None))])), seen([], late=[]))
    assert {change.place for change in found} == {
        Place("datasets", "ns", "main.t", "late"),
        Place("datasets", "ns", "main.t"),
    }


def test_a_tag_is_described_before_it_is_first_used_and_what_was_interrupted_is_finished() -> None:
    there = seen([], late=[])
    outages = iter([True])

    def respond(body: Any, path: str) -> Any:
        place, _, tag = path.removeprefix("/api/v1").partition("/tags")
        if not tag:
            return there
        if not place:
            if tag.startswith("?"):
                return {"tags": [{"name": "AI_INFERRED", "description": "Mine."}, {"name": "CONF_0.8-0.9"}]}
            return {"name": tag}
        if tag == "/CONF_0.8-0.9" and next(outages, False):
            return 503, {}
        tagged = there["fields"][0] if "/fields/" in place else there
        tagged["tags"].append(tag[1:])
        return there

    one = event(writes=[written(late=("ai_inferred", "0.80-0.90"))])
    with Endpoint(respond) as marquez, MarquezClient(marquez.url) as client:
        with pytest.raises(MarquezUnavailableError, match="HTTP 503"):
            sync_tags(one, client)
        assert marquez.paths[2] == "/api/v1/tags/CONF_0.8-0.9"
        assert marquez.requests[2] == {"description": DESCRIPTIONS["CONF_0.8-0.9"]}
        sync_tags(one, client)
        assert sorted(there["tags"]) == sorted(there["fields"][0]["tags"]) == ["AI_INFERRED", "CONF_0.8-0.9"]
        asked = len(marquez.paths)
        sync_tags(one, client)
        assert len(marquez.paths) == asked + 1
    assert "/api/v1/tags/AI_INFERRED" not in marquez.paths, "somebody described it already"
