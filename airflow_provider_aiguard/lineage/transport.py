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
from airflow_provider_aiguard.lineage.courier import LEAST_SECONDS, SLACK, Courier
from airflow_provider_aiguard.lineage.edges import add_edges
from airflow_provider_aiguard.lineage.local_spool import LocalSpool
from airflow_provider_aiguard.lineage.outgoing import safe_document, to_outbox
from airflow_provider_aiguard.lineage.retelling import note_event
from airflow_provider_aiguard.lineage.settings import DurableConfig
from airflow_provider_aiguard.lineage.tagging import Tagging
from airflow_provider_aiguard.lineage.waited import Patience, Waited
from airflow_provider_aiguard.lineage.within import within
from airflow_provider_aiguard.store.database import Database, open_database
from airflow_provider_aiguard.store.deliveries import TERMINAL, Deliveries
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
"""What a task waits for the store and the backend over all its events on a host. Afterwards its events go into the
local file at once."""

NOTE_SECONDS = 0.1
"""What is kept of that to write down what the backend answered."""

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
            self._emit(event)
        except Exception:
            self._warn_once("An event of lineage could not be kept and is lost.", exc_info=True)

    def _emit(self, event: Event | Mapping[str, Any]) -> None:
        started = time.monotonic()
        for problem in self.config.problems:
            self._warn_once(f"Configuration of the lineage transport: {problem}")
        document = safe_document(Serde.to_dict(event), secrets=self.config.secrets)
        new = to_outbox(document, now=datetime.now(UTC))
        waited = Waited(self.config.spool, new.payer)
        patience = Patience(TASK_SECONDS - waited.seconds(), started=started)
        try:
            self._keep_and_send(new, document, patience)
        finally:
            if new.run_id == new.payer and new.event_type in TERMINAL:
                waited.forget()
            else:
                waited.add(patience.spent())

    def _keep_and_send(self, new: OutboxEvent, document: Mapping[str, Any], patience: Patience) -> None:
        spool = LocalSpool(self.config.spool)
        limit = patience.up_to(STORE_SECONDS)
        if spool.store_is_away() or limit < LEAST_SECONDS:
            self._append(spool, new)
            return
        # What waits in the file happened before: this event does not overtake it.
        waiting = spool.holds_events
        try:
            database, spooled = self._open_and_keep(new, document, patience, hold=not waiting)
        except Exception as error:  # whatever it is, the event is kept
            self._append(spool, new)
            if limit == STORE_SECONDS:
                # With less, what was left of the task's time was too short, which says nothing about the store.
                self._say_store_is_away(spool, error)
            return
        try:
            awake = spooled is not None and spooled.awake
            if waiting:
                awake = within(patience.up_to(STORE_SECONDS), lambda: self._bring(database, spool))
            if spooled is not None and awake:
                limit = patience.up_to(self.config.budget + STORE_SECONDS)
                within(limit, lambda: self._send(database, spooled, new, patience))
        except Exception as error:
            logger.warning("An event of lineage is kept, and sent later: %s", error)
        finally:
            database.close()

    def _warn_once(self, text: str, **more: Any) -> None:
        """Not for each event: they come from processes that know nothing of each other."""
        if LocalSpool(self.config.spool).is_news(text):
            logger.warning("%s", text, **more)

    def _say_store_is_away(self, spool: LocalSpool, error: Exception) -> None:
        spool.say_store_is_away()
        logger.warning(
            "The AI Guard store did not keep an event of lineage (%s). It is in %s, and goes on from there when a "
            "task of this host reaches the store. To see why: aiguard lineage doctor.",
            error, spool.folder,
        )  # fmt: skip

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
        self, new: OutboxEvent, document: Mapping[str, Any], patience: Patience, *, hold: bool
    ) -> tuple[Database, Spooled | None]:
        limit = patience.up_to(STORE_SECONDS)
        database = open_database(self.config.store, patience=limit)
        try:
            if not within(limit, lambda: is_current(database)):
                with patience.paused():
                    within(UPGRADE_SECONDS, lambda: ensure_current(database))
            wait = timedelta(seconds=self.config.budget) + SLACK if hold else None
            outbox, backend = Outbox(database), self.config.backend_name
            limit = patience.up_to(STORE_SECONDS)
            return database, within(limit, lambda: keep(outbox, new, document, backend=backend, hold=wait))
        except BaseException:
            database.close()
            raise

    def _bring(self, database: Database, spool: LocalSpool) -> bool:
        """Bring what this host's file holds to the store, and say whether the backend is to be asked for it now."""
        backend = self.config.backend_name
        bring(spool, Outbox(database), backend=backend, deadline=time.monotonic() + DRAIN_SECONDS)
        return backend is not None and Deliveries(database, backend).is_awake(datetime.now(UTC))

    def _send(self, database: Database, spooled: Spooled, new: OutboxEvent, patience: Patience) -> None:
        """Send the event if nothing waits before it, and what else is due while there is time."""
        backend = self.config.backend()
        left = min(patience.up_to(TASK_SECONDS), TASK_SECONDS - spooled.waited)
        budget = min(self.config.budget, left - NOTE_SECONDS)
        if backend is None or budget < LEAST_SECONDS:
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
