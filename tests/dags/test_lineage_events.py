"""The events that a DAG run really sends, through OpenLineage's own file transport."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from airflow_home import HOME, ROWS, write_truth
from emitted import emitted_by
from openlineage_schema import validate_event


@pytest.fixture(scope="module")
def sent(rows, store, tmp_path_factory):
    """States of the tasks, events by task and type, and what the process printed."""
    here = tmp_path_factory.mktemp("lineage")
    pd.DataFrame({"id": range(30), "age": range(30)}).to_sql("people", rows, index=False)
    write_truth(rows, "truth", [n > 10 for n in range(30)])
    done = emitted_by("lineage", here)
    events: dict = {}
    for event in done.events:
        task = event["job"]["name"].partition(".")[2]
        events.setdefault(task, {}).setdefault(event["eventType"], []).append(event)
    return done.answer, events, done.printed


def one(sent, task, kind):
    (event,) = sent[1][task][kind]
    return event


def test_every_task_ended_as_it_should(sent):
    failed, skipped = {"breaches", "ill"}, {"skips"}
    for task, state in sent[0]["states"].items():
        assert state == ("failed" if task in failed else "skipped" if task in skipped else "success"), task


def test_every_event_is_json_without_nan_and_every_task_starts_once(sent):
    for task in sent[0]["states"]:
        assert len(sent[1][task]["START"]) == 1
        ends = sent[1][task].get("COMPLETE", []) + sent[1][task].get("FAIL", [])
        assert len(ends) == 1
    text = json.dumps(sent[1])
    assert "NaN" not in text
    assert "Infinity" not in text


def test_every_event_is_valid(sent):
    for kinds in sent[1].values():
        for event in (event for events in kinds.values() for event in events):
            validate_event(event)


def test_no_start_has_outputs(sent):
    for task in sent[0]["states"]:
        assert one(sent, task, "START")["outputs"] == []
    inputs = one(sent, "score", "START")["inputs"]
    assert [(i["namespace"], i["name"]) for i in inputs] == [(f"sqlite://{ROWS}", "main.people")]


def test_the_inference_says_what_it_wrote(sent, store):
    event = one(sent, "score", "COMPLETE")
    (output,) = event["outputs"]
    assert (output["namespace"], output["name"]) == (f"sqlite://{ROWS}", "main.claims")
    facets = output["facets"]
    assert {"schema", "columnLineage", "tags", "aiguard_provenance"} <= set(facets)
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 30
    fields = {f["name"]: f for f in facets["schema"]["fields"]}
    assert set(fields) == {"id", "late", "late__provenance", "late__confidence", "late__run"}
    assert fields["late"]["description"]
    assert set(facets["columnLineage"]["fields"]) >= {"late", "id"}
    column = facets["aiguard_provenance"]["columns"]
    assert "30" in json.dumps(column)
    assert "ai_inferred" in json.dumps(column)
    run = event["run"]["facets"]["aiguard_run"]
    text = json.dumps(run)
    assert "rule" in text
    assert "aiguard" in run["_producer"]
    assert all("aiguard" in str(facets[name]["_schemaURL"]) for name in ("aiguard_provenance",))


def test_the_run_in_the_store_has_the_id_of_the_events(sent, store):
    (run,) = store.runs.list(dag_run_id=sent[0]["run_id"], task_id="score")
    assert run.identity.openlineage_run_id == one(sent, "score", "COMPLETE")["run"]["runId"]


@pytest.mark.parametrize(
    ("task", "kind", "success"),
    [("passes", "COMPLETE", True), ("sensor", "COMPLETE", True), ("breaches", "FAIL", False)],
)
def test_a_guard_says_what_it_found_whatever_it_found(sent, task, kind, success):
    event = one(sent, task, kind)
    (dataset,) = event["inputs"]
    assert dataset["name"] == "main.claims"
    assertions = {a["assertion"]: a for a in dataset["inputFacets"]["dataQualityAssertions"]["assertions"]}
    (mean,) = [a for name, a in assertions.items() if "mean" in name]
    assert (mean["success"], mean["column"]) == (success, "late")
    assert event["run"]["facets"]["test"]["tests"]
    assert event["outputs"] == []


def test_a_guard_that_skips_says_so(sent):
    event = one(sent, "skips", "COMPLETE")
    (dataset,) = event["inputs"]
    assert False in [a["success"] for a in dataset["inputFacets"]["dataQualityAssertions"]["assertions"]]
    verdict = event["run"]["facets"]["aiguard_verdict"]
    assert (verdict["outcome"], verdict["effect"]) == ("breach", "skipped")
    assert "breach, task skipped" in event["job"]["facets"]["documentation"]["description"]


def test_a_guard_that_warns_says_so(sent):
    verdict = one(sent, "warns", "COMPLETE")["run"]["facets"]["aiguard_verdict"]
    assert (verdict["outcome"], verdict["effect"]) == ("breach", "warned")


def test_facets_lead_to_the_task_in_airflow(sent):
    link = one(sent, "breaches", "FAIL")["run"]["facets"]["aiguard_verdict"]["detailUri"]
    assert link.startswith("http://airflow.example:8080/dags/lineage/runs/")
    assert link.endswith("/tasks/breaches?try_number=1")
    assert one(sent, "score", "COMPLETE")["run"]["facets"]["aiguard_cost"]["costUsd"] == 0.3


def test_a_crash_keeps_its_trace_and_not_its_message(sent):
    error = one(sent, "ill", "FAIL")["run"]["facets"]["errorMessage"]
    assert error["message"].startswith("RuntimeError: the message is in the task's log")
    assert "own_process.py" in error["stackTrace"]
    assert "SECRET" not in json.dumps(error)


def test_the_truth_is_an_input_too(sent):
    event = one(sent, "truth", "COMPLETE")
    assert {i["name"] for i in event["inputs"]} == {"main.claims", "main.truth"}
    assert {i["name"] for i in one(sent, "truth", "START")["inputs"]} == {"main.claims", "main.truth"}
    judged = next(i for i in event["inputs"] if i["name"] == "main.claims")
    assert "dataQualityAssertions" in judged["inputFacets"]


@pytest.mark.parametrize("reader", ["passes", "profiled"])
def test_a_reader_repeats_the_writers_descriptions(sent, reader):
    """Marquez shows those of the event that named the dataset last."""
    written = one(sent, "score", "COMPLETE")["outputs"][0]["facets"]["schema"]["fields"]
    read = one(sent, reader, "COMPLETE")["inputs"][0]["facets"]["schema"]["fields"]
    assert {f["name"]: f.get("description") for f in read} == {f["name"]: f.get("description") for f in written}


def test_a_budget_has_tests_and_no_dataset(sent):
    event = one(sent, "money", "COMPLETE")
    assert (event["inputs"], event["outputs"]) == ([], [])
    assert {t["status"] for t in event["run"]["facets"]["test"]["tests"]} == {"pass"}


def test_a_profile_says_what_it_counted(sent):
    (dataset,) = one(sent, "profile", "COMPLETE")["inputs"]
    assert dataset["inputFacets"]["dataQualityMetrics"]["rowCount"] == 30


def test_a_failed_inference_names_no_output(sent):
    event = one(sent, "ill", "FAIL")
    assert event["outputs"] == []
    assert event["run"]["facets"]["aiguard_run"]


@pytest.mark.parametrize(
    ("task", "warning"),
    [
        ("mute", "The lineage of this run could not be gathered"),
        ("stammers", "The lineage of this task could not be told"),
    ],
)
def test_lineage_that_breaks_is_a_warning(sent, task, warning):
    assert sent[0]["states"][task] == "success"
    event = one(sent, task, "COMPLETE")
    assert "aiguard_run" not in event["run"]["facets"]
    assert logged(sent, warning)


def test_the_log_says_where_marquez_shows_what_was_read_and_written(sent):
    for name in ("main.people", "main.claims", "main.truth"):
        assert logged(sent, f"Lineage of {name} in Marquez: http://marquez.example/lineage/dataset/sqlite%3A%2F%2F")


def logged(sent, text):
    # What a fork of the task logs may be printed more than once.
    return text in sent[2] or any(text in path.read_text() for path in (HOME / "logs").rglob("*.log"))
