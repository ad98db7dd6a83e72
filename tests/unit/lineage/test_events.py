from __future__ import annotations

import dataclasses
import json
import os
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lineage_samples import SOURCE, SOURCE_FIELDS, TARGET, TARGET_FIELDS, summary_of
from openlineage.client.event_v2 import RunState as EventState
from openlineage.client.serde import Serde

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile
from airflow_provider_aiguard.core.run import InferenceSummary, ModelIdentity, RunState
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity, Verdict
from airflow_provider_aiguard.guards.drift import DriftLimits, evaluate
from airflow_provider_aiguard.lineage.datasets import MODEL_NAMESPACE, DatasetField, DatasetName
from airflow_provider_aiguard.lineage.events import (
    ColumnNumbers,
    Lineage,
    guard_lineage,
    inference_lineage,
    profile_lineage,
    start_lineage,
    training_lineage,
)
from airflow_provider_aiguard.lineage.keys import PRODUCER
from airflow_provider_aiguard.lineage.marquez_tags import tags_said

if TYPE_CHECKING:
    from pathlib import Path

Wire = Callable[..., dict[str, Any]]


def infer(summary: InferenceSummary, **changes: Any) -> Lineage:
    arguments: dict[str, Any] = {
        "source": SOURCE,
        "source_fields": SOURCE_FIELDS,
        "target": TARGET,
        "target_fields": TARGET_FIELDS,
        "input_columns": ["distance", "hour"],
        "copied_columns": ["flight_id"],
        "run_url": "https://airflow.example/run",
    }
    return inference_lineage(summary, **{**arguments, **changes})


def judge(outcome: Outcome = Outcome.BREACH, **changes: Any) -> Verdict:
    values = {
        "check": "confidence.mean",
        "message": "mean 0.71 is below 0.80",
        "column": "late",
        "value": 0.71,
        "limit": 0.8,
    }
    return Verdict(
        guard="confidence", subject="flights", checks=(CheckResult(outcome=outcome, **{**values, **changes}),)
    )


def facets_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    holders = [event["run"]["facets"], event["job"]["facets"]]
    for dataset in [*event["inputs"], *event["outputs"]]:
        holders += [dataset.get(kind, {}) for kind in ("facets", "inputFacets", "outputFacets")]
    return [facet for holder in holders for facet in holder.values()]


def schema(dataset: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f["name"]: f for f in dataset["facets"]["schema"]["fields"]}


def every_lineage(summary: InferenceSummary) -> list[Lineage]:
    return [
        start_lineage({SOURCE: SOURCE_FIELDS}),
        infer(summary),
        infer(summary, state=RunState.FAILED),
        guard_lineage(judge(), table=SOURCE, fields=SOURCE_FIELDS),
        profile_lineage(table=SOURCE, fields=SOURCE_FIELDS, row_count=3, columns={"hour": ColumnNumbers(null_count=0)}),
    ]


def test_every_facet_is_ours_and_says_where_its_schema_is(summary: InferenceSummary, wire: Wire) -> None:
    found = [facet for lineage in every_lineage(summary) for facet in facets_of(wire(lineage))]
    assert len(found) > 15
    for facet in found:
        assert facet["_producer"] == PRODUCER
        url = urlparse(facet["_schemaURL"])
        assert url.scheme == "https"
        assert url.fragment.startswith("/$defs/")


def test_every_dataset_field_has_a_type(summary: InferenceSummary, wire: Wire) -> None:
    for lineage in every_lineage(summary):
        event = wire(lineage)
        for dataset in [*event["inputs"], *event["outputs"]]:
            if dataset["namespace"] != MODEL_NAMESPACE:
                assert all(field["type"] for field in dataset["facets"]["schema"]["fields"])


def test_start_names_inputs_only(wire: Wire) -> None:
    event = wire(start_lineage({SOURCE: SOURCE_FIELDS, TARGET: []}), EventState.START)
    assert event["outputs"] == []
    assert [(d["namespace"], d["name"]) for d in event["inputs"]] == [
        (SOURCE.namespace, SOURCE.name),
        (TARGET.namespace, TARGET.name),
    ]
    assert schema(event["inputs"][0])["distance"] == {"name": "distance", "type": "DOUBLE", "description": "Miles"}
    assert event["inputs"][1]["facets"] == {}
    assert event["run"]["facets"] == {}


