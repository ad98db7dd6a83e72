"""A run as the engine sums it up."""

from __future__ import annotations

from typing import Any

from airflow_provider_aiguard.core.claims import Usage
from airflow_provider_aiguard.core.confidence import CELLS, ConfidenceSummary
from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary, ModelIdentity
from airflow_provider_aiguard.lineage.datasets import DatasetField, duckdb_dataset

SOURCE = duckdb_dataset("/data/flights.duckdb", None, "flights")
TARGET = duckdb_dataset("/data/flights.duckdb", None, "flights_scored")
SOURCE_FIELDS = [
    DatasetField("flight_id", "BIGINT"),
    DatasetField("distance", "DOUBLE", "Miles"),
    DatasetField("hour", ""),
]
TARGET_FIELDS = [
    DatasetField("flight_id", "BIGINT"),
    DatasetField("late", "BOOLEAN", "More than 30 minutes"),
    DatasetField("late__provenance", "VARCHAR"),
    DatasetField("late__confidence", "DOUBLE"),
    DatasetField("late__run", "VARCHAR"),
]


def confidences(*values: float, missing: int = 0) -> ConfidenceSummary:
    counts = [0] * CELLS
    for value in values:
        counts[min(int(value * CELLS), CELLS - 1)] += 1
    return ConfidenceSummary(total=sum(values), counts=tuple(counts), missing=missing)


def summary_of(columns: dict[str, ColumnSummary], **changes: Any) -> InferenceSummary:
    values: dict[str, Any] = {
        "run_id": "0192-run",
        "model": ModelIdentity(name="flights-late", version="3", fingerprint="ab" * 32),
        "source": "flights",
        "target": "flights_scored",
        "rows": 10,
        "inferred": 8,
        "rejects": 2,
        "chunks": 1,
        "cost_micros": 1_420_000,
        "seconds": 2.5,
        "model_seconds": 1.25,
        "usage": Usage(requests=9, input_tokens=800, output_tokens=70),
        "latency": LatencySummary.of([(0.04, 1), (0.2, 1)]),
        "columns": columns,
    }
    return InferenceSummary(**{**values, **changes})
