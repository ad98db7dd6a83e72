"""What a backend would refuse an event for: read from the event, without asking anybody.

The rules are Marquez's, which are a little stricter than the specification's, and those of our own schemas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_aiguard.lineage.facets.base import SCHEMA_BASE_URL, load_schema

_EVENT = ("producer", "schemaURL", "eventTime")
_FACETS: Mapping[str, tuple[str, ...]] = {
    "documentation": ("description",),
    "sql": ("query",),
    "nominalTime": ("nominalStartTime",),
    "parent": ("run", "job"),
    "jobType": ("processingType", "integration", "jobType"),
    "columnLineage": ("fields",),
}
_HOLDERS = ("facets", "inputFacets", "outputFacets")


def problems(event: Mapping[str, Any]) -> list[str]:
    """Say what is missing or wrong, each as a place and what it lacks.

    :param event: an OpenLineage event as plain JSON.

    >>> problems({"producer": "https://x", "eventTime": "2026-01-01T00:00:00Z", "schemaURL": "https://x#/$defs/JobEvent",
    ...           "job": {"namespace": "n"}})
    ['job: name is missing']
    """
    found = [f"event: {name} is missing" for name in _EVENT if not event.get(name)]
    for place, holder in _holders(event):
        if not isinstance(holder, Mapping):
            found.append(f"{place}: it is no object")
            continue
        names = ("runId",) if place == "run" else ("namespace", "name")
        found += [f"{place}: {name} is missing" for name in names if not holder.get(name)]
        for kind in _HOLDERS:
            facets = holder.get(kind) or {}
            if not isinstance(facets, Mapping):
                found.append(f"{place}.{kind}: it is no object")
                continue
            for key, facet in facets.items():
                found += [f"{place}.{key}: {problem}" for problem in _facet_problems(key, facet)]
    return found


def _holders(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in ("run", "job", "dataset"):
        if name in event:
            yield name, event[name]
    for side in ("inputs", "outputs"):
        datasets = event.get(side) or []
        for position, dataset in enumerate(datasets if isinstance(datasets, list) else (datasets,)):
            yield f"{side}[{position}]", dataset


def _facet_problems(key: str, facet: Any) -> Iterator[str]:
    if not isinstance(facet, Mapping):
        yield "it is no object"
        return
    for name in ("_producer", "_schemaURL"):
        if not urlsplit(str(facet.get(name) or "")).scheme:
            yield f"{name} is no URL"
    for name in (*_FACETS.get(key, ()), *_required_by_ours(facet)):
        if facet.get(name) is None:
            yield f"{name} is missing"
    if key == "schema":
        yield from (f"a field has no {name}" for name in ("name", "type") if not _all_have(facet.get("fields"), name))


def _required_by_ours(facet: Mapping[str, Any]) -> tuple[str, ...]:
    url = str(facet.get("_schemaURL") or "")
    if not url.startswith(SCHEMA_BASE_URL):
        return ()
    try:
        schema = load_schema(url)
    except FileNotFoundError:  # of another version than this one
        return ()
    return tuple(schema["$defs"][url.rpartition("/")[2]]["allOf"][1].get("required", ()))


def _all_have(fields: Any, name: str) -> bool:
    return all(isinstance(field, Mapping) and field.get(name) for field in fields or ())
