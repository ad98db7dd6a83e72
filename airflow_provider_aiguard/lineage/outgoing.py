"""What leaves in an event of anybody's operator: text and numbers that every backend takes, no secrets, no rows."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from numbers import Number
from typing import Any

from openlineage.client.facet_v2 import tags_run

from airflow_provider_aiguard.lineage.credentials import BY_COLUMN, HIDDEN, is_secret, without_credentials
from airflow_provider_aiguard.lineage.failure import is_retold
from airflow_provider_aiguard.lineage.keys import PRODUCER
from airflow_provider_aiguard.lineage.rows import (
    without_literals,
    without_literals_of_any,
    without_rows,
    without_rows_in_trace,
)
from airflow_provider_aiguard.lineage.sanitise import clean_text, finite, moment_of
from airflow_provider_aiguard.store.outbox import OutboxEvent

MAX_TEXT = 32_768
"""Characters of one text."""

MAX_EVENT = 1_000_000
"""Characters of an event. Beyond 500 KB Marquez stores it and shows it no more."""

MAX_DEPTH = 40

MAX_KEY = 400
"""Characters of a job's name or a run's id that the store finds events by; the event holds all of it."""

_OF_ERRORS = frozenset({"errorMessage", "extractionError"})

_HIDES: dict[str, Callable[[str], str]] = {
    "stackTrace": without_rows_in_trace,
    "task": without_literals_of_any,
    **dict.fromkeys(("_producer", "_schemaURL", "programmingLanguage"), str),
}
"""What is said of an error and is no message; the task of an error of extraction is SQL that nobody could read."""


def safe_document(event: Mapping[str, Any], *, secrets: Sequence[str] = ()) -> dict[str, Any]:
    """Return an event as every backend takes it: without NUL, NaN, secrets and rows, and not longer than a limit.

    :param event: the event as a mapping, such as ``Serde.to_dict`` gives.
    :param secrets: texts that are hidden wherever they are.
    """
    known = tuple(_pattern(secret) for secret in secrets if secret)
    document: dict[str, Any] = _safe(event, known, 0)
    _hide_rows(document, retold=is_retold(_text(event, "run", "facets", "errorMessage", "message")))
    return _cut(document)


def to_outbox(document: Mapping[str, Any], *, now: datetime) -> OutboxEvent:
    """Name a safe event, and write it down.

    :param document: what :func:`safe_document` gave.
    :param now: the time, with zone, for an event that tells none.
    """
    event_id = str(uuid.uuid4())
    run_id = _text(document, "run", "runId")
    about = document.get("job") or document.get("dataset") or {}
    return OutboxEvent(
        event_id=event_id,
        run_id=run_id and _key(run_id),
        event_type=str(document.get("eventType") or "OTHER").upper() if run_id else _kind(document),
        job=_key(f"{about.get('namespace', '')}/{about.get('name', '')}"),
        payer=_key(_payer(document) or run_id or event_id),
        happened_at=moment_of(document.get("eventTime")) or now,
        event=json.dumps(document, allow_nan=False, sort_keys=True, separators=(",", ":")),
    )


def _key(text: str) -> str:
    """Shorten what the store finds events by to what an index of PostgreSQL takes: 2,704 bytes, and other columns."""
    if len(text) <= MAX_KEY:
        return text
    return f"{text[: MAX_KEY - 65]}-{hashlib.sha256(text.encode()).hexdigest()}"


def _kind(document: Mapping[str, Any]) -> str:
    return "DATASET" if "dataset" in document else "JOB"


def _payer(document: Mapping[str, Any]) -> str | None:
    """Give the task that waits: of a query's event it is the parent."""
    if _text(document, "job", "facets", "jobType", "jobType") in ("TASK", "DAG", None):
        return None
    return _text(document, "run", "facets", "parent", "run", "runId")


def _text(document: Any, *path: str) -> str | None:
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document if isinstance(document, str) else None


def _mapping(document: Any, *path: str) -> dict[str, Any]:
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document if isinstance(document, dict) else {}


