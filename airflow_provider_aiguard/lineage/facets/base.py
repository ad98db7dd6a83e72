"""What every facet of ours shares: where its schema is, how large it may be, what text it takes.

They are flat, scalars first: Marquez shows the first level without a click. They hold aggregates, and stay below
:data:`MAX_FACET_BYTES` each: every view of a dataset in Marquez carries all its facets.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_aiguard.lineage.keys import PRODUCER
from airflow_provider_aiguard.lineage.sanitise import clean_text, scrub

if TYPE_CHECKING:
    from openlineage.client.facet_v2 import DatasetFacet, RunFacet

SCHEMA_BASE_URL = "https://aiguard.github.io/airflow-provider-aiguard/schemas"
"""Where the documentation publishes the schemas that are in the package, each below its version."""

MAX_FACET_BYTES = 20_000
"""Most bytes of one of our facets as JSON."""

_SCHEMAS = "schemas"
_MAX_TEXT = 120
_MAX_URL = 500

FacetT = TypeVar("FacetT", bound="DatasetFacet | RunFacet")


def schema_url(facet: str, version: str) -> str:
    """URL of a facet's JSON Schema, as events name it: it never changes what it says.

    :param facet: class name of the facet, such as ``AiguardRunRunFacet``.
    :param version: SchemaVer (MODEL-REVISION-ADDITION) of its schema, such as ``1-0-0``.
    """
    return f"{SCHEMA_BASE_URL}/{version}/{facet}.json#/$defs/{facet}"


def load_schema(url: str) -> dict[str, Any]:
    """Read a JSON Schema (draft 2020-12) of ours as it is shipped, to validate events without a network.

    :param url: the ``_schemaURL`` of a facet of ours.
    """
    path = url.partition("#")[0].removeprefix(f"{SCHEMA_BASE_URL}/")
    text = files("airflow_provider_aiguard.lineage").joinpath(_SCHEMAS, *path.split("/")).read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def ready(facet: FacetT) -> FacetT:
    """Return the facet with our producer, without NaN and without text that a backend refuses."""
    scrubbed: FacetT = scrub(facet, PRODUCER)
    return scrubbed


def short(text: str) -> str:
    """Cut a name or a word to what a person reads in one line."""
    return clean_text(text, _MAX_TEXT)


def link(url: str | None) -> str | None:
    """Pass the URL on, unless cutting it or escaping it would break it."""
    return url if url and url.isascii() and url.isprintable() and " " not in url and len(url) <= _MAX_URL else None