def test_inference(summary: InferenceSummary, wire: Wire) -> None:
    event = wire(infer(summary, budgets=[Budget("flights", "5.00")]))
    (source, model), (target,) = event["inputs"], event["outputs"]
    assert set(source["facets"]) == {"schema"}
    assert set(target["facets"]) == {
        *("schema", "documentation", "columnLineage", "tags", "dataQualityMetrics", "aiguard_provenance"),
    }
    assert target["facets"]["dataQualityMetrics"]["columnMetrics"] == {"late": {"count": 8}}
    assert target["outputFacets"]["outputStatistics"]["rowCount"] == 8
    assert (model["namespace"], model["name"]) == (MODEL_NAMESPACE, "flights-late/3")
    assert set(model["facets"]) == {"datasetType", "documentation", "version"}
    assert schema(target)["late"]["description"].startswith(
        "[AI-inferred] flights-late@3, mean confidence 0.86 (p10 0.61)"
    )
    assert target["facets"]["documentation"]["description"].startswith("AI-inferred by flights-late@3: late")
    assert set(event["run"]["facets"]) == {"aiguard_run", "aiguard_cost"}
    assert event["run"]["facets"]["aiguard_cost"]["budgetLimitUsd"] == 5.0
    assert event["job"]["facets"]["documentation"]["description"] == (
        "AI step: flights-late@3 writes late; last run success: 10 rows, $1.42."
    )


def test_the_source_of_a_function_is_the_jobs(summary: InferenceSummary, wire: Wire) -> None:
    facet = wire(infer(summary, source_code="def score(batch): ..." + "\x00" * 20_000))["job"]["facets"]["sourceCode"]
    assert (facet["language"], len(facet["sourceCode"])) == ("python", 10_000)
    assert "sourceCode" not in wire(infer(summary))["job"]["facets"]


def test_every_edge_has_both_its_columns_in_a_schema(summary: InferenceSummary, wire: Wire) -> None:
    event = wire(infer(summary, source_fields=[], target_fields=[]))
    (source, _), (target,) = event["inputs"], event["outputs"]
    lineage = target["facets"]["columnLineage"]["fields"]
    assert set(lineage) == {"late", "flight_id"} == set(schema(target))
    for column in lineage.values():
        for edge in column["inputFields"]:
            assert (edge["namespace"], edge["name"]) == (source["namespace"], source["name"])
            assert edge["field"] in schema(source)


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.RUNNING, RunState.ABANDONED])
def test_a_run_that_did_not_succeed_moves_no_version(summary: InferenceSummary, wire: Wire, state: RunState) -> None:
    event = wire(infer(summary, state=state), EventState.FAIL)
    assert event["outputs"] == []
    assert [d["name"] for d in event["inputs"]] == [SOURCE.name, "flights-late/3"]
    run = event["run"]["facets"]["aiguard_run"]
    assert run["state"] == state
    assert (run["targetNamespace"], run["targetName"]) == (TARGET.namespace, TARGET.name)


def test_in_place_both_sides_say_the_same(summary: InferenceSummary, wire: Wire) -> None:
    event = wire(infer(summary, target=SOURCE, source_fields=TARGET_FIELDS))
    (source, _), (target,) = event["inputs"], event["outputs"]
    for facet in ("schema", "documentation"):
        assert source["facets"][facet] == target["facets"][facet]
    assert set(target["facets"]["columnLineage"]["fields"]) == {"late"}
    failed = wire(infer(summary, target=SOURCE, state=RunState.FAILED), EventState.FAIL)
    assert "documentation" not in failed["inputs"][0]["facets"]


def test_readers_repeat_the_writers_descriptions(summary: InferenceSummary, wire: Wire) -> None:
    written = wire(infer(summary))["outputs"][0]["facets"]
    known = {TARGET: summary}
    readers = [
        start_lineage({TARGET: TARGET_FIELDS}, written_by=known),
        guard_lineage(judge(), table=TARGET, fields=TARGET_FIELDS, written_by=known),
        profile_lineage(table=TARGET, fields=TARGET_FIELDS, written_by=known),
        infer(
            summary, source=TARGET, source_fields=TARGET_FIELDS, target=SOURCE, input_columns=["late"], written_by=known
        ),
    ]
    for lineage in readers:
        read = wire(lineage)["inputs"][0]["facets"]
        assert read["schema"] == written["schema"]
        assert read["documentation"] == written["documentation"]


