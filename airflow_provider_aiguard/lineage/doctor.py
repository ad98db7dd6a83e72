"""Looks at everything between an event and the backend's page, and says what to do where something is wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_aiguard.core.errors import AIGuardError
from airflow_provider_aiguard.lineage.local_spool import LocalSpool
from airflow_provider_aiguard.lineage.marquez_tags import tag_changes, tags_said
from airflow_provider_aiguard.lineage.settings import DurableConfig
from airflow_provider_aiguard.lineage.tagging import MARQUEZ, client_of
from airflow_provider_aiguard.lineage.wellformed import problems
from airflow_provider_aiguard.store.outbox import Standing
from airflow_provider_aiguard.store.store import Store

RECENT = 200
"""Events that are looked at."""

OLD = timedelta(hours=1)
"""What is due for longer is not on its way, but left."""

RETIRED = timedelta(days=30)
"""A backend that has taken nothing for as long, while there was something to take, may be no more."""

SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    :param about: what.
    :param found: how it is.
    :param to_do: what to do; empty if all is well.
    """

    about: str
    found: str
    to_do: str = ""


def examine(store: Store, config: DurableConfig, *, now: datetime | None = None) -> list[Finding]:
    """Look at the settings, the local file, the backend, what is due, and what recent events say.

    :param store: where events are kept.
    :param config: of the transport.
    :param now: the time, with zone; the clock's if ``None``.
    """
    moment = now or datetime.now(UTC)
    found = [Finding(about="settings", found="cannot be used", to_do=problem) for problem in config.problems]
    found += _spool(config)
    found += _backend(config)
    for standing in store.outbox.standing():
        found += _standing(standing, config, moment)
        if standing.backend == config.backend_name and standing.kind == MARQUEZ:
            found += _tags(store, config)
    return [*found, *_events(store)]


def _spool(config: DurableConfig) -> Iterator[Finding]:
    spool = LocalSpool(config.spool)
    lines = spool.lines()
    if lines:
        yield Finding(
            about="local file",
            found=f"{lines} events wait in {spool.folder}: the store could not be reached",
            to_do="aiguard lineage replay, on this host",
        )
    if spool.damaged():
        yield Finding(
            about="local file",
            found=f"{spool.damaged()} lines in {spool.folder} are no events: a process or the disk died while writing",
            to_do="Look at events.damaged.jsonl there, and remove it.",
        )
    if not lines and not spool.damaged():
        yield Finding(about="local file", found="empty")


def _backend(config: DurableConfig) -> Iterator[Finding]:
    backend = config.backend()
    if backend is None:
        yield Finding(about="backend", found="none is configured: events are kept", to_do="Set 'url' of the transport.")
        return
    answer = backend.ask(timeout=SECONDS)
    backend.close()
    if answer:
        to_do = "Is it running? Are 'url', 'endpoint' and 'auth' of the transport right? Events wait until it answers."
        yield Finding(about="backend", found=f"{backend.name}: {answer}", to_do=to_do)
    else:
        yield Finding(about="backend", found=f"{backend.name} answers")


def _standing(standing: Standing, config: DurableConfig, now: datetime) -> Iterator[Finding]:
    about = f"events for {standing.backend}"
    mine = standing.backend == config.backend_name
    if standing.oldest_due is not None and now - standing.oldest_due > OLD and mine:
        yield Finding(
            about=about,
            found=f"{standing.due} are due, the oldest since {standing.oldest_due:%Y-%m-%d %H:%M} UTC"
            + (f": {standing.reason}" if standing.reason else ""),
            to_do="aiguard lineage replay",
        )
    since = standing.accepted_at or standing.oldest_due
    if not mine and standing.due and since is not None and now - since > RETIRED:
        yield Finding(
            about=about,
            found=f"{standing.due} are due and none was taken since {since:%Y-%m-%d}: until then no event is pruned",
            to_do=f"aiguard lineage replay --url, or if it is no more: aiguard lineage forget --url {standing.backend}",
        )
    if standing.set_aside:
        yield Finding(
            about=about,
            found=f"{standing.set_aside} are set aside: the backend does not take them",
            to_do="aiguard lineage status says why. Then: aiguard lineage replay --set-aside.",
        )
    if standing.tags_due:
        yield Finding(about=about, found=f"tags of {standing.tags_due} are not set", to_do="aiguard lineage replay")


def _tags(store: Store, config: DurableConfig) -> Iterator[Finding]:
    newest = {said.dataset: said for text in reversed(store.outbox.documents(RECENT))
              for said in tags_said(json.loads(text)) if said.run_id}  # fmt: skip
    backend = config.backend()
    if backend is None:
        return
    try:
        with client_of(backend, seconds=SECONDS) as client:
            changes = [change for said in newest.values() for change in tag_changes(said, client.dataset(said.dataset))]
    except AIGuardError as error:
        yield Finding(about="tags", found=f"could not be looked at: {error}", to_do="See the backend, above.")
        return
    if changes:
        names = sorted({change.place.name for change in changes})
        found = f"out of step with the last events of {len(names)} datasets, such as {names[0]!r}"
        yield Finding(about="tags", found=found, to_do="aiguard lineage replay --tags")
    else:
        yield Finding(about="tags", found=f"of {len(newest)} datasets are as the last events say")


def _events(store: Store) -> Iterator[Finding]:
    documents = [json.loads(text) for text in store.outbox.documents(RECENT)]
    wrong = Counter(f"{problem} ({_about(event)})"
                    for event in documents for problem in problems(event))  # fmt: skip
    if not documents:
        yield Finding(
            about="recent events", found="none was kept",
            to_do="Run a DAG. Is this the store of the transport, and is the transport ours?",
        )  # fmt: skip
    elif wrong:
        worst = "; ".join(f"{text}, {count} times" for text, count in wrong.most_common(5))
        yield Finding(about="recent events", found=worst, to_do="The operator that emits it has to be corrected.")
    else:
        yield Finding(about="recent events", found=f"the last {len(documents)} are what a backend takes")


def _about(event: Mapping[str, Any]) -> str:
    about = event.get("job") or event.get("dataset")
    return str(about.get("name")) if isinstance(about, Mapping) else "?"
