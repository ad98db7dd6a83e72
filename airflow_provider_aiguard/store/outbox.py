"""The outbox: every event of lineage is here before anybody is told, and stays until each backend has answered.

An event is written once. For each backend that shall have it there is a *delivery*, which is due until the backend
has accepted the event, or it is set aside, or it came too late to say anything.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from airflow_provider_aiguard.store import deliveries, schema
from airflow_provider_aiguard.store.database import Database, insert_into, is_lost_race
from airflow_provider_aiguard.store.deliveries import Delivery
from airflow_provider_aiguard.store.identity import aware

logger = logging.getLogger(__name__)

Alongside = Callable[[Connection, Mapping[str, Any]], None]
"""Writes what follows from an event, in the event's transaction. If it fails, only what it wrote is undone."""

START = "START"

row = schema.outbox.c
told = schema.delivery.c


@dataclass(frozen=True, kw_only=True)
class OutboxEvent:
    """An event as it is kept.

    :param event_id: its own, so that what is written twice is there once.
    :param run_id: OpenLineage run; ``None`` for an event that belongs to none.
    :param event_type: such as ``START``; ``DATASET`` or ``JOB`` for an event without a run.
    :param job: namespace and name: events of one job are told in their order.
    :param payer: run id of the task that waits while this event is told.
    :param happened_at: the event's time, with zone.
    :param event: the event as JSON.
    """

    event_id: str
    run_id: str | None
    event_type: str
    job: str
    payer: str
    happened_at: datetime
    event: str


@dataclass(frozen=True, kw_only=True)
class Spooled:
    """An event that is in the outbox.

    :param seq: its number.
    :param mine: whether whoever wrote it may send it now: nothing of its job waits before it, and the backend is
        not asleep.
    :param awake: whether whoever wrote it is to ask the backend at all.
    :param waited: seconds that its payer has waited for this backend so far.
    """

    seq: int
    mine: bool
    awake: bool
    waited: float


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What one backend was told.

    :param backend: its name.
    :param kind: what it is, if that is known.
    :param accepted: events it has.
    :param due: events it is still to be told.
    :param set_aside: events it does not take.
    :param late: events that came after the end of their run.
    :param tags_due: accepted events whose tags are not set.
    :param oldest_due: when the oldest due one was spooled.
    :param failures: times in a row that it did not answer.
    :param asleep_until: when it is asked again; ``None`` if it is awake.
    :param accepted_at: when it accepted something last.
    :param reason: why it did not answer.
    """

    backend: str
    kind: str | None
    accepted: int
    due: int
    set_aside: int
    late: int
    tags_due: int
    oldest_due: datetime | None
    failures: int
    asleep_until: datetime | None
    accepted_at: datetime | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """An event that a backend does not take.

    :param seq: its number.
    :param backend: who does not take it.
    :param job: of which job it is.
    :param run_id: of which run.
    :param event_type: its type.
    :param reason: what the backend said.
    """

    seq: int
    backend: str
    job: str
    run_id: str | None
    event_type: str
    reason: str


class Outbox:
    """Events of lineage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        event: OutboxEvent,
        document: Mapping[str, Any],
        *,
        backend: str | None,
        now: datetime,
        hold: timedelta | None = None,
        alongside: Sequence[Alongside] = (),
    ) -> Spooled | None:
        """Write an event, once.

        :param event: what to keep.
        :param document: the same, as what it is.
        :param backend: who shall be told; ``None`` for nobody yet.
        :param now: the time, with zone.
        :param hold: for how long nobody else sends it; ``None`` if whoever writes it will not send it.
        :param alongside: what else to write in the same transaction, if the event is new.
        :returns: ``None`` if it was there, or is the second START of its run.
        """
        moment = aware(now, what="now")

        def work(conn: Connection) -> Spooled | None:
            seq = _insert(conn, event, moment)
            if seq is None:
                return None
            for writer in alongside:
                _write_alongside(conn, writer, document)
            if backend is None:
                return Spooled(seq=seq, mine=False, awake=False, waited=0.0)
            # A backend that was asleep gives one permission to try it: none is taken that would not be used.
            awake = hold is not None and deliveries.is_awake(conn, backend, moment)
            mine = deliveries.enqueue(conn, backend, delivery_of(seq, event), moment, hold if awake else None)
            return Spooled(seq=seq, mine=mine, awake=awake, waited=deliveries.waited(conn, backend, event.payer))

        return self._database.write(work)

    def documents(self, limit: int) -> list[str]:
        """The newest events as JSON, the newest first."""
        newest = sa.select(row.event).order_by(row.seq.desc()).limit(limit)
        return list(self._database.read(lambda conn: conn.scalars(newest).all()))

    def count(self) -> int:
        """How many events there are."""
        return self._database.read(lambda conn: conn.scalar(sa.select(sa.func.count()).select_from(schema.outbox))) or 0

    def standing(self) -> list[Standing]:
        """Where every backend stands, by name."""
        counts = [
            sa.func.count(sa.case((told.state == name, told.seq))).label(name)
            for name in ("accepted", "due", "set_aside", "late")
        ]
        oldest = sa.func.min(sa.case((told.state == "due", row.spooled_at)), type_=schema.UTCTime())
        tags = sa.func.count(sa.case((told.tags_due, told.seq))).label("tags_due")
        query = (
            sa.select(*schema.backend.c, *counts, tags, oldest.label("oldest_due"))
            .outerjoin(schema.delivery, told.backend == schema.backend.c.backend)
            .outerjoin(schema.outbox, row.seq == told.seq)
            .group_by(*schema.backend.c)
            .order_by(schema.backend.c.backend)
        )
        return self._database.read(lambda conn: [Standing(**found._mapping) for found in conn.execute(query)])

    def set_aside(self, limit: int) -> list[SetAside]:
        """Events that a backend does not take, the newest first."""
        query = (
            sa.select(row.seq, told.backend, row.job, row.run_id, row.event_type, told.reason)
            .join(schema.delivery, told.seq == row.seq)
            .where(told.state == "set_aside")
            .order_by(row.seq.desc())
            .limit(limit)
        )
        return self._database.read(lambda conn: [SetAside(**found._mapping) for found in conn.execute(query)])

    def prune(self, before: datetime) -> int:
        """Forget events spooled before a time that at least one backend has and no backend lacks; return how many."""
        old = sa.and_(row.spooled_at < aware(before, what="before"), deliveries.is_done(row.seq))
        return self._database.write(lambda conn: conn.execute(sa.delete(schema.outbox).where(old)).rowcount)


def delivery_of(seq: int, event: OutboxEvent) -> Delivery:
    """Give what is sent of an event.

    :param seq: its number in the outbox.
    """
    return Delivery(seq=seq, run_id=event.run_id, event_type=event.event_type, job=event.job, event=event.event)


def _insert(conn: Connection, event: OutboxEvent, now: datetime) -> int | None:
    new = insert_into(conn, schema.outbox).values(**asdict(event), spooled_at=now)
    # Whichever of the two unique keys it meets: the event is there, or its run has started.
    seq: int | None = conn.scalar(new.on_conflict_do_nothing().returning(row.seq))
    return seq


def _write_alongside(conn: Connection, writer: Alongside, document: Mapping[str, Any]) -> None:
    try:
        with conn.begin_nested():
            writer(conn, document)
    except sa.exc.DBAPIError as error:
        # What a retry of the whole transaction can mend is not given up.
        if error.connection_invalidated or is_lost_race(error):
            raise
        logger.warning("An event was kept, but not what follows from it.", exc_info=True)
    except Exception:
        logger.warning("An event was kept, but not what follows from it.", exc_info=True)
