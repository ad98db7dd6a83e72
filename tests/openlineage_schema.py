"""Is an event what OpenLineage's specification and our schemas say? Answered without a network.

OpenLineage's Python client is generated from the specification and says the same with classes: required fields, types,
the version of each facet, and which facet may be where. JSON Schemas are made of those; ours are in the package.
"""

from __future__ import annotations

import enum
import functools
import importlib
import pkgutil
import types
import typing
from datetime import datetime
from typing import Any
from urllib.parse import urlparse

import attr
import openlineage.client.event_v2 as core
from jsonschema import Draft202012Validator, FormatChecker
from openlineage.client import generated
from openlineage.client.generated import base
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from airflow_provider_aiguard.lineage.facets import FACETS
from airflow_provider_aiguard.lineage.facets.base import MAX_FACET_BYTES, SCHEMA_BASE_URL, load_schema

PLACES = {
    "run": base.RunFacet,
    "job": base.JobFacet,
    "facets": base.DatasetFacet,
    "inputFacets": base.InputDatasetFacet,
    "outputFacets": base.OutputDatasetFacet,
}
"""What a facet must be, by where it is."""

UNLIKE_THEIR_CLASS = {
    "version": "DatasetVersionDatasetFacet",
    "dataSource": "DatasourceDatasetFacet",
    "processing_engine": "ProcessingEngineRunFacet",
    "sql": "SQLJobFacet",
}
"""Keys of the specification that are not made of the name of the class."""

_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}
_FORMATS = {"_producer": "uri", "_schemaURL": "uri", "eventTime": "date-time", "runId": "uuid", "producer": "uri"}
_CHECKER = FormatChecker(formats=["uuid"])


@_CHECKER.checks("uri")
def _is_uri(text: object) -> bool:
    return not isinstance(text, str) or bool(urlparse(text).scheme and urlparse(text).netloc)


