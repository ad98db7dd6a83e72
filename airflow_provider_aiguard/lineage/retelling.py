"""What Marquez forgets, said again: the descriptions of a reader's tables, and the checks of other jobs.

Marquez shows what the last event that named a dataset said of it. Each event is noted in the store as it is kept; as it
is sent, it gets what it does not say itself. The event that is kept stays what Airflow emitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.lineage import Node, dataset_node, job_node
from airflow_provider_aiguard.core.notes import Note
from airflow_provider_aiguard.lineage.checks import checks_told, repeat_checks
from airflow_provider_aiguard.lineage.datasets import DatasetName
from airflow_provider_aiguard.lineage.descriptions import (
    Description,
    datasets_to_describe,
    descriptions_written,
    repeat_descriptions,
)
from airflow_provider_aiguard.lineage.sanitise import moment_of
from airflow_provider_aiguard.store.notes import add_notes

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from airflow_provider_aiguard.store.notes import Notes

CHECKS_STAND = timedelta(days=30)
"""For how long the checks of a job are repeated: it may have been retired."""


def note_event(conn: Connection, event: Mapping[str, Any]) -> None:
    """Keep what an event says of its datasets, in the transaction that keeps the event.

    :param event: an OpenLineage event as plain JSON.
    """
    add_notes(conn, notes_of(event))


def notes_of(event: Mapping[str, Any]) -> list[Note]:
    """Read what an event says of its datasets.

    :param event: an OpenLineage event as plain JSON.
    """
    at = moment_of(event.get("eventTime"))
    if "run" not in event or at is None:
        return []
    written = [
        Note(_node(name), None, at, {"text": said.text, "columns": dict(said.columns)})
        for name, said in descriptions_written(event).items()
    ]
    job = _job(event)
    return written + [Note(_node(name), job, at, {"checks": checks}) for name, checks in checks_told(event).items()]


def retell(event: Mapping[str, Any], notes: Notes, *, now: datetime) -> Mapping[str, Any]:
    """Add to an event what it does not say and others said.

    :param event: an OpenLineage event as plain JSON; it stays as it is.
    :param notes: what was said.
    :param now: the time, with zone.
    """
    asked = datasets_to_describe(event)
    found = notes.of(map(_node, asked)) if asked and "run" in event else []
    if not found:
        return event
    job = _job(event)
    described = {_name(one.about): Description(**one.said) for one in found if one.by is None}
    standing: dict[DatasetName, list[Mapping[str, Any]]] = {}
    for one in found:
        if one.by not in {None, job} and now - one.at <= CHECKS_STAND:
            standing.setdefault(_name(one.about), []).extend(one.said["checks"])
    return repeat_checks(repeat_descriptions(event, described), standing)


def _job(event: Mapping[str, Any]) -> Node:
    return job_node(event["job"]["namespace"], event["job"]["name"])


def _node(name: DatasetName) -> Node:
    return dataset_node(name.namespace, name.name)


def _name(node: Node) -> DatasetName:
    return DatasetName(node.namespace, node.name)
