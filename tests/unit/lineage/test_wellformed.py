from __future__ import annotations

import pytest
from openlineage.client.event_v2 import RunState

from airflow_provider_aiguard.lineage.facets.base import SCHEMA_BASE_URL
from airflow_provider_aiguard.lineage.wellformed import problems

FACET = {"_producer": "https://x.example", "_schemaURL": "https://x.example#/$defs/X"}


def event(**run_facets):
    return {
        "producer": "https://x.example", "schemaURL": "https://x.example#/$defs/RunEvent", "eventTime": "now",
        "run": {"runId": "r", "facets": run_facets}, "job": {"namespace": "n", "name": "j"},
    }  # fmt: skip


def test_an_event_of_ours_has_no_problem(summary, wire):
    from airflow_provider_aiguard.lineage.events import Lineage
    from airflow_provider_aiguard.lineage.facets.provenance import provenance_facet

    assert problems(wire(Lineage(run_facets={"x": provenance_facet(summary)}), RunState.COMPLETE)) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({**event(), "producer": ""}, ["event: producer is missing"]),
        ({**event(), "run": {}}, ["run: runId is missing"]),
        ({**event(), "run": "r"}, ["run: it is no object"]),
        ({**event(), "inputs": ["t"], "outputs": {}}, ["inputs[0]: it is no object"]),
        ({**event(), "job": {"namespace": "n", "name": "j", "facets": [1]}}, ["job.facets: it is no object"]),
        ({**event(), "inputs": [{"name": "t"}]}, ["inputs[0]: namespace is missing"]),
        ({**event(), "outputs": [{"namespace": "n", "name": "t", "outputFacets": {"a": 3}}]},
         ["outputs[0].a: it is no object"]),
        (event(parent={**FACET, "run": {}}), ["run.parent: job is missing"]),
        (event(a={}), ["run.a: _producer is no URL", "run.a: _schemaURL is no URL"]),
        (event(schema={**FACET, "fields": [{"name": "a", "type": "INT"}, {"name": "b"}]}),
         ["run.schema: a field has no type"]),
        (event(jobType={**FACET, "processingType": "BATCH", "integration": "AIRFLOW"}),
         ["run.jobType: jobType is missing"]),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_with_its_place(wrong, said):
    assert problems(wrong) == said


def test_our_own_facets_are_held_to_our_own_schemas():
    from airflow_provider_aiguard.lineage.facets import FACETS

    url = FACETS["aiguard_provenance"]._get_schema()
    found = problems(event(aiguard_provenance={"_producer": "https://x.example", "_schemaURL": url}))
    assert "run.aiguard_provenance: origin is missing" in found
    unknown = {**FACET, "_schemaURL": f"{SCHEMA_BASE_URL}/9-0-0/No.json#/$defs/No"}
    assert problems(event(aiguard_x=unknown)) == []
