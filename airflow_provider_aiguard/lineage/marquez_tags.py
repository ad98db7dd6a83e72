"""Tags in Marquez: what an event says becomes chips on a dataset, its columns and its DAG.

Events say the same in the standard ``tags`` facet, for every consumer. Marquez stores that facet and draws only the
tags set by its API, so this runs after Marquez accepted an event. It looks first and changes what differs: run again,
it changes nothing. A tag that is not in :data:`DESCRIPTIONS` is somebody else's and stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_aiguard.lineage.datasets import DatasetName
from airflow_provider_aiguard.lineage.keys import CERTIFICATE_KEY, PROVENANCE_KEY, RUN_KEY
from airflow_provider_aiguard.lineage.marquez import Place
from airflow_provider_aiguard.lineage.standard import CONFIDENCE_TAG, LOOP_TAG, TAG_SOURCE

if TYPE_CHECKING:
    from airflow_provider_aiguard.lineage.marquez import MarquezClient

AI_STEP = "AI_STEP"
CERTIFIED = "CERTIFIED"

_PROVENANCES = {
    "OBSERVED": "Some values were recorded by a source system.",
    "HUMAN_ANNOTATED": "Some values were set or confirmed by a person.",
    "AI_INFERRED": "Some values were inferred by a model.",
}
_CONFIDENCES = {
    f"CONF_{tenth / 10:.1f}-{(tenth + 1) / 10:.1f}": (
        f"Mean confidence of the inferred values: {tenth / 10:.1f} to {(tenth + 1) / 10:.1f}. "
        "A dataset has that of its least sure column."
    )
    for tenth in range(10)
}
_FLAGS = {LOOP_TAG: "AI_FEEDBACK_LOOP", "aiguard_recall": "RECALLED"}
_WRITTEN = (*_PROVENANCES, *_CONFIDENCES, CERTIFIED)
"""What a writer says of its columns. What is new is not certified until somebody says so."""
_TERMINAL = ("COMPLETE", "FAIL", "ABORT")

DESCRIPTIONS: Mapping[str, str] = {
    **_PROVENANCES,
    **_CONFIDENCES,
    AI_STEP: "A task of this DAG lets a model write to a table.",
    "AI_FEEDBACK_LOOP": "Descends from what a model of the same family inferred.",
    CERTIFIED: "The error of the auto-accepted values was audited by people and is below what was promised.",
    "RECALLED": "Some values come from a run that was recalled.",
}
"""Every tag that is ours, and what Marquez shows when one points at it."""


@dataclass(frozen=True)
class TagsSaid:
    """What one event says about the tags of one dataset; it is silent about every tag that is not here.

    :param dataset: which one.
    :param run_id: the run that wrote it, as in ``aiguard_provenance``; ``None`` if the event wrote nothing.
    :param columns: by column, whether it has a tag.
    :param flags: whether the dataset itself has a tag. Its provenance and confidence follow from its columns.
    """

    dataset: DatasetName
    run_id: str | None
    columns: Mapping[str, Mapping[str, bool]]
    flags: Mapping[str, bool]


class Change(NamedTuple):
    """One tag to hang on something, or to take off."""

    place: Place
    tag: str
    add: bool


def sync_tags(event: Mapping[str, Any], client: MarquezClient) -> None:
    """Bring Marquez's tags into step with an event that it accepted. Safe to repeat, in any order of events.

    An event that says nothing of ours costs no request; one whose tags are there already costs one for each dataset.

    :param event: an OpenLineage run event as plain JSON. Only one that ends a run says anything.
    :param client: of the Marquez that accepted it.
    :raises MarquezUnavailableError: if Marquez does not answer; what was changed stays, and the rest can be retried.
    :raises MarquezRefusedError: if it refuses.
    """
    changes = [change for said in tags_said(event) for change in tag_changes(said, client.dataset(said.dataset))]
    changes += _job_changes(event, client)
    added = {change.tag for change in changes if change.add}
    if added:
        known = client.tags()
        # A description that somebody wrote is left alone.
        for tag in sorted(added - {tag for tag, text in known.items() if text}):
            client.describe_tag(tag, DESCRIPTIONS[tag])
    for change in changes:
        (client.add_tag if change.add else client.remove_tag)(change.place, change.tag)


def tags_said(event: Mapping[str, Any]) -> list[TagsSaid]:
    """Read what an event says about tags, dataset by dataset.

    :param event: an OpenLineage run event as plain JSON.
    """
    if event.get("eventType") not in _TERMINAL:
        return []
    # Outputs behind inputs: of a table that a step fills in place, the step wrote the last word.
    said = {
        (dataset["namespace"], dataset["name"]): found
        for dataset in (*(event.get("inputs") or ()), *(event.get("outputs") or ()))
        if (found := _said(dataset)) is not None
    }
    return list(said.values())


def tag_changes(said: TagsSaid, seen: Mapping[str, Any] | None) -> list[Change]:
    """Compare what an event says with what Marquez has.

    Columns that a later run wrote are left to that run's event.

    :param said: from :func:`tags_said`.
    :param seen: the dataset as Marquez gives it; ``None`` if it was deleted there.
    """
    if seen is None:
        return []
    place = Place("datasets", said.dataset.namespace, said.dataset.name)
    later = _columns_of_a_later_run(said, seen)
    changes, after = [], []
    for field in seen["fields"]:
        says = {} if field["name"] in later else said.columns.get(field["name"], {})
        changes += _differences(place._replace(field=field["name"]), says, field["tags"])
        after.append({tag for tag in {*field["tags"], *says} if says.get(tag, True)})
    says = {**({} if said.run_id is None else _follows(after)), **({} if later else said.flags)}
    return changes + _differences(place, says, seen["tags"])


def _said(dataset: Mapping[str, Any]) -> TagsSaid | None:
    facets = dataset.get("facets") or {}
    provenance, certificate = facets.get(PROVENANCE_KEY) or {}, facets.get(CERTIFICATE_KEY) or {}
    columns: dict[str, dict[str, bool]] = {name: dict.fromkeys(_WRITTEN, False) for name in _columns(facets)}
    flags = {CERTIFIED: False} if provenance else {}
    for tag, column, on in _entries(facets):
        if column is not None:
            columns.setdefault(column, {})[tag] = on
        elif tag not in _WRITTEN:  # a table's provenance and confidence follow from its columns
            flags[tag] = on
    if certificate:
        flags[CERTIFIED] = certificate["certified"]
        for column in certificate["columns"]:
            columns.setdefault(column["name"], {})[CERTIFIED] = column["certified"]
    if not columns and not flags:
        return None
    return TagsSaid(DatasetName(dataset["namespace"], dataset["name"]), provenance.get("runId"), columns, flags)


def _columns(facets: Mapping[str, Any]) -> set[str]:
    """The columns that the writer of a dataset wrote; the facet leaves out some of a very wide table, the tags none."""
    provenance = facets.get(PROVENANCE_KEY)
    if not provenance:
        return set()
    return {c["name"] for c in provenance.get("columns") or ()} | {
        column for _, column, _ in _entries(facets) if column
    }


def _entries(facets: Mapping[str, Any]) -> Iterator[tuple[str, str | None, bool]]:
    for entry in (facets.get("tags") or {}).get("tags") or ():
        tag, on = _tag(entry["key"], entry["value"]) if entry.get("source") == TAG_SOURCE else ("", False)
        if tag in DESCRIPTIONS:
            yield tag, entry.get("field"), on


def _tag(key: str, value: str) -> tuple[str, bool]:
    """Marquez's tag for a key and value of the ``tags`` facet, and whether it is there.

    >>> _tag("aiguard_confidence", "0.80-0.90"), _tag("aiguard_recall", "false")
    (('CONF_0.8-0.9', True), ('RECALLED', False))
    """
    if key == CONFIDENCE_TAG:
        return "CONF_" + "-".join(bound.removesuffix("0") for bound in value.split("-")), True
    if key == PROVENANCE_KEY:
        return value.upper(), True
    return _FLAGS.get(key, ""), value == "true"


def _columns_of_a_later_run(said: TagsSaid, seen: Mapping[str, Any]) -> Collection[str]:
    facets = seen.get("facets") or {}
    writer = (facets.get(PROVENANCE_KEY) or {}).get("runId")
    return set() if said.run_id is None or writer in {None, said.run_id} else _columns(facets)


def _follows(columns: Iterable[Collection[str]]) -> dict[str, bool]:
    everywhere = {tag for column in columns for tag in column}
    least_sure = min((tag for tag in _CONFIDENCES if tag in everywhere), default=None)
    return {
        **{tag: tag in everywhere for tag in _PROVENANCES},
        **{tag: tag == least_sure for tag in _CONFIDENCES},
    }


def _differences(place: Place, says: Mapping[str, bool], present: Collection[str]) -> list[Change]:
    if place.field in {".", ".."}:  # cannot be addressed
        return []
    return [Change(place, tag, on) for tag, on in sorted(says.items()) if on is not (tag in present)]


def _job_changes(event: Mapping[str, Any], client: MarquezClient) -> list[Change]:
    """AI_STEP, for good: whether other tasks of the DAG are AI steps, one event does not know."""
    facets = (event.get("run") or {}).get("facets") or {}
    if event.get("eventType") not in _TERMINAL or RUN_KEY not in facets:
        return []
    # Marquez cannot tag a job that has a parent. It keeps the parent in the namespace of the job.
    namespace = event["job"]["namespace"]
    name = ((facets.get("parent") or {}).get("job") or event["job"])["name"]
    seen, place = client.job(namespace, name), Place("jobs", namespace, name)
    return [] if seen is None else _differences(place, {AI_STEP: True}, seen["tags"])
