from __future__ import annotations

from dataclasses import replace

from facet_checks import validate
from lineage_samples import TARGET

from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.run import InferenceSummary, RunState
from airflow_provider_aiguard.lineage.facets.run import AiguardRunRunFacet, run_facet
from airflow_provider_aiguard.lineage.keys import PRODUCER


def test_run(summary: InferenceSummary) -> None:
    data = validate(run_facet(summary, target=TARGET, run_url="https://airflow.example/run"))
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
        "seconds": 2.5,
        "modelSeconds": 1.25,
        "calls": 2,
        "latencyP50Ms": 40.0,
        "latencyP95Ms": 200.0,
        "latencyP99Ms": 200.0,
        "targetNamespace": "duckdb:///data/flights.duckdb",
        "targetName": "main.flights_scored",
        "detailUri": "https://airflow.example/run",
    }
    bare = validate(run_facet(replace(summary, latency=LatencySummary()), target=None, state=RunState.FAILED))
    assert bare["state"] == "failed"
    assert not {"targetNamespace", "targetName", "detailUri", "calls", "latencyP50Ms"} & set(bare)
