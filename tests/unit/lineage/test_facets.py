from __future__ import annotations

import json
import math
from typing import Any

import attr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from lineage_samples import TARGET, confidences, summary_of
from openlineage.client.serde import Serde
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary, ModelIdentity, RunState
from airflow_provider_aiguard.lineage import facets
from airflow_provider_aiguard.lineage.datasets import DatasetName
from airflow_provider_aiguard.lineage.facets import (
    MAX_FACET_BYTES,
    PRODUCER,
    AiguardProvenanceDatasetFacet,
    AiguardRunRunFacet,
    ColumnProvenance,
    load_schema,
    overall_confidence,
    provenance_facet,
    run_facet,
)

FACETS = [AiguardProvenanceDatasetFacet, AiguardRunRunFacet]

# What our schemas need of OpenLineage's: every facet has its producer's URI and its schema's.
OPENLINEAGE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
    "$defs": {
        "BaseFacet": {
            "type": "object",
            "properties": {"_producer": {"type": "string", "format": "uri"}, "_schemaURL": {"type": "string"}},
            "required": ["_producer", "_schemaURL"],
        },
        "RunFacet": {"allOf": [{"$ref": "#/$defs/BaseFacet"}]},
        "DatasetFacet": {"allOf": [{"$ref": "#/$defs/BaseFacet"}], "properties": {"_deleted": {"type": "boolean"}}},
    },
}


def validate(facet: Any) -> dict[str, Any]:
    """The facet as JSON, after its own schema has accepted it."""
    data: dict[str, Any] = json.loads(Serde.to_json(facet))
    name = type(facet).__name__
    schema = load_schema(name)
    documents = [(document["$id"], Resource(document, DRAFT202012)) for document in (OPENLINEAGE, schema)]
    validator = Draft202012Validator(
        {"$ref": data["_schemaURL"]}, registry=Registry().with_resources(documents), format_checker=FormatChecker()
    )
    validator.validate(data)
    return data


def size(facet: Any) -> int:
    return len(Serde.to_json(facet).encode())


@pytest.mark.parametrize("facet", FACETS)
def test_the_schema_is_where_the_facet_says(facet: type) -> None:
    schema = load_schema(facet.__name__)
    Draft202012Validator.check_schema(schema)
    url, _, pointer = facet._get_schema().partition("#")  # type: ignore[attr-defined]
    assert schema["$id"] == url
    assert pointer == f"/$defs/{facet.__name__}"
    assert f"/{facets.SCHEMA_TAG}/" in url
    assert facets.SCHEMA_VERSION == "1-0-0" in url
    assert "/main/" not in url
    base = schema["$defs"][facet.__name__]["allOf"][0]["$ref"]
    assert base.startswith("https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/")
    assert base.endswith(facet.__mro__[1].__name__)


@pytest.mark.parametrize("facet", [*FACETS, ColumnProvenance])
def test_schema_and_class_agree(facet: Any) -> None:
    home = "AiguardProvenanceDatasetFacet" if facet is ColumnProvenance else facet.__name__
    definition = load_schema(home)["$defs"][facet.__name__]
    body = definition["allOf"][1] if "allOf" in definition else definition
    fields = [a for a in attr.fields(facet) if not a.name.startswith("_")]
    assert set(body["properties"]) == {a.name for a in fields}
    assert {a.name for a in fields if a.default is attr.NOTHING} <= set(body["required"])
    assert all(p.get("description") for p in body["properties"].values() if "$ref" not in p)


@pytest.mark.parametrize("facet", [*FACETS, ColumnProvenance])
def test_airflow_redacts_no_text_of_ours(facet: Any) -> None:
    numbers = ("int", "float")
    texts = {a.name for a in attr.fields(facet) if not a.name.startswith("_") and not str(a.type).startswith(numbers)}
    skipped = {*getattr(facet, "_additional_skip_redact", ()), *facet._skip_redact}
    assert texts <= skipped


def test_provenance(summary: InferenceSummary) -> None:
    data = validate(provenance_facet(summary, run_url="https://airflow.example/run?id=1"))
    columns = data.pop("columns")
    assert data == {
        "_producer": PRODUCER,
        "_schemaURL": AiguardProvenanceDatasetFacet._get_schema(),
        "origin": "ai_inferred",
        "model": "flights-late",
        "modelVersion": "3",
        "runId": "0192-run",
        "rowCount": 10,
        "aiShare": 1.0,
        "confidenceMean": 0.86,
        "confidenceP10": 0.61,
        "confidenceMissing": 0,
        "columnCount": 1,
        "columnsOmitted": 0,
        "detailUri": "https://airflow.example/run?id=1",
    }
    assert columns == [
        {
            "name": "late",
            "origin": "ai_inferred",
            "provenance": {"ai_inferred": 8},
            "confidenceMean": 0.86,
            "confidenceP10": 0.61,
            "confidenceP50": 0.9,
            "confidenceP90": 0.96,
            "confidenceHistogram": [0, 0, 0, 0, 0, 0, 1, 1, 0, 6],
            "confidenceMissing": 0,
            "confidenceSource": "probability",
            "model": "flights-late",
            "modelVersion": "3",
        }
    ]


