"""Every event that any example DAG sends is what OpenLineage's specification and our schemas say."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from emitted import emitted_by
from openlineage_schema import validate_event

from airflow_provider_aiguard.lineage.facets.base import SCHEMA_BASE_URL


@pytest.fixture(scope="module")
def sent(warehouse, store, tmp_path_factory):
    return emitted_by("examples", tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="module")
def facets(sent):
    """Place and key of each facet, by how often it was seen, after every event was accepted."""
    return Counter(found for event in sent.events for found in validate_event(event))


def test_every_event_is_valid(facets):
    assert facets[("run", "aiguard_run")] == facets[("run", "aiguard_cost")] >= 10
    assert {key for _, key in facets} >= {
        *("schema", "columnLineage", "dataQualityMetrics", "dataQualityAssertions", "outputStatistics", "tags"),
        *("documentation", "ownership", "jobType", "test", "errorMessage", "datasetType", "version", "parent"),
        *("aiguard_provenance", "aiguard_run", "aiguard_cost", "aiguard_verdict"),
    }


def test_every_task_that_ran_has_one_start_and_one_end(sent):
    expected = Counter()
    for dag, runs in sent.answer.items():
        for run in runs:
            expected.update(
                f"{dag}.{task.partition('[')[0]}" for task, state in run["states"].items() if state != "upstream_failed"
            )
    tasks = [e for e in sent.events if "." in e["job"]["name"] and ".query." not in e["job"]["name"]]
    assert Counter(e["job"]["name"] for e in tasks if e["eventType"] == "START") == expected
    assert Counter(e["job"]["name"] for e in tasks if e["eventType"] in {"COMPLETE", "FAIL"}) == expected


def test_who_owns_a_job_and_what_kind_it_is(sent):
    for event in sent.events:
        facets = event["job"]["facets"]
        # A query that one of Airflow's hooks ran is a job of its own, owned by nobody.
        query = ".query." in event["job"]["name"]
        assert facets["jobType"]["integration"] == "AIRFLOW"
        assert facets["jobType"]["jobType"] in ({"QUERY"} if query else {"DAG", "TASK"})
        assert query or facets["ownership"]["owners"]


def test_a_breach_reads_as_a_verdict_and_not_as_a_crash(sent):
    failed = [event for event in sent.events if event["eventType"] == "FAIL" and "." in event["job"]["name"]]
    assert {event["job"]["name"] for event in failed} == {
        *("example_flight_delays.drift", "example_flight_delays.right", "example_flight_delays.score"),
    }
    for event in failed:
        facets = event["run"]["facets"]
        assert facets["aiguard_verdict"]["effect"] == "failed"
        assert facets["errorMessage"]["message"] == facets["aiguard_verdict"]["reason"]
        assert "stackTrace" not in facets["errorMessage"]


def test_the_model_is_an_input_of_what_it_inferred(sent):
    (first, *_) = sent.of("example_flight_delays.score", "COMPLETE")
    (model,) = [d for d in first["inputs"] if d["namespace"] == "aimodel://aiguard"]
    assert model["name"] == "flights-gbm/2013-01"
    assert model["facets"]["datasetType"]["datasetType"] == "MODEL"


def test_our_facets_name_schemas_of_the_documentation(sent):
    ours = [f for e in sent.events for k, f in e["run"]["facets"].items() if k.startswith("aiguard_")]
    assert ours
    assert all(facet["_schemaURL"].startswith(SCHEMA_BASE_URL) for facet in ours)


def test_no_value_of_a_row_is_in_any_event(sent):
    """Carriers and airports are values; the SQL that others' hooks ran is in the events of those queries."""
    ours = json.dumps([event for event in sent.events if ".query." not in event["job"]["name"]])
    code = "|".join(["ATL", "BOS", "LAX", "ORD", "EWR", "JFK", "LGA", "ZZ", "B6", "OO"])
    assert not re.search(rf"\b({code})\b", ours)


def test_the_function_of_a_step_is_the_source_code_of_its_job(sent):
    (first, *_) = sent.of("example_flight_delays.score", "COMPLETE")
    assert "predict_proba" in first["job"]["facets"]["sourceCode"]["sourceCode"]


def test_the_model_leads_back_to_its_training_set(sent):
    (trained,) = sent.of("example_flight_baseline.trained", "COMPLETE")
    (model,) = trained["outputs"]
    (first, *_) = sent.of("example_flight_delays.score", "COMPLETE")
    assert (model["namespace"], model["name"]) in {(d["namespace"], d["name"]) for d in first["inputs"]}
    assert {d["name"] for d in trained["inputs"]} == {"main.flights", "main.arrivals"}