def test_a_guard_asserts_on_its_input_and_tests_its_run(wire: Wire) -> None:
    truth = DatasetName("postgres://db:5432", "app.public.labels")
    lineage = guard_lineage(
        judge(message="mean 0.71 of 'flights' is below 0.80, 'january' had 0.86, label 'LEVEL'"),
        table=SOURCE,
        fields=SOURCE_FIELDS,
        reference="january",
        also_read={truth: [DatasetField("late", "BOOLEAN")], SOURCE: []},
    )
    event = wire(lineage)
    assert event["outputs"] == []
    judged, labels = event["inputs"]
    (assertion,) = judged["inputFacets"]["dataQualityAssertions"]["assertions"]
    text = "confidence.mean: mean 0.71 of 'flights' is below 0.80, 'january' had 0.86, label '…'"
    assert (assertion["assertion"], assertion["success"], assertion["column"]) == (text, False, "late")
    assert (labels["name"], labels["inputFacets"]) == (truth.name, {})
    (result,) = event["run"]["facets"]["test"]["tests"]
    assert (result["description"], result["status"]) == (text, "fail")
    assert event["job"]["facets"]["documentation"]["description"] == (
        "confidence guard of flights against 'january'; last verdict breach, task failed: "
        "1 checks, 1 breached, 0 undecided."
    )
    reason = f"confidence guard of flights: breach. {text}"
    assert event["run"]["facets"]["aiguard_verdict"]["reason"] == lineage.reason == reason
    assert {"flights", "january", "hour", "late"} <= lineage.names


def test_a_step_that_reads_or_writes_no_table(summary: InferenceSummary, wire: Wire) -> None:
    written = wire(infer(summary, source=None, source_fields=[], input_columns=[], copied_columns=[]))
    assert [d["namespace"] for d in written["inputs"]] == [MODEL_NAMESPACE]
    assert "columnLineage" not in written["outputs"][0]["facets"]
    asked = wire(infer(summary_of({}), source=None, source_fields=[], target=None, target_fields=[], input_columns=[]))
    assert asked["outputs"] == []
    assert "targetName" not in asked["run"]["facets"]["aiguard_run"]


def test_a_training_leads_to_its_model(summary: InferenceSummary, wire: Wire) -> None:
    event = wire(training_lineage(summary.model, {SOURCE: SOURCE_FIELDS, TARGET: []}, written_by={TARGET: summary}))
    assert [d["name"] for d in event["inputs"]] == [SOURCE.name, TARGET.name]
    assert event["inputs"][1]["facets"]["documentation"]["description"].startswith("AI-inferred")
    (model,) = event["outputs"]
    read = wire(infer(summary))["inputs"][-1]
    assert (model["name"], model["facets"]) == (read["name"], read["facets"])


def test_a_training_set_says_whether_it_descends_from_its_model(summary: InferenceSummary, wire: Wire) -> None:
    inputs = {SOURCE: SOURCE_FIELDS, TARGET: [], DatasetName("file", "/unknown"): []}
    event = wire(training_lineage(summary.model, inputs, loops={SOURCE: False, TARGET: True}))
    said = [dict(one.flags) for one in tags_said({**event, "eventType": "COMPLETE"})]
    assert said == [{"AI_FEEDBACK_LOOP": False}, {"AI_FEEDBACK_LOOP": True}]
    assert "schema" in event["inputs"][0]["facets"]


def test_a_refused_run_says_what_refused_it(summary: InferenceSummary, wire: Wire) -> None:
    refusal = judge(check="budget.hold", message="Budget 'flights' refuses 'SECRET'", column=None)
    lineage = infer(summary, state=RunState.FAILED, refusal=refusal, budgets=[Budget("flights", "5.00")])
    facets = wire(lineage, EventState.FAIL)["run"]["facets"]
    assert set(facets) == {"aiguard_run", "aiguard_cost", "aiguard_verdict", "test"}
    reason = "confidence guard of flights: breach. budget.hold: Budget 'flights' refuses '…'"
    assert facets["aiguard_verdict"]["reason"] == lineage.reason == reason


