"""What leaves in an event of anybody's operator: text and numbers that every backend takes, no secrets, no rows."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from numbers import Number
from typing import Any

from airflow_provider_aiguard.lineage.sanitise import clean_text, finite, moment_of
from airflow_provider_aiguard.store.outbox import OutboxEvent

MAX_TEXT = 32_768
"""Characters of one text."""

MAX_EVENT = 1_000_000
"""Characters of an event. Beyond 500 KB Marquez stores it and shows it no more."""

MAX_DEPTH = 40

MAX_KEY = 400
"""Characters of a job's name or a run's id that the store finds events by; the event holds all of it."""

HIDDEN = "***"

_CREDENTIALS = re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/@'\"]*):[^\s/@'\"]+@")
# What databases add to an error, and what they add is the row that it is about.
_PARAMETERS = re.compile(r"\[parameters: .*?\](?=\s*(?:\(Background on this error|\Z|\n\S))", re.DOTALL)
_DETAIL = re.compile(r"\b(DETAIL|CONTEXT):[^\n]*")
_FAILING_ROW = re.compile(r"(Failing row contains) \([^\n]*")

_OF_ERRORS = frozenset({"errorMessage", "extractionError"})


def safe_document(event: Mapping[str, Any], *, secrets: Sequence[str] = ()) -> dict[str, Any]:
    """Return an event as every backend takes it: without NUL, NaN, secrets and rows, and not longer than a limit.

    :param event: the event as a mapping, such as ``Serde.to_dict`` gives.
    :param secrets: texts that are hidden wherever they are.
    """
    known = tuple(secret for secret in secrets if secret)
    document: dict[str, Any] = _safe(event, known, 0)
    _hide_rows(document)
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


def _safe(item: Any, secrets: tuple[str, ...], depth: int) -> Any:
    if depth > MAX_DEPTH:
        return HIDDEN
    if isinstance(item, Enum):
        item = item.value
    if isinstance(item, Mapping):
        safe = {_safe_text(_as_text(key), secrets): _safe(value, secrets, depth + 1) for key, value in item.items()}
        return {key: value for key, value in safe.items() if value is not None}
    if isinstance(item, list | tuple | set | frozenset):
        return [value for value in (_safe(value, secrets, depth + 1) for value in item) if value is not None]
    if item is None or isinstance(item, bool):
        return item
    return finite(item) if isinstance(item, Number) else _safe_text(_as_text(item), secrets)


def _as_text(item: Any) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, date):
        return item.isoformat()
    # What anything else says of itself may be a row.
    return str(item) if isinstance(item, uuid.UUID) else f"<<non-serializable: {type(item).__qualname__}>>"


def _safe_text(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return clean_text(_CREDENTIALS.sub(rf"\1:{HIDDEN}@", text), MAX_TEXT)


def _hide_rows(document: Mapping[str, Any]) -> None:
    facets = (document.get("run") or {}).get("facets") or {}
    for name in _OF_ERRORS & facets.keys():
        facets[name] = _without_rows(facets[name])


def _without_rows(item: Any) -> Any:
    if isinstance(item, str):
        text = _PARAMETERS.sub(f"[parameters: {HIDDEN}]", item)
        return _FAILING_ROW.sub(rf"\1 ({HIDDEN})", _DETAIL.sub(rf"\1: {HIDDEN}", text))
    if isinstance(item, Mapping):
        return {key: _without_rows(value) for key, value in item.items()}
    return [_without_rows(value) for value in item] if isinstance(item, list) else item


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
    facets = (document.get("run") or {}).get("facets")
    tags = facets.get("tags") if isinstance(facets, dict) else None
    if isinstance(tags, dict) and isinstance(tags.get("tags"), list):
        tags["tags"].append({"key": "aiguard_cut", "value": what, "source": "AIGUARD"})
