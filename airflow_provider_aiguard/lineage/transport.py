"""The transport of OpenLineage's client that loses nothing: it keeps each event first, then sends it.

``AIRFLOW__OPENLINEAGE__TRANSPORT`` names it by its class. Airflow makes a process for each event and waits for it, so
everything here has a limit in time: the work is done by a thread, and the task stops waiting for it. What is not done
by then is done later, by another event or by ``aiguard lineage replay``.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from openlineage.client.serde import Serde
from openlineage.client.transport.transport import Transport

from airflow_provider_aiguard.lineage.backend import Meaning
from airflow_provider_aiguard.lineage.courier import SLACK, Courier
from airflow_provider_aiguard.lineage.edges import add_edges
from airflow_provider_aiguard.lineage.local_spool import LocalSpool
from airflow_provider_aiguard.lineage.outgoing import safe_document, to_outbox
from airflow_provider_aiguard.lineage.retelling import note_event
from airflow_provider_aiguard.lineage.settings import DurableConfig
from airflow_provider_aiguard.lineage.tagging import Tagging
from airflow_provider_aiguard.lineage.within import within
from airflow_provider_aiguard.store.database import Database, open_database
from airflow_provider_aiguard.store.deliveries import Deliveries
from airflow_provider_aiguard.store.outbox import Alongside, Outbox, OutboxEvent, Spooled, delivery_of
from airflow_provider_aiguard.store.revision import ensure_current, is_current

if TYPE_CHECKING:
    from openlineage.client.client import Event

logger = logging.getLogger(__name__)

ALONGSIDE: tuple[Alongside, ...] = (add_edges, note_event)
"""What else is written into the store for each new event, in the transaction that keeps it."""

STORE_SECONDS = 0.4
"""How long the store may take to keep an event before the local file does."""

UPGRADE_SECONDS = 8.0
"""The same while the store's tables are made or brought up to date: once a version."""

TASK_SECONDS = 0.8
"""What a task waits for a backend over all its events."""

DRAIN_SECONDS = 0.1
"""What a task gives to events that the local file holds."""


class DurableTransport(Transport):
    """Keeps each event in the store's outbox, or on this host's disk, and then sends it.

    :param config: see :class:`DurableConfig`.
    """

    kind = "aiguard"
    config_class = DurableConfig

    def __init__(self, config: DurableConfig) -> None:
        self.config = config

    def emit(self, event: Event | Mapping[str, Any]) -> None:
        """Keep an event and send it. Raises nothing: lineage fails no task.

        :param event: of OpenLineage's client, or a mapping of the same shape.
        """
        try:
            for problem in self.config.problems:
                logger.warning("Configuration of the lineage transport: %s", problem)
            self._emit(event)
        except Exception:
            logger.warning("An event of lineage could not be kept and is lost.", exc_info=True)

    def _emit(self, event: Event | Mapping[str, Any]) -> None:
        document = safe_document(Serde.to_dict(event), secrets=self.config.secrets)
        new = to_outbox(document, now=datetime.now(UTC))
        spool = LocalSpool(self.config.spool)
        if spool.store_is_away():
            self._append(spool, new)
            return
        # What waits in the file happened before: this event does not overtake it.
        waiting = spool.holds_events
        try:
            database, spooled = self._open_and_keep(new, document, hold=not waiting)
        except Exception as error:  # whatever it is, the event is kept
            self._append(spool, new)
            spool.say_store_is_away()
            logger.warning(
                "The AI Guard store did not keep an event of lineage (%s). It is in %s, and goes on from there when a "
                "task of this host reaches the store. To see why: aiguard lineage doctor.",
                error, spool.folder,
            )  # fmt: skip
            return
        try:
            awake = spooled is not None and spooled.awake
            if waiting:
                awake = within(STORE_SECONDS, lambda: self._bring(database, spool))
            if spooled is not None and awake:
                within(self.config.budget + STORE_SECONDS, lambda: self._send(database, spooled, new))
        except Exception as error:
            logger.warning("An event of lineage is kept, and sent later: %s", error)
        finally:
            database.close()

    def _append(self, spool: LocalSpool, new: OutboxEvent) -> None:
        try:
            spool.append(new)
        except OSError as error:
            backend = self.config.backend()
            answer = backend.post(new.event, timeout=self.config.budget) if backend else None
            if answer is None or answer.meaning is not Meaning.ACCEPTED:
                raise
            logger.warning("An event of lineage was sent, but could not be kept: %s.", error)

    def _open_and_keep(
        self, new: OutboxEvent, document: Mapping[str, Any], *, hold: bool
    ) -> tuple[Database, Spooled | None]:
        database = open_database(self.config.store, patience=STORE_SECONDS)
        try:
            if not within(STORE_SECONDS, lambda: is_current(database)):
                within(UPGRADE_SECONDS, lambda: ensure_current(database))
            wait = timedelta(seconds=self.config.budget) + SLACK if hold else None
            outbox, backend = Outbox(database), self.config.backend_name
            return database, within(STORE_SECONDS, lambda: keep(outbox, new, document, backend=backend, hold=wait))
        except BaseException:
            database.close()
            raise

    def _bring(self, database: Database, spool: LocalSpool) -> bool:
        """Bring what this host's file holds to the store, and say whether the backend is to be asked for it now."""
        backend = self.config.backend_name
        bring(spool, Outbox(database), backend=backend, deadline=time.monotonic() + DRAIN_SECONDS)
        return backend is not None and Deliveries(database, backend).is_awake(datetime.now(UTC))

    def _send(self, database: Database, spooled: Spooled, new: OutboxEvent) -> None:
        """Send the event if nothing waits before it, and what else is due while there is time."""
        backend = self.config.backend()
        budget = min(self.config.budget, TASK_SECONDS - spooled.waited)
        if backend is None or budget <= 0:
            return
        deadline = time.monotonic() + budget
        deliveries = Deliveries(database, backend.name)
        courier = Courier(backend, deliveries, Tagging(backend, deliveries))
        try:
            answer = courier.send(delivery_of(spooled.seq, new), deadline=deadline) if spooled.mine else None
            if answer is None or answer.meaning in (Meaning.ACCEPTED, Meaning.REFUSED):
                courier.drain(deadline=deadline)
        finally:
            backend.close()


def keep(
    outbox: Outbox,
    event: OutboxEvent,
    document: Mapping[str, Any],
    *,
    backend: str | None,
    hold: timedelta | None = None,
) -> Spooled | None:
    """Write an event into the outbox, with all that follows from it. See :meth:`Outbox.add`."""
    return outbox.add(event, document, backend=backend, now=datetime.now(UTC), hold=hold, alongside=ALONGSIDE)


def bring(spool: LocalSpool, outbox: Outbox, *, backend: str | None = None, deadline: float | None = None) -> int:
    """Bring the events that this host's file holds into the outbox; return how many.

    :param backend: who shall be told; ``None`` for nobody yet.
    :param deadline: reading of the monotonic clock after which the rest is left to others.
    :raises StoreUnavailableError: if the store does not answer; nothing is lost.
    """
    return spool.drain(lambda event: keep(outbox, event, json.loads(event.event), backend=backend), deadline=deadline)