def test_only_what_decided_is_the_reason(wire: Wire) -> None:
    checks = [judge(Outcome.PASS, message="fine").checks[0], judge(message="shown", severity=Severity.WARN).checks[0]]
    assert guard_lineage(Verdict(guard="drift", subject="t", checks=tuple(checks)), table=None).reason is None
    many = tuple(judge(message=f"number {i}").checks[0] for i in range(5))
    reason = guard_lineage(Verdict(guard="drift", subject="t", checks=many), table=None).reason
    assert reason is not None
    assert reason.endswith("number 2 (and 2 more)")
    nothing = guard_lineage(Verdict(guard="drift", subject="t", checks=()), table=None).reason
    assert nothing == "drift guard of t: undecided. undecided: nothing could be checked by the drift guard"


def test_a_budget_guard_has_no_dataset(wire: Wire) -> None:
    event = wire(guard_lineage(judge(Outcome.PASS, column=None), table=None))
    assert (event["inputs"], event["outputs"]) == ([], [])
    (result,) = event["run"]["facets"]["test"]["tests"]
    assert (result["name"], result["status"]) == ("confidence.mean", "pass")


def test_a_profile_carries_numbers(wire: Wire) -> None:
    numbers: Any = {
        "hour": ColumnNumbers(
            null_count=1, distinct_count=24, count=9, min=0, max=23.5, quantiles={0.5: 12, 0.9: float("nan")}
        ),
        "carrier": ColumnNumbers(null_count=0, min="SECRET", max="SECRET"),  # type: ignore[arg-type]
    }
    lineage = profile_lineage(table=SOURCE, fields=SOURCE_FIELDS, row_count=10_000, columns=numbers, profile="january")
    event = wire(lineage)
    metrics = event["inputs"][0]["inputFacets"]["dataQualityMetrics"]
    assert metrics["rowCount"] == 10_000
    assert metrics["columnMetrics"] == {
        "hour": {"nullCount": 1, "distinctCount": 24, "count": 9, "min": 0, "max": 23.5, "quantiles": {"0.5": 12}},
        "carrier": {"nullCount": 0},
    }
    text = event["job"]["facets"]["documentation"]["description"]
    assert text == "Stores the profile 'january', last of 10,000 rows."
    bare = wire(profile_lineage(table=SOURCE, fields=[]))
    assert bare["job"]["facets"]["documentation"]["description"] == "Profiles a table."


def test_no_value_out_of_a_row_is_in_an_event(summary: InferenceSummary, wire: Wire) -> None:
    """Planted wherever core values could carry one; what reaches the wire is counted, named or hidden."""
    verdict = judge(message="new levels 'SECRET' in 'late'", detail={"levels": {"SECRET": 3}, "reference": ["SECRET"]})
    numbers: Any = {"late": ColumnNumbers(min="SECRET", max="SECRET")}  # type: ignore[arg-type]
    lineages = [
        infer(summary),
        guard_lineage(verdict, table=SOURCE, fields=SOURCE_FIELDS),
        profile_lineage(table=SOURCE, fields=SOURCE_FIELDS, columns=numbers),
    ]
    assert "SECRET" not in json.dumps([wire(lineage) for lineage in lineages])


@given(
    st.text(max_size=30), st.sampled_from(list(Outcome)), st.sampled_from(["{0!r}", "is {0!r}, was {0!r};", "({0!r})"])
)
def test_whatever_a_value_is_its_quotation_does_not_travel(rest: str, outcome: Outcome, form: str) -> None:
    verdict = judge(outcome, message=f"category {form.format('SECRET' + rest)}", detail={"levels": ["SECRET"]})
    lineage = guard_lineage(verdict, table=SOURCE, fields=SOURCE_FIELDS)
    told = Serde.to_json(lineage.run_facets) + Serde.to_json(lineage.job_facets) + str(lineage.inputs)
    assert "SECRET" not in told + str(lineage.reason)