def test_a_filled_column_is_mixed_and_an_untouched_one_names_no_model() -> None:
    columns = {
        "filled": ColumnSummary(provenance={"observed": 6, "ai_inferred": 2}, confidence=confidences(0.5, missing=1)),
        "full": ColumnSummary(provenance={"observed": 8}, confidence=ConfidenceSummary()),
        "empty": ColumnSummary(provenance={}, confidence=ConfidenceSummary()),
    }
    data = validate(provenance_facet(summary_of(columns)))
    assert (data["origin"], data["aiShare"], data["confidenceMissing"]) == ("mixed", 0.125, 1)
    filled, full, empty = data["columns"]
    assert filled["origin"] == "mixed"
    assert filled["model"] == "flights-late"
    assert (full["origin"], full["provenance"]) == ("observed", {"observed": 8})
    assert not {"model", "modelVersion", "confidenceMean", "confidenceHistogram"} & set(full)
    assert (empty["origin"], empty["provenance"]) == ("unlabelled", {})


def test_no_cells_is_no_share() -> None:
    data = validate(provenance_facet(summary_of({})))
    assert (data["origin"], data["columns"]) == ("unlabelled", [])
    assert "aiShare" not in data


def test_confidences_of_different_sources_are_not_averaged() -> None:
    one = ColumnSummary(provenance={"ai_inferred": 1}, confidence=confidences(0.2), confidence_source="probability")
    other = ColumnSummary(provenance={"ai_inferred": 1}, confidence=confidences(0.8), confidence_source="verbalised")
    assert "confidenceMean" not in validate(provenance_facet(summary_of({"a": one, "b": other})))
    assert validate(provenance_facet(summary_of({"a": one, "b": one})))["confidenceMean"] == 0.2
    merged = overall_confidence([one, one])
    assert merged is not None
    assert merged.count == 2


def test_run(summary: InferenceSummary) -> None:
    budgets = [Budget("flights", "5.00"), Budget("all", "2.50", per="day")]
    data = validate(run_facet(summary, target=TARGET, budgets=budgets, run_url="https://airflow.example/run"))
    assert data == {
        "_producer": PRODUCER,
        "_schemaURL": AiguardRunRunFacet._get_schema(),
        "runId": "0192-run",
        "state": "success",
        "model": "flights-late",
        "modelVersion": "3",
        "fingerprint": "ab" * 32,
        "rows": 10,
        "inferred": 8,
        "rejects": 2,
        "rejectShare": 0.2,
        "chunks": 1,
        "costUsd": 1.42,
        "seconds": 2.5,
        "modelSeconds": 1.25,
        "budget": "all, flights",
        "budgetLimitUsd": 2.5,
        "targetNamespace": "duckdb:///data/flights.duckdb",
        "targetName": "main.flights_scored",
        "detailUri": "https://airflow.example/run",
    }


def test_a_run_without_price_budget_or_page_says_nothing_about_them(summary: InferenceSummary) -> None:
    free = summary_of(dict(summary.columns), cost_micros=None)
    data = validate(run_facet(free, target=TARGET, state=RunState.FAILED))
    assert data["state"] == "failed"
    assert not {"costUsd", "budget", "budgetLimitUsd", "detailUri"} & set(data)


@pytest.mark.parametrize("url", ["https://x/" + "a" * 500, "https://x/ä", "https://x/a b", "https://x/\n", ""])
def test_a_link_that_would_break_is_left_out(summary: InferenceSummary, url: str) -> None:
    assert "detailUri" not in validate(provenance_facet(summary, run_url=url))


def test_200_columns_are_cut_and_counted(summary: InferenceSummary) -> None:
    columns = {f"a_rather_long_column_name_{i:03}": summary.columns["late"] for i in range(200)}
    facet = provenance_facet(summary_of(columns))
    data = validate(facet)
    assert size(facet) < MAX_FACET_BYTES
    assert data["columnCount"] == 200
    assert len(data["columns"]) == 200 - data["columnsOmitted"] >= 40
    assert [c["name"] for c in data["columns"]] == list(columns)[: len(data["columns"])]


ANY_TEXT = st.text(st.characters(), max_size=400)


@settings(max_examples=40, deadline=None)
@given(name=ANY_TEXT, version=ANY_TEXT, run_id=ANY_TEXT, column=ANY_TEXT.filter(bool), number=st.floats())
def test_any_text_and_any_number_make_a_valid_small_facet(
    name: str, version: str, run_id: str, column: str, number: float
) -> None:
    late = ColumnSummary(
        provenance={"ai_inferred": 1},
        confidence=ConfidenceSummary(total=math.nan, counts=confidences(0.5).counts),
        confidence_source=name,
    )
    summary = summary_of(
        {f"{column}{i}": late for i in range(60)},
        run_id=run_id,
        model=ModelIdentity(name=name, version=version, fingerprint=name),
        seconds=abs(number),
        model_seconds=math.nan,
    )
    target = DatasetName("duckdb://" + "x" * 2000, column * 5)
    for facet in (provenance_facet(summary), run_facet(summary, target=target, budgets=[Budget("b" + name, 1)])):
        data = validate(facet)
        assert size(facet) < MAX_FACET_BYTES
        json.dumps(data, allow_nan=False)


def test_the_worst_text_still_fits() -> None:
    wide = "\U0001f6a8" * 3000  # twelve bytes a character in JSON
    summary = summary_of({}, run_id=wide, model=ModelIdentity(name=wide, version=wide, fingerprint=wide))
    facet = run_facet(summary, target=DatasetName("d" * 3000, wide), budgets=[Budget(wide, 1)], run_url="h" * 500)
    assert size(facet) < MAX_FACET_BYTES
    assert validate(facet)["model"].endswith("…[cut]")
