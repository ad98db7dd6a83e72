from __future__ import annotations

import pytest
from lineage_samples import SOURCE, TARGET, TARGET_FIELDS, confidences, summary_of
from openlineage.client.serde import Serde

from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary, ModelIdentity
from airflow_provider_aiguard.lineage.datasets import DatasetField
from airflow_provider_aiguard.lineage.standard import (
    MAX_DOCUMENTATION,
    MAX_EDGES,
    column_lineage,
    confidence_bucket,
    dataset_facets,
    describe,
    describe_fields,
    provenance_tags,
    with_columns,
)

OBSERVED = ColumnSummary(provenance={"observed": 8}, confidence=ConfidenceSummary())


def test_fields_of_an_ai_step_are_described(summary: InferenceSummary) -> None:
    texts = {f.name: f.description for f in describe_fields(TARGET_FIELDS, summary)}
    assert texts == {
        "flight_id": None,
        "late": "[AI-inferred] flights-late@3, mean confidence 0.86 (p10 0.61) | More than 30 minutes",
        "late__provenance": "Provenance of 'late': observed, human_annotated or ai_inferred",
        "late__confidence": "Confidence of 'late' in [0, 1], NULL where it was observed",
        "late__run": "Run that wrote 'late'",
    }


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (OBSERVED, "[observed] nothing inferred by flights-late@3"),
        (
            ColumnSummary(provenance={}, confidence=ConfidenceSummary()),
            "[unlabelled] nothing inferred by flights-late@3",
        ),
        (
            ColumnSummary(provenance={"observed": 1000, "ai_inferred": 200}, confidence=confidences(0.5, missing=199)),
            "[AI-inferred] flights-late@3, mean confidence 0.50 (p10 0.50, 199 without), 200 of 1,200 values",
        ),
        (
            ColumnSummary(provenance={"ai_inferred": 1}, confidence=ConfidenceSummary(missing=1)),
            "[AI-inferred] flights-late@3, no confidence",
        ),
    ],
)
def test_the_description_says_what_was_not_inferred_or_not_sure(column: ColumnSummary, text: str) -> None:
    assert describe_fields([], summary_of({"c": column})) == [DatasetField("c", "unknown", text)]


def test_every_field_has_a_type() -> None:
    facets = dataset_facets([DatasetField("a", ""), DatasetField("b"), DatasetField("c", "INT")])
    assert [f["type"] for f in Serde.to_dict(facets["schema"])["fields"]] == ["unknown", "unknown", "INT"]
    assert "documentation" not in facets


def test_no_fields_and_no_writer_is_no_facet() -> None:
    assert dataset_facets([]) == {}


def test_missing_columns_are_added_once() -> None:
    assert [f.name for f in with_columns([DatasetField("a")], ["b", "a", "b"])] == ["a", "b"]


def test_documentation_is_one_line_of_at_most_160_characters(summary: InferenceSummary) -> None:
    assert describe(summary) == (
        "AI-inferred by flights-late@3: late, mean confidence 0.86 (p10 0.61). 8 of 10 rows, 2 rejected. $1.42."
    )
    many = summary_of({f"column_{i}": summary.columns["late"] for i in range(50)}, cost_micros=None, rejects=0)
    assert len(describe(many)) == MAX_DOCUMENTATION
    assert describe(many).endswith("…[cut]. 8 of 10 rows.")
    assert describe(summary_of({"c": OBSERVED}, inferred=0, rejects=0, cost_micros=None)) == (
        "Nothing inferred by flights-late@3. 0 of 10 rows."
    )


def test_a_long_model_name_leaves_room(summary: InferenceSummary) -> None:
    model = ModelIdentity(name="m" * 500, version="v", fingerprint="f")
    assert len(describe(summary_of(dict(summary.columns), model=model))) == MAX_DOCUMENTATION


def test_column_lineage_in_both_forms(summary: InferenceSummary) -> None:
    facet = column_lineage(
        summary, source=SOURCE, target=TARGET, input_columns=["distance", "hour"], copied_columns=["flight_id"]
    )
    fields = Serde.to_dict(facet)["fields"]
    assert set(fields) == {"late", "flight_id"}
    late, key = fields["late"], fields["flight_id"]
    assert late["transformationType"] == "AI_INFERRED"
    assert late["transformationDescription"] == "flights-late@3, mean confidence 0.86 (p10 0.61)"
    assert [f["field"] for f in late["inputFields"]] == ["distance", "hour"]
    assert late["inputFields"][0] == {
        "namespace": SOURCE.namespace,
        "name": SOURCE.name,
        "field": "distance",
        "transformations": [
            {
                "type": "DIRECT",
                "subtype": "TRANSFORMATION",
                "description": "AI inference flights-late@3",
                "masking": False,
            }
        ],
    }
    assert key["transformationType"] == "IDENTITY"
    assert key["inputFields"][0]["field"] == "flight_id"
    assert key["inputFields"][0]["transformations"][0]["subtype"] == "IDENTITY"


def test_nothing_is_copied_in_place(summary: InferenceSummary) -> None:
    facet = column_lineage(summary, source=SOURCE, target=SOURCE, input_columns=["hour"], copied_columns=["flight_id"])
    assert set(facet.fields) == {"late"}


def test_edges_are_bounded_and_the_cut_is_said(summary: InferenceSummary) -> None:
    columns = {f"c{i}": summary.columns["late"] for i in range(100)}
    inputs = [f"i{i}" for i in range(50)]
    facet = column_lineage(summary_of(columns), source=SOURCE, target=TARGET, input_columns=inputs)
    assert sum(len(f.inputFields) for f in facet.fields.values()) == MAX_EDGES
    assert str(facet.fields["c0"].transformationDescription).endswith("; 20 of 50 input columns shown")


def test_tags_name_what_is_present_and_nothing_else(summary: InferenceSummary) -> None:
    mixed = ColumnSummary(provenance={"observed": 1, "ai_inferred": 1}, confidence=ConfidenceSummary(missing=1))
    tags = [(t.field, t.key, t.value) for t in provenance_tags({**summary.columns, "m": mixed}).tags or []]
    assert tags == [
        ("late", "aiguard_provenance", "ai_inferred"),
        ("late", "aiguard_confidence", "0.80-0.90"),
        ("m", "aiguard_provenance", "observed"),
        ("m", "aiguard_provenance", "ai_inferred"),
        (None, "aiguard_provenance", "ai_inferred"),
        (None, "aiguard_provenance", "observed"),
    ]


@pytest.mark.parametrize(
    ("mean", "bucket"),
    [(0.0, "0.00-0.10"), (0.3, "0.30-0.40"), (0.7, "0.70-0.80"), (0.99, "0.90-1.00"), (1.0, "0.90-1.00"), (None, None)],
)
def test_confidence_buckets(mean: float | None, bucket: str | None) -> None:
    assert confidence_bucket(mean) == bucket