def test_the_drift_guards_levels_stay_at_home(wire: Wire) -> None:
    def carriers(*counts: int, **changes: Any) -> TableProfile:
        column = ColumnProfile(
            name="carrier",
            kind=ColumnKind.CATEGORICAL,
            type="VARCHAR",
            rows=1000,
            levels=("SECRET one", "SECRET's two"),
            counts=counts,
            **changes,
        )
        return TableProfile(table="flights", rows=1000, columns={"carrier": column})

    checks = evaluate(
        carriers(500, 500), carriers(50, 800, buckets=(150,), unseen=("SECRET three",)), DriftLimits(show_levels=True)
    )
    assert any("SECRET" in check.message for check in checks)
    verdict = Verdict(guard="drift", subject="flights", checks=tuple(checks))
    event = json.dumps(wire(guard_lineage(verdict, table=SOURCE, fields=[DatasetField("carrier")])))
    assert "SECRET" not in event
    assert "drift.unseen: carrier: category '\\u2026'" in event


def test_hostile_text_reaches_the_wire_harmless(summary: InferenceSummary, wire: Wire) -> None:
    bad = "x\x00\ud800"
    model = ModelIdentity(name=bad, version=bad, fingerprint=bad)
    hostile = summary_of({bad: summary.columns["late"]}, model=model)
    event = wire(infer(hostile, target_fields=[DatasetField(bad, bad, bad)], input_columns=[bad], copied_columns=[bad]))
    assert set(event["outputs"][0]["facets"]["columnLineage"]["fields"]) == {"x\ufffd\ufffd"}
    wire(guard_lineage(judge(message=bad, column=bad, value=float("nan")), table=SOURCE, fields=[DatasetField(bad)]))


def test_job_descriptions_are_short(summary: InferenceSummary, wire: Wire) -> None:
    model = ModelIdentity(name="m" * 500, version="v", fingerprint="f")
    long = infer(summary_of({}, model=model, cost_micros=None))
    verdict = Verdict(guard="drift", subject="t" * 500, checks=())
    for lineage in (
        long,
        guard_lineage(verdict, table=None),
        profile_lineage(table=SOURCE, fields=[], profile="p" * 500),
    ):
        assert len(wire(lineage)["job"]["facets"]["documentation"]["description"]) <= 160


def test_a_lineage_is_frozen_but_its_facets_are_not(summary: InferenceSummary) -> None:
    lineage = infer(summary)
    with pytest.raises(dataclasses.FrozenInstanceError, match="inputs"):
        lineage.inputs = []  # type: ignore[misc]
    run: Any = lineage.run_facets["aiguard_run"]
    run.model = "redacted"  # Airflow's redactor sets attributes
    assert pickle.loads(pickle.dumps(lineage)) == lineage


def test_airflows_redactor_leaves_our_facts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, summary: InferenceSummary, wire: Wire
) -> None:
    if "AIRFLOW_HOME" not in os.environ:
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    from airflow.providers.openlineage.utils.utils import OpenLineageRedactor
    from airflow.sdk._shared.secrets_masker import DEFAULT_SENSITIVE_FIELDS

    redactor = OpenLineageRedactor()
    redactor.sensitive_variables_fields = list(DEFAULT_SENSITIVE_FIELDS)
    columns = {"password": summary.columns["late"], "api_key": summary.columns["late"]}
    secretive = summary_of(columns, model=ModelIdentity(name="token", version="secret", fingerprint="f"))
    fields = [DatasetField("password", "TEXT"), DatasetField("access_token", "TEXT")]
    arguments: dict[str, Any] = {
        "target_fields": fields,
        "input_columns": ["access_token"],
        "copied_columns": ["secret"],
    }
    before, lineage = wire(infer(secretive, **arguments)), infer(secretive, **arguments)
    assert redactor.redact({"password": "x"}) == {"password": "***"}
    redacted = Lineage(
        inputs=[redactor.redact(dataset, max_depth=20) for dataset in lineage.inputs],  # type: ignore[misc]
        outputs=[redactor.redact(dataset, max_depth=20) for dataset in lineage.outputs],  # type: ignore[misc]
        run_facets=redactor.redact(lineage.run_facets, max_depth=20),  # type: ignore[arg-type]
        job_facets=redactor.redact(lineage.job_facets, max_depth=20),  # type: ignore[arg-type]
    )
    assert wire(redacted) == before
