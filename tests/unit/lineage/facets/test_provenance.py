from __future__ import annotations

from facet_checks import size, validate
from lineage_samples import confidences, summary_of

from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary
from airflow_provider_aiguard.lineage.facets.base import MAX_FACET_BYTES
from airflow_provider_aiguard.lineage.facets.provenance import (
    AiguardProvenanceDatasetFacet,
    overall_confidence,
    provenance_facet,
)
from airflow_provider_aiguard.lineage.keys import PRODUCER


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


def test_200_columns_are_cut_and_counted(summary: InferenceSummary) -> None:
    columns = {f"a_rather_long_column_name_{i:03}": summary.columns["late"] for i in range(200)}
    facet = provenance_facet(summary_of(columns))
    data = validate(facet)
    assert size(facet) < MAX_FACET_BYTES
    assert data["columnCount"] == 200
    assert len(data["columns"]) == 200 - data["columnsOmitted"] >= 40
    assert [c["name"] for c in data["columns"]] == list(columns)[: len(data["columns"])]
