"""Events as any operator sends them, as plain dicts."""

from __future__ import annotations

from typing import Any

NAMESPACE = "postgres://db:5432"


def dataset(name: str, facets: dict[str, Any] | None = None, namespace: str = NAMESPACE) -> dict[str, Any]:
    return {"namespace": namespace, "name": name, "facets": facets or {}}


def field(name: str, column: str, *types: str, namespace: str = NAMESPACE) -> dict[str, Any]:
    """An input field of ``columnLineage``."""
    return {"namespace": namespace, "name": name, "field": column, "transformations": [{"type": t} for t in types]}


def columns(fields: dict[str, list[dict[str, Any]]], rows: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The facet ``columnLineage``: input fields by column, and those that decide which rows there are."""
    return {
        "columnLineage": {"fields": {name: {"inputFields": f} for name, f in fields.items()}, "dataset": rows or []}
    }


def provenance(*names: str, origin: str = "ai_inferred", run_id: str = "step-1", **more: Any) -> dict[str, Any]:
    """The facet ``aiguard_provenance`` of a table whose columns one model filled."""
    model = {"model": "gbm", "modelVersion": "3"} if origin == "ai_inferred" else {}
    filled = [
        {"name": name, "origin": origin, "provenance": {origin: 9}, "confidenceMean": 0.86, **model} for name in names
    ]
    facet = {"origin": origin, "runId": run_id, "aiShare": 1.0, "columnsOmitted": 0, "columns": filled, **model, **more}
    return {"aiguard_provenance": facet}


def event(
    inputs: list[Any] | None = None,
    outputs: list[Any] | None = None,
    *,
    kind: str = "COMPLETE",
    run: str = "run-1",
    at: str = "2026-01-02T03:04:05Z",
    job: str = "dag.task",
    **more: Any,
) -> dict[str, Any]:
    """A run event; names of datasets may stand for datasets."""
    whole = [[dataset(one) if isinstance(one, str) else one for one in some or []] for some in (inputs, outputs)]
    return {
        "eventType": kind,
        "eventTime": at,
        "run": {"runId": run, "facets": {}},
        "job": {"namespace": "tests", "name": job, "facets": {}},
        "inputs": whole[0],
        "outputs": whole[1],
        **more,
    }
