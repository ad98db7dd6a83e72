"""Checks that stand beside each other, whichever job checked last.

Marquez shows the checks of the event that named a dataset last, so a guard that passes would hide one that failed. The
checks of each job are remembered until the table is written again, and added to the events of the other jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_aiguard.lineage.datasets import DatasetName

KEY = "dataQualityAssertions"

MAX_CHECKS = 300
"""Most checks of one dataset in one event: its own, then those of others that failed, then those that passed."""

JSON = Mapping[str, Any]

_TERMINAL = ("COMPLETE", "FAIL", "ABORT")


def checks_told(event: JSON) -> dict[DatasetName, list[JSON]]:
    """Read what the event of a finished run says it checked, by dataset.

    :param event: an OpenLineage run event as plain JSON.
    """
    if event.get("eventType") not in _TERMINAL:
        return {}
    found = {DatasetName(one["namespace"], one["name"]): _checks(one) for one in event.get("inputs") or ()}
    return {name: checks for name, checks in found.items() if checks}


def repeat_checks(event: JSON, standing: Mapping[DatasetName, Sequence[JSON]]) -> dict[str, Any]:
    """Add to an event that checks a dataset what other jobs found there.

    :param event: an OpenLineage run event as plain JSON; it stays as it is.
    :param standing: what they found, by dataset.
    """
    if not event.get("inputs"):
        return dict(event)
    return {**event, "inputs": [_repeated(one, standing) for one in event["inputs"]]}


def _repeated(dataset: JSON, standing: Mapping[DatasetName, Sequence[JSON]]) -> JSON:
    own, others = _checks(dataset), standing.get(DatasetName(dataset["namespace"], dataset["name"]), ())
    if not own or not others:
        return dataset
    worst_first = sorted(others, key=lambda check: bool(check.get("success")))
    place = "inputFacets" if KEY in (dataset.get("inputFacets") or {}) else "facets"
    facet = {**dataset[place][KEY], "assertions": _once([*own, *worst_first])[:MAX_CHECKS]}
    return {**dataset, place: {**dataset[place], KEY: facet}}


def _checks(dataset: JSON) -> list[JSON]:
    facets = {**(dataset.get("facets") or {}), **(dataset.get("inputFacets") or {})}
    return list((facets.get(KEY) or {}).get("assertions") or ())


def _once(checks: Iterable[JSON]) -> list[JSON]:
    """Marquez tells rows by column and text."""
    found: dict[tuple[Any, Any], JSON] = {}
    for check in checks:
        found.setdefault((check.get("column"), check.get("assertion")), check)
    return list(found.values())
