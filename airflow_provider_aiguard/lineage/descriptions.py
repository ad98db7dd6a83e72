"""Descriptions that last, whoever reads the dataset.

Marquez shows what the last event that named a dataset said of it, reader or writer, and nothing if it said nothing. So
what a writer said is remembered, and added to the events of readers that say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_aiguard.lineage.datasets import DatasetName
from airflow_provider_aiguard.lineage.keys import PRODUCER, PROVENANCE_KEY

JSON = Mapping[str, Any]

# The class that knows it loads half of OpenLineage's client, and every event is read in a process of its own.
_SCHEMA_URL = "https://openlineage.io/spec/facets/1-1-0/DocumentationDatasetFacet.json#/$defs/DocumentationDatasetFacet"


@dataclass(frozen=True)
class Description:
    """What was said of a dataset.

    :param text: of the dataset; empty if nothing.
    :param columns: by column, those of which something was said.
    """

    text: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


def descriptions_written(event: JSON) -> dict[DatasetName, Description]:
    """Read what a finished run said of what it wrote; empty where it said nothing, for what was said is no longer so.

    :param event: an OpenLineage run event as plain JSON.
    """
    if event.get("eventType") != "COMPLETE":
        return {}
    return {_name(one): _description(one) for one in event.get("outputs") or ()}


def datasets_to_describe(event: JSON) -> list[DatasetName]:
    """Name the datasets of an event of which others may have said more.

    :param event: an OpenLineage run event as plain JSON.
    """
    outputs = [one for one in event.get("outputs") or () if _is_ours(one)]
    return list(dict.fromkeys(_name(one) for one in [*(event.get("inputs") or ()), *outputs]))


def repeat_descriptions(event: JSON, known: Mapping[DatasetName, Description]) -> dict[str, Any]:
    """Add to an event what others said of its datasets, where it says nothing itself.

    That is: of what it reads, and of the columns beside those that an AI step of ours wrote. What anybody else writes
    is described by them or not at all.

    :param event: an OpenLineage run event as plain JSON; it stays as it is.
    :param known: what was said, by dataset.
    """
    told = dict(event)
    if event.get("inputs"):
        told["inputs"] = [_repeated(one, known.get(_name(one))) for one in event["inputs"]]
    if event.get("outputs"):
        told["outputs"] = [_repeated(one, known.get(_name(one))) if _is_ours(one) else one for one in event["outputs"]]
    return told


def _repeated(dataset: JSON, said: Description | None) -> JSON:
    if said is None:
        return dataset
    facets = dict(dataset.get("facets") or {})
    if said.text and not (facets.get("documentation") or {}).get("description"):
        facets["documentation"] = {
            "_producer": PRODUCER,
            "_schemaURL": _SCHEMA_URL,
            "description": said.text,
        }
    if facets.get("schema"):
        fields = facets["schema"].get("fields") or ()
        facets["schema"] = {**facets["schema"], "fields": [_repeated_field(one, said) for one in fields]}
    return {**dataset, "facets": facets}


def _repeated_field(field: JSON, said: Description) -> JSON:
    text = said.columns.get(field["name"])
    return field if field.get("description") or text is None else {**field, "description": text}


def _description(dataset: JSON) -> Description:
    facets = dataset.get("facets") or {}
    fields = (facets.get("schema") or {}).get("fields") or ()
    return Description(
        text=(facets.get("documentation") or {}).get("description") or "",
        columns={one["name"]: one["description"] for one in fields if one.get("description")},
    )


def _is_ours(dataset: JSON) -> bool:
    return PROVENANCE_KEY in (dataset.get("facets") or {})


def _name(dataset: JSON) -> DatasetName:
    return DatasetName(dataset["namespace"], dataset["name"])