def _pattern(secret: str) -> re.Pattern[str]:
    """Find a secret; one that is a word is no part of a longer one: ``airflow`` is not in ``airflowDagRun``."""
    found = re.escape(secret)
    return re.compile(rf"(?<![A-Za-z0-9_]){found}(?![A-Za-z0-9_])" if secret.isalpha() else found)


def _safe(item: Any, secrets: tuple[re.Pattern[str], ...], depth: int, parent: str = "") -> Any:
    if depth > MAX_DEPTH:
        return HIDDEN
    if isinstance(item, Enum):
        item = item.value
    if isinstance(item, Mapping):
        safe = {_safe_text(key, secrets): _below(key, value, secrets, depth + 1, parent)
                for key, value in ((_as_text(key), value) for key, value in item.items())}  # fmt: skip
        return {key: value for key, value in safe.items() if value is not None}
    if isinstance(item, list | tuple | set | frozenset):
        return [value for value in (_safe(value, secrets, depth + 1, parent) for value in item) if value is not None]
    if item is None or isinstance(item, bool):
        return item
    return finite(item) if isinstance(item, Number) else _safe_text(_as_text(item), secrets)


def _below(key: str, value: Any, secrets: tuple[re.Pattern[str], ...], depth: int, parent: str) -> Any:
    hidden = parent not in BY_COLUMN and is_secret(key, value)
    return HIDDEN if hidden else _safe(value, secrets, depth, key)


def _as_text(item: Any) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, date):
        return item.isoformat()
    # What anything else says of itself may be a row.
    return str(item) if isinstance(item, uuid.UUID) else f"<<non-serializable: {type(item).__qualname__}>>"


def _safe_text(text: str, secrets: tuple[re.Pattern[str], ...]) -> str:
    for secret in secrets:
        text = secret.sub(HIDDEN, text)
    return clean_text(without_credentials(text), MAX_TEXT)


def _hide_rows(document: Mapping[str, Any], *, retold: bool) -> None:
    sql = _mapping(document, "job", "facets", "sql")
    if isinstance(sql.get("query"), str):
        sql["query"] = without_literals(sql["query"])
    facets = _mapping(document, "run", "facets")
    for name in _OF_ERRORS & facets.keys():
        if not (retold and name == "errorMessage"):
            facets[name] = _without_rows(facets[name])


def _without_rows(item: Any, key: str = "") -> Any:
    if isinstance(item, str):
        return _HIDES.get(key, without_rows)(item)
    if isinstance(item, Mapping):
        return {key: _without_rows(value, key) for key, value in item.items()}
    return [_without_rows(value, key) for value in item] if isinstance(item, list) else item


def _cut(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out the largest facets of an event that is too long, and say so in a tag of its run."""
    length = len(json.dumps(document))
    if length <= MAX_EVENT:
        return document
    sized = sorted(((len(json.dumps(f[name])), path, f, name) for path, f in _facets(document) for name in f),
                   key=lambda one: one[0], reverse=True)  # fmt: skip
    gone = []
    for size, path, facets, name in sized:
        if length <= MAX_EVENT:
            break
        del facets[name]
        length -= size
        gone.append(f"{path}.{name} ({size:,} characters)")
    _say_cut(document, clean_text(", ".join(gone), 1_000))
    return document


def _facets(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    places = [("run", document.get("run")), ("job", document.get("job")), ("dataset", document.get("dataset"))]
    for side in ("inputs", "outputs"):
        places += [(f"{side}.{one.get('name')}", one) for one in document.get(side) or [] if isinstance(one, dict)]
    names = ("facets", "inputFacets", "outputFacets")
    return [(path, place[name]) for path, place in places if isinstance(place, dict)
            for name in names if isinstance(place.get(name), dict)]  # fmt: skip


def _say_cut(document: dict[str, Any], what: str) -> None:
    run = document.get("run")
    if not isinstance(run, dict):
        return
    facets = run.setdefault("facets", {})
    if not isinstance(facets, dict):
        return
    tags = facets.setdefault("tags", _no_tags())
    if isinstance(tags, dict) and isinstance(tags.get("tags"), list):
        tags["tags"].append({"key": "aiguard_cut", "value": what, "source": "AIGUARD"})


def _no_tags() -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": tags_run.TagsRunFacet._get_schema(), "tags": []}