@_CHECKER.checks("date-time", raises=ValueError)
def _is_moment(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


def validate_event(event: dict[str, Any]) -> list[tuple[str, str]]:
    """Return place and key of every facet of a run event, after all of it was accepted."""
    _check(schema_of(core.RunEvent), event)
    found = []
    for place, facets in _holders(event):
        for key, facet in facets.items():
            validate_facet(place, key, facet)
            found.append((place, key))
    return found


def validate_facet(place: str, key: str, facet: dict[str, Any]) -> None:
    """Accept one facet, or say what is wrong with it."""
    url = facet["_schemaURL"]
    if url.startswith(SCHEMA_BASE_URL):
        _validate_ours(place, key, facet)
        return
    cls = classes().get(url)
    assert cls, f"{key}: nobody knows {url}; is it another version than the client's?"
    assert issubclass(cls, PLACES[place]), f"{key} is {cls.__name__}, and at {place}"
    if not cls.__module__.startswith("openlineage.client.generated"):
        # Airflow's own: what is in it is Airflow's business.
        _check(core_schema()["$defs"][PLACES[place].__name__], facet)
        return
    assert cls.__name__ == UNLIKE_THEIR_CLASS.get(key, _class_name(key, cls)), f"{cls.__name__} is not at {key}"
    _check(schema_of(cls), facet)


def _validate_ours(place: str, key: str, facet: dict[str, Any]) -> None:
    import json

    cls = FACETS[key]
    assert issubclass(cls, PLACES[place])
    assert facet["_schemaURL"] == cls._get_schema(), f"{key} names another schema than its class"
    assert len(json.dumps(facet)) < MAX_FACET_BYTES, f"{key} is too large"
    schema = load_schema(facet["_schemaURL"])
    documents = [(document["$id"], Resource(document, DRAFT202012)) for document in (core_schema(), schema)]
    registry: Any = Registry().with_resources(documents)
    check = Draft202012Validator({"$ref": facet["_schemaURL"]}, registry=registry, format_checker=_CHECKER)
    check.validate(facet)
    # The schema lets others add fields; we ourselves send what it names and nothing else.
    named = schema["$defs"][cls.__name__]["allOf"][1]["properties"]
    assert set(facet) <= {*named, "_producer", "_schemaURL"}, f"{key} has fields its schema does not name"


@functools.cache
def classes() -> dict[str, type]:
    """Facet classes of the client and of Airflow's provider, by the URL of their schema."""
    import airflow.providers.openlineage.plugins.facets  # noqa: F401  # defines its own

    for module in pkgutil.iter_modules(generated.__path__):
        importlib.import_module(f"{generated.__name__}.{module.name}")
    return {cls._get_schema(): cls for cls in _below(base.BaseFacet)}


@functools.cache
def core_schema() -> dict[str, Any]:
    """What our schemas need of OpenLineage's core: the facets they derive from."""
    texts = {"_producer": {"type": "string", "format": "uri"}, "_schemaURL": {"type": "string", "format": "uri"}}
    facet = {"type": "object", "properties": texts, "required": sorted(texts)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
        "$defs": dict.fromkeys(("BaseFacet", "RunFacet", "JobFacet", "DatasetFacet"), facet),
    }


@functools.cache
def schema_of(cls: Any) -> dict[str, Any]:
    """JSON Schema of an attrs class: nothing it does not name, and all that has no default."""
    defs: dict[str, Any] = {}
    return {**_define(cls, defs), "$defs": defs}


def _define(cls: Any, defs: dict[str, Any]) -> dict[str, Any]:
    name = f"{cls.__module__}.{cls.__name__}"
    if name not in defs:
        defs[name] = {}  # fields may have fields
        hints, fields = typing.get_type_hints(cls), attr.fields(cls)
        required = {f.name for f in fields if f.default is attr.NOTHING or f.name in {"_producer", "_schemaURL"}}
        defs[name] = {
            "type": "object",
            "properties": {f.name: _property(f.name, hints.get(f.name, Any), defs) for f in fields},
            "required": sorted(required),
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{name}"}


def _property(name: str, hint: Any, defs: dict[str, Any]) -> dict[str, Any]:
    schema = _type(hint, defs)
    return {**schema, "format": _FORMATS[name]} if name in _FORMATS else schema


def _type(hint: Any, defs: dict[str, Any]) -> dict[str, Any]:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_type(one, defs) for one in inner if one is not types.NoneType]}
    if origin is list:
        return {"type": "array", "items": _type(inner[0], defs)}
    if origin is dict:
        # Facets are looked at one by one, each by its own class.
        facets = isinstance(inner[1], type) and issubclass(inner[1], base.BaseFacet)
        return {"type": "object", **({} if facets else {"additionalProperties": _type(inner[1], defs)})}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [member.value for member in hint]}
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    return _define(hint, defs) if isinstance(hint, type) and attr.has(hint) else {}


def _holders(event: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    holders = [("run", event["run"].get("facets", {})), ("job", event["job"].get("facets", {}))]
    for side, own in (("inputs", "inputFacets"), ("outputs", "outputFacets")):
        for dataset in event.get(side, []):
            assert dataset["namespace"]
            assert dataset["name"]
            holders += [("facets", dataset.get("facets", {})), (own, dataset.get(own, {}))]
    return holders


def _class_name(key: str, cls: type) -> str:
    kind = next(k.__name__ for k in cls.__mro__[1:] if k in PLACES.values())
    name = f"{key[0].upper()}{key[1:]}"
    # The specification calls a facet of an input a DatasetFacet where there is none of the dataset.
    return next((n for n in (f"{name}{kind}", f"{name}DatasetFacet") if n == cls.__name__), f"{name}{kind}")


def _below(cls: type) -> list[Any]:
    return [found for sub in cls.__subclasses__() for found in (sub, *_below(sub))]


def _check(schema: dict[str, Any], data: Any) -> None:
    Draft202012Validator(schema, format_checker=_CHECKER).validate(data)
