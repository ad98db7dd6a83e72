"""What one event says flowed, whoever sent it and however odd it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from event_samples import NAMESPACE, columns, dataset, event, field, provenance
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.lineage import (
    Edge,
    EdgeKind,
    Flow,
    Node,
    Origin,
    column_node,
    dataset_node,
    job_node,
)
from airflow_provider_aiguard.lineage import edges as module
from airflow_provider_aiguard.lineage.edges import edges_of

JOB = job_node("tests", "dag.task")


def read(one: dict[str, Any]) -> Flow:
    flow = edges_of(one)
    assert flow is not None
    return flow


def node(words: str) -> Node:
    """``name``, ``name:column``, or ``@`` for the job."""
    if words == "@":
        return JOB
    name, _, column = words.partition(":")
    whole = dataset_node(NAMESPACE, name)
    return column_node(whole, column) if column else whole


def edge(source: str, target: str, kind: str, *, direct: bool = True, opaque: bool = False) -> Edge:
    return Edge(node(source), node(target), JOB, EdgeKind(kind), direct=direct, opaque=opaque)


def said(one: dict[str, Any]) -> set[Edge]:
    flow = read(one)
    assert len(set(flow.edges)) == len(flow.edges)
    return set(flow.edges)


def test_each_input_leads_to_each_output() -> None:
    flow = read(event(["a", "b"], ["c"]))
    assert set(flow.edges) == {edge("a", "c", "data", opaque=True), edge("b", "c", "data", opaque=True)}
    assert (flow.run_id, flow.job, flow.complete) == ("run-1", JOB, True)
    assert flow.at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_side_that_is_missing_is_the_job() -> None:
    assert said(event(["a"], [])) == {edge("a", "@", "read")}
    assert said(event([], ["c"])) == {edge("@", "c", "write", opaque=True)}


def test_columns_come_from_both_lists_directly_or_not() -> None:
    fields = {
        "x": [field("a", "p", "DIRECT"), field("a", "q", "INDIRECT")],
        "y": [field("a", "q", "INDIRECT"), field("a", "q", "DIRECT"), field("a", "r")],
    }
    facet = columns(fields, rows=[field("b", "k", "INDIRECT")])
    assert said(event(["a", "b"], [dataset("c", facet)])) == {
        edge("a", "c", "data"),
        edge("b", "c", "data"),
        edge("a:p", "c:x", "column"),
        edge("a:q", "c:x", "column", direct=False),
        edge("a:q", "c:y", "column"),
        edge("a:r", "c:y", "column"),
        edge("b:k", "c", "filter", direct=False),
    }


def test_the_deprecated_form_says_how_too() -> None:
    entry = {"inputFields": [{"namespace": NAMESPACE, "name": "a", "field": "p"}], "transformationType": "INDIRECT"}
    facet = {"columnLineage": {"fields": {"x": entry}}}
    assert edge("a:p", "c:x", "column", direct=False) in said(event(["a"], [dataset("c", facet)]))


def test_an_input_that_no_column_names_may_be_in_any() -> None:
    facet = columns({"x": [field("a", "p")]})
    found = said(event(["a", "b"], [dataset("c", facet), "d"]))
    assert {e for e in found if e.kind is EdgeKind.DATA} == {
        edge("a", "c", "data"),
        edge("b", "c", "data", opaque=True),
        edge("a", "d", "data", opaque=True),
        edge("b", "d", "data", opaque=True),
    }


def test_a_source_that_only_columns_name_is_an_input() -> None:
    assert edge("z", "c", "data") in said(event(["a"], [dataset("c", columns({"x": [field("z", "p")]}))]))


def test_a_model_leads_to_the_columns_it_filled_and_to_no_other() -> None:
    model = dataset("gbm/3", {"datasetType": {"datasetType": "MODEL"}}, namespace="aimodel://local")
    facets = {**columns({"late": [field("a", "hour")], "id": [field("a", "id")]}), **provenance("late")}
    flow = read(event(["a", model], [dataset("c", facets)]))
    gbm = dataset_node("aimodel://local", "gbm/3")
    assert {(e.target, e.kind, e.opaque) for e in flow.edges if e.source == gbm} == {
        (node("c"), EdgeKind.DATA, False),
        (node("c:late"), EdgeKind.MODEL, False),
    }
    facets["aiguard_provenance"]["columnsOmitted"] = 2
    (only,) = [e for e in read(event(["a", model], [dataset("c", facets)])).edges if e.source == gbm]
    assert (only.kind, only.opaque) == (EdgeKind.DATA, True)


def test_where_written_values_came_from_is_kept() -> None:
    assert read(event(["a"], [dataset("c", provenance("late"))])).origins == {
        node("c"): Origin(origin="ai_inferred", run_id="step-1", model="gbm", model_version="3", ai_share=1.0),
        node("c:late"): Origin(origin="ai_inferred", run_id="step-1", model="gbm", model_version="3", confidence=0.86),
    }


@pytest.mark.parametrize("odd", [True, "0.5", -0.1, 1.5, float("nan"), [0.5]])
def test_a_share_that_is_none_is_left_out(odd: object) -> None:
    flow = read(event(["a"], [dataset("c", provenance("late", aiShare=odd))]))
    assert flow.origins[node("c")].ai_share is None


@pytest.mark.parametrize("kind", ["FAIL", "ABORT", "RUNNING", "fail"])
def test_what_a_run_that_did_not_succeed_names_may_be_written(kind: str) -> None:
    flow = read(event(["a"], [dataset("c", provenance("late"))], kind=kind))
    assert set(flow.edges) == {edge("a", "c", "data", opaque=True)}
    assert (flow.complete, flow.origins) == (False, {})


@pytest.mark.parametrize("kind", ["START", "OTHER"])
def test_outputs_of_a_start_are_an_intention(kind: str) -> None:
    renamed = {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": NAMESPACE, "name": "old"}}
    out = dataset("c", {"lifecycleStateChange": renamed})
    assert said(event(["a"], [out], kind=kind)) == {edge("a", "@", "read")}
    assert edges_of(event([], [out], kind=kind)) is None


def test_finished_chunks_of_a_failed_step_are_where_its_run_says() -> None:
    run = {"targetNamespace": NAMESPACE, "targetName": "c", "chunks": 2}
    failed = event(["a"], [], kind="FAIL") | {"run": {"runId": "r", "facets": {"aiguard_run": run}}}
    assert said(failed) == {edge("a", "c", "data", opaque=True)}
    run["chunks"] = 0
    assert said(failed) == {edge("a", "@", "read")}


def test_renames_and_other_names() -> None:
    rename = {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": NAMESPACE, "name": "old"}}
    links = {"identifiers": [{"namespace": "s3://lake", "name": "c", "type": "TABLE"}, dataset("c")]}
    flow = read(event(["a"], [dataset("c", {"lifecycleStateChange": rename, "symlinks": links})]))
    lake = dataset_node("s3://lake", "c")
    assert {(e.source, e.target) for e in flow.edges if e.kind is EdgeKind.ALIAS} == {
        (lake, node("c")),
        (node("c"), lake),
    }
    assert [(e.source, e.target) for e in flow.edges if e.kind is EdgeKind.RENAME] == [(node("old"), node("c"))]
    rename["lifecycleStateChange"] = "ALTER"
    again = read(event(["a"], [dataset("c", {"lifecycleStateChange": rename})]))
    assert EdgeKind.RENAME not in {e.kind for e in again.edges}


def test_a_deleted_facet_says_nothing() -> None:
    facet = columns({"x": [field("a", "p")]})
    facet["columnLineage"]["_deleted"] = True
    assert said(event(["a"], [dataset("c", facet)])) == {edge("a", "c", "data", opaque=True)}


def test_an_event_of_a_dataset_alone() -> None:
    renamed = {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": NAMESPACE, "name": "old"}}
    facets = {**columns({"x": [field("a", "p")]}), "lifecycleStateChange": renamed}
    flow = read({"eventTime": "2026-01-01T00:00:00", "dataset": dataset("c", facets)})
    assert {(str(e.source), str(e.target), str(e.kind)) for e in flow.edges} == {
        ("a", "c", "data"),
        ("a.p", "c.x", "column"),
        ("old", "c", "rename"),
    }
    assert (flow.run_id, flow.job, flow.complete) == ("", job_node("", ""), False)
    assert edges_of({"eventTime": "2026-01-01T00:00:00", "dataset": dataset("c")}) is None


def test_a_reader_that_repeats_where_columns_come_from_writes_nothing() -> None:
    assert said(event([dataset("c", columns({"x": [field("a", "p")]}))], [])) == {edge("c", "@", "read")}


def test_many_pairs_meet_at_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PAIRS", 3)
    assert said(event(["a", "b"], ["c", "d"])) == {
        edge("a", "@", "read"),
        edge("b", "@", "read"),
        edge("@", "c", "write", opaque=True),
        edge("@", "d", "write", opaque=True),
    }
    told = [dataset(name, columns({"x": [field("a", "p"), field("b", "q")]})) for name in ("c", "d")]
    assert edge("@", "c", "write") in said(event(["a", "b"], told))


def test_too_many_columns_are_told_by_their_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_COLUMN_EDGES", 2)
    wide = dataset("c", columns({"x": [field("z", "p"), field("a", "p"), field("a", "q")]}))
    narrow = dataset("d", columns({"x": [field("a", "p")]}))
    assert said(event(["a"], [wide, narrow])) == {
        edge("a", "c", "data", opaque=True),
        edge("z", "c", "data", opaque=True),
        edge("a", "d", "data"),
        edge("a:p", "d:x", "column"),
    }


@pytest.mark.parametrize(
    "odd",
    [
        {},
        [],
        event(["a"], ["b"], at="yesterday"),
        event(["a"], ["b"]) | {"eventTime": 5},
        event(["a"], ["b"], at="0001-01-01T00:00:00+14:00"),
        event([], []),
        event([{"name": "a"}, {"namespace": "n"}, 3, None, {"namespace": "n", "name": 7}], []),
    ],
)
def test_an_event_without_time_or_datasets_says_nothing(odd: Any) -> None:
    assert edges_of(odd) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
WORDS = [
    *("inputs", "outputs", "dataset", "facets", "namespace", "name", "columnLineage", "fields", "inputFields", "field"),
    *("transformations", "type", "symlinks", "identifiers", "lifecycleStateChange", "previousIdentifier", "columns"),
    *("aiguard_provenance", "origin", "datasetType", "run", "aiguard_run", "job", "eventType", "_deleted", "model"),
]
TREE = st.recursive(
    JSON | st.sampled_from(["DIRECT", "RENAME", "MODEL", "START", "COMPLETE"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=40,
)


@given(TREE)
def test_nothing_in_an_event_makes_it_fail(tree: Any) -> None:
    whole = {"eventTime": "2026-01-01T00:00:00Z", **(tree if isinstance(tree, dict) else {"inputs": tree})}
    flow = edges_of(whole)
    if flow:
        assert all(e.source.namespace is not None and e.target.name for e in flow.edges)
