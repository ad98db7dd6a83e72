"""The events that a DAG run really sends, through OpenLineage's own file transport."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from airflow_home import HOME, ROWS, write_truth


@pytest.fixture(scope="module")
def sent(rows, store, tmp_path_factory):
    """States of the tasks, events by task and type, and what the process printed."""
    here = tmp_path_factory.mktemp("lineage")
    pd.DataFrame({"id": range(30), "age": range(30)}).to_sql("people", rows, index=False)
    write_truth(rows, "truth", [n > 10 for n in range(30)])
    transport = {"type": "file", "log_file_path": str(here / "events.jsonl"), "append": True}
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("own_process.py"), "lineage", here],
        env={
            **os.environ,
            "AIRFLOW__OPENLINEAGE__DISABLED": "False",
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "tests",
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    answer = json.loads((here / "states.json").read_text())
    events: dict = {}
    for line in (here / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        task = event["job"]["name"].partition(".")[2]
        events.setdefault(task, {}).setdefault(event["eventType"], []).append(event)
    return answer, events, done.stdout + done.stderr


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
    assert not output.get("outputFacets")
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
    (dataset,) = one(sent, "skips", "COMPLETE")["inputs"]
    assert False in [a["success"] for a in dataset["inputFacets"]["dataQualityAssertions"]["assertions"]]


def test_the_truth_is_an_input_too(sent):
    event = one(sent, "truth", "COMPLETE")
    assert {i["name"] for i in event["inputs"]} == {"main.claims", "main.truth"}
    assert {i["name"] for i in one(sent, "truth", "START")["inputs"]} == {"main.claims", "main.truth"}
    judged = next(i for i in event["inputs"] if i["name"] == "main.claims")
    assert "dataQualityAssertions" in judged["inputFacets"]


def test_a_reader_repeats_the_writers_descriptions(sent):
    """Marquez shows those of the event that named the dataset last."""
    written = one(sent, "score", "COMPLETE")["outputs"][0]["facets"]["schema"]["fields"]
    read = one(sent, "passes", "COMPLETE")["inputs"][0]["facets"]["schema"]["fields"]
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
    # What a fork of the task logs may be printed more than once.
    assert warning in sent[2] or any(warning in path.read_text() for path in (HOME / "logs").rglob("*.log"))
