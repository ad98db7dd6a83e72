"""Sends a backend what it lacks: what is due, what was kept before the backend was known, what the local file holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.lineage.courier import Courier, Sent
from airflow_provider_aiguard.lineage.local_spool import LocalSpool
from airflow_provider_aiguard.lineage.settings import DurableConfig
from airflow_provider_aiguard.lineage.tagging import Tagging
from airflow_provider_aiguard.lineage.transport import bring
from airflow_provider_aiguard.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What a replay did.

    :param backend: name of the backend.
    :param from_file: events that came out of the local file.
    :param sent: what the backend was told.
    :param left: events that are due still.
    """

    backend: str
    from_file: int
    sent: Sent
    left: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"backend": self.backend, "from_file": self.from_file, **asdict(self.sent), "left": self.left}

    def __str__(self) -> str:
        sent = self.sent
        text = f"{self.backend}: {sent.accepted} accepted, {sent.set_aside} set aside, {self.left} left."
        if self.from_file:
            text += f" From the local file: {self.from_file}."
        if sent.tagged:
            text += f" Tags set for {sent.tagged}."
        return text + (f" Stopped: {sent.stopped}." if sent.stopped else "")


def replay(
    store: Store, config: DurableConfig, *, again: bool = False, set_aside: bool = False, tags: bool = False
) -> Replayed:
    """Send a backend everything that it has not accepted, job by job, in the order in which it happened.

    May run at any time, and more than once at the same time: each event has one sender.

    :param store: where events are kept.
    :param config: of the backend.
    :param again: send what it has accepted, too: it lost it, or it is another one at the same address.
    :param set_aside: send what it did not take, too: it may take it now.
    :param tags: set the tags of all that it has anew.
    :raises ConfigurationError: if the settings name no backend.
    :raises StoreUnavailableError: if the store does not answer.
    """
    backend = config.backend()
    if backend is None:
        reason = config.problems[0] if config.problems else "The transport has no 'url'."
        raise ConfigurationError(f"Nobody is named who shall have the events. {reason} Set it, or give --url.")
    spool = LocalSpool(config.spool)
    from_file = bring(spool, store.outbox)
    spool.say_store_is_back()
    deliveries = store.deliveries(backend.name)
    deliveries.want(now=datetime.now(UTC), again=again, set_aside=set_aside)
    if tags:
        deliveries.want_tags()
    try:
        sent = Courier(backend, deliveries, Tagging(backend, deliveries)).drain()
    finally:
        backend.close()
    return Replayed(backend=backend.name, from_file=from_file, sent=sent, left=deliveries.due())
