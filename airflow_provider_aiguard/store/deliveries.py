"""Deliveries: who is still to be told about which event, and by whom.

Who sends a delivery *takes* it: nobody else sends it until ``free_at``, so what a dead sender left is free again. All
that is due of one job is taken together and sent in the order in which it happened: a backend that reads an older
event last believes it.

A backend that did not answer is left *asleep* for a while, and that is kept here, because each event comes from a
process of its own that could not remember it. When the time is up one process tries for all.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.database import Database, insert_into
from airflow_provider_aiguard.store.notes import Notes

FIRST_SLEEP = timedelta(seconds=15)
"""For how long a backend that did not answer is not asked. Each further failure doubles it."""

LONGEST_SLEEP = timedelta(minutes=5)

PATIENCE = 3
"""After so many events in a row that a backend answered with an error of its own, it is left asleep."""

TERMINAL = ("COMPLETE", "FAIL", "ABORT")
"""Types of event after which a run has ended."""

row = schema.delivery.c
event = schema.outbox.c
state = schema.backend.c


class DeliveryState(StrEnum):
    """What became of a delivery."""

    DUE = "due"
    ACCEPTED = "accepted"
    SET_ASIDE = "set_aside"
    """The backend does not take this event, and would not take it again."""
    LATE = "late"
    """Its run had ended, as the backend knows: to say that it started would undo that."""


_DONE = (str(DeliveryState.ACCEPTED), str(DeliveryState.LATE))
_due = row.state == str(DeliveryState.DUE)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What its taker sends.

    :param seq: number of the event.
    :param run_id: its run.
    :param event_type: its type.
    :param job: its job.
    :param event: the event as JSON.
    :param attempts: how often it was sent in vain.
    """

    seq: int
    run_id: str | None
    event_type: str
    job: str
    event: str
    attempts: int = 0


class Deliveries:
    """Deliveries to one backend.

    :param backend: its name.
    """

    def __init__(self, database: Database, backend: str) -> None:
        self._database = database
        self.backend = backend
        self._here = row.backend == backend
        self.notes = Notes(database)

    def take(self, *, now: datetime, until: datetime, limit: int = 20) -> list[Delivery]:
        """Take what is due of one job, the one whose delivery waits for longest.

        :param now: the time, with zone.
        :param until: when they are free again if nothing is heard of the taker.
        :param limit: at most so many.
        :returns: in the order they are to be sent; empty if nothing is free.
        """
        if self._database.read(lambda conn: conn.scalar(self._waiting_longest(now))) is None:
            return []
        return self._database.write(lambda conn: self._take(conn, now, until, limit))

    def accepted(self, seq: int, *, now: datetime, waited: float, tags_due: bool = False) -> None:
        """Say that the backend has it.

        :param waited: seconds that its sender waited for the answer.
        :param tags_due: whether its tags are still to be set.
        """
        done = {"state": str(DeliveryState.ACCEPTED), "decided_at": now, "reason": None, "tags_due": tags_due}

        def work(conn: Connection) -> None:
            conn.execute(self._one(seq).values(**done, attempts=row.attempts + 1, waited_ms=_more(waited)))
            up = {"failures": 0, "asleep_until": None, "accepted_at": now, "reason": None}
            conn.execute(sa.update(schema.backend).where(state.backend == self.backend).values(**up))

        self._database.write(work)

    def set_aside(self, seq: int, *, now: datetime, reason: str) -> None:
        """Leave it out from now on, with the reason why."""
        aside = {"state": str(DeliveryState.SET_ASIDE), "decided_at": now, "reason": reason}
        self._database.write(
            lambda conn: conn.execute(self._one(seq).where(_due).values(**aside, attempts=row.attempts + 1))
        )

    def failed(self, seqs: Sequence[int], *, now: datetime, free_at: datetime, reason: str, waited: float) -> None:
        """Say that the first of these was sent in vain, and leave all of them to others.

        :param free_at: when the first may be sent again.
        """
        again = {"free_at": free_at, "attempts": row.attempts + 1, "reason": reason, "waited_ms": _more(waited)}

        def work(conn: Connection) -> None:
            self._mark(conn, seqs[1:], free_at=now)
            self._mark(conn, seqs[:1], **again)

        self._database.write(work)

    def leave(self, seqs: Sequence[int], *, now: datetime) -> None:
        """Leave what was taken and not sent to others."""
        self._database.write(lambda conn: self._mark(conn, seqs, free_at=now))

    def unanswered(self, *, now: datetime, reason: str, patient: bool = False) -> None:
        """Say that the backend does not answer, so that others need not wait for it.

        :param patient: whether once is not enough: it answers, but does not take an event.
        """

        def work(conn: Connection) -> None:
            _know(conn, self.backend)
            here = state.backend == self.backend
            failures = 1 + (conn.scalar(sa.select(state.failures).where(here)) or 0)
            values: dict[str, Any] = {"failures": failures, "reason": reason}
            if not patient or failures >= PATIENCE:
                values["asleep_until"] = now + min(FIRST_SLEEP * 2 ** min(failures - 1, 10), LONGEST_SLEEP)
            conn.execute(sa.update(schema.backend).where(here).values(**values))

        self._database.write(work)

    def is_awake(self, now: datetime) -> bool:
        """Whether to ask the backend now. See :func:`is_awake`."""
        return self._database.write(lambda conn: is_awake(conn, self.backend, now))

    def accepts_since(self, seq: int) -> bool:
        """Whether the backend has accepted something since a delivery was sent in vain for the first time."""
        # An event was spooled before it was sent, so what has a higher number and was accepted came after it.
        later = sa.select(row.seq).where(self._here, row.state == str(DeliveryState.ACCEPTED), row.seq > seq).limit(1)
        return self._database.read(lambda conn: conn.scalar(later)) is not None

    def want(self, *, now: datetime, again: bool = False, set_aside: bool = False) -> int:
        """Make every event due that the backend was not to be told about.

        :param again: what it has, too: it lost it.
        :param set_aside: what was set aside, too.
        :returns: how many are due now.
        """

        def work(conn: Connection) -> int:
            _know(conn, self.backend)
            known = sa.select(row.seq).where(self._here, row.seq == event.seq).exists()
            missing = sa.select(
                sa.literal(self.backend), event.seq, event.job, sa.literal("due"), sa.literal(now, schema.UTCTime())
            ).where(~known)
            columns = ["backend", "seq", "job", "state", "free_at"]
            # Another replay may want the same at this moment.
            new = insert_into(conn, schema.delivery).from_select(columns, missing)
            conn.execute(new.on_conflict_do_nothing())
            # Whoever asks for all does not wait until a failure of a while ago may be tried again.
            tried = sa.update(schema.delivery).where(self._here, _due, row.attempts > 0)
            conn.execute(tried.values(free_at=now))
            states = [*(_DONE if again else ()), *([str(DeliveryState.SET_ASIDE)] if again or set_aside else [])]
            anew = {"state": str(DeliveryState.DUE), "free_at": now, "attempts": 0, "decided_at": None}
            conn.execute(
                sa.update(schema.delivery).where(self._here, row.state.in_(states)).values(**anew, tags_due=False)
            )
            return conn.scalar(sa.select(sa.func.count()).where(self._here, _due)) or 0

        return self._database.write(work)

    def forget(self) -> int:
        """Forget the backend, and what became of each event at it; return how many."""

        def work(conn: Connection) -> int:
            count = conn.execute(sa.delete(schema.delivery).where(self._here)).rowcount
            conn.execute(sa.delete(schema.backend).where(state.backend == self.backend))
            return count

        return self._database.write(work)

    def kind(self) -> str | None:
        """What the backend is known to be."""
        return self._database.read(lambda conn: conn.scalar(sa.select(state.kind).where(state.backend == self.backend)))

    def set_kind(self, kind: str) -> None:
        """Remember what the backend is."""
        here = sa.update(schema.backend).where(state.backend == self.backend).values(kind=kind)
        self._database.write(lambda conn: conn.execute(here))

    def due(self) -> int:
        """How many deliveries are due."""
        return self._database.read(lambda conn: conn.scalar(sa.select(sa.func.count()).where(self._here, _due))) or 0

    def tags_due(self, *, after: int = 0, limit: int) -> list[Delivery]:
        """Accepted events whose tags are still to be set, the oldest first.

        :param after: only events with a higher number.
        :param limit: at most so many.
        """
        query = _found().where(self._here, row.tags_due, row.seq > after).order_by(row.seq).limit(limit)
        return self._database.read(lambda conn: [Delivery(**found._mapping) for found in conn.execute(query)])

    def want_tags(self) -> None:
        """Make the tags of every accepted event that ended a run due again."""
        ends = sa.select(event.seq).where(event.event_type.in_(TERMINAL))
        accepted = sa.and_(self._here, row.state == str(DeliveryState.ACCEPTED), row.seq.in_(ends))
        due = sa.update(schema.delivery).where(accepted).values(tags_due=True)
        self._database.write(lambda conn: conn.execute(due))

    def tags_done(self, seq: int) -> None:
        """Say that the tags of an accepted event are set."""
        self._database.write(lambda conn: conn.execute(self._one(seq).values(tags_due=False)))

    def _take(self, conn: Connection, now: datetime, until: datetime, limit: int) -> list[Delivery]:
        if conn.dialect.name == "postgresql":
            # Without it, of two takers that begin at once one could get the older half of a job and one the newer.
            conn.execute(sa.select(sa.func.pg_advisory_xact_lock(zlib.crc32(self.backend.encode()))))
        # Of a job may be due only what came too late: it is marked, and the next job looked at.
        while (job := conn.scalar(self._waiting_longest(now))) is not None:
            taken = self._take_of(conn, job, now, limit)
            if taken:
                self._mark(conn, [d.seq for d in taken], free_at=until)
                return taken
        return []

    def _take_of(self, conn: Connection, job: str, now: datetime, limit: int) -> list[Delivery]:
        query = _found().where(self._here, row.job == job, _due).order_by(event.happened_at, event.seq).limit(limit)
        found = [Delivery(**one._mapping) for one in conn.execute(query)]
        ended = self._ended(conn, {d.run_id for d in found if d.event_type not in TERMINAL and d.run_id})
        late = [d.seq for d in found if d.run_id in ended and d.event_type not in TERMINAL]
        self._mark(conn, late, state=str(DeliveryState.LATE), decided_at=now)
        return [d for d in found if d.seq not in late]

    def _waiting_longest(self, now: datetime) -> sa.Select[str]:
        other = schema.delivery.alias()
        busy = (
            sa.select(other.c.seq)
            .where(other.c.backend == self.backend, other.c.job == row.job)
            .where(other.c.state == str(DeliveryState.DUE), other.c.free_at > now)
        )
        return sa.select(row.job).where(self._here, _due, ~busy.exists()).order_by(row.seq).limit(1)

    def _ended(self, conn: Connection, run_ids: set[str]) -> set[str | None]:
        query = (
            sa.select(event.run_id)
            .join(schema.delivery, row.seq == event.seq)
            .where(event.run_id.in_(sorted(run_ids)), event.event_type.in_(TERMINAL))
            .where(self._here, row.state == str(DeliveryState.ACCEPTED))
        )
        return set(conn.scalars(query)) if run_ids else set()

    def _one(self, seq: int) -> sa.Update:
        return sa.update(schema.delivery).where(self._here, row.seq == seq)

    def _mark(self, conn: Connection, seqs: Sequence[int], **values: Any) -> None:
        if seqs:
            conn.execute(sa.update(schema.delivery).where(self._here, row.seq.in_(seqs), _due).values(**values))


def _found() -> sa.Select[Any]:
    columns = (event.seq, event.run_id, event.event_type, event.job, event.event, row.attempts)
    return sa.select(*columns).join(schema.delivery, row.seq == event.seq)


def _more(waited: float) -> sa.ColumnElement[int]:
    return row.waited_ms + round(waited * 1000)


def _know(conn: Connection, backend: str) -> None:
    conn.execute(insert_into(conn, schema.backend).values(backend=backend).on_conflict_do_nothing())


def is_awake(conn: Connection, backend: str, now: datetime) -> bool:
    """Whether to ask a backend: it answers as far as is known, or its sleep is over and nobody else tries yet."""
    until = sa.select(state.backend, state.asleep_until).where(state.backend == backend)
    found = conn.execute(until).one_or_none()
    if found is None:
        _know(conn, backend)
        return True
    if found.asleep_until is None:
        return True
    if found.asleep_until > now:
        return False
    mine = sa.update(schema.backend).where(state.backend == backend, state.asleep_until <= now)
    return conn.execute(mine.values(asleep_until=now + FIRST_SLEEP)).rowcount == 1


def enqueue(conn: Connection, backend: str, new: Delivery, now: datetime, hold: timedelta | None) -> bool:
    """Add a delivery, inside the caller's transaction.

    :param hold: for how long the caller wants to send it himself; ``None`` if he does not want to.
    :returns: whether he may: nothing of the same job waits, nothing of the same run is under way.
    """
    before = (
        sa.select(row.seq)
        .join(schema.outbox, event.seq == row.seq)
        .where(row.backend == backend, row.job == new.job, _due)
        .where(sa.or_(row.free_at <= now, event.run_id == new.run_id))
        .limit(1)
    )
    if hold is None:
        _know(conn, backend)
    mine = hold is not None and conn.scalar(before) is None
    free_at = now + hold if mine and hold is not None else now
    due = str(DeliveryState.DUE)
    values = {"backend": backend, "seq": new.seq, "job": new.job, "state": due, "free_at": free_at}
    conn.execute(sa.insert(schema.delivery).values(**values))
    return mine


def waited(conn: Connection, backend: str, payer: str) -> float:
    """Seconds that a task has waited for a backend, over all its events."""
    total = sa.select(sa.func.sum(row.waited_ms)).join(schema.outbox, event.seq == row.seq)
    return (conn.scalar(total.where(row.backend == backend, event.payer == payer)) or 0) / 1000


def is_done(seq: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Whether at least one backend has an event and none lacks it."""
    mine = sa.select(row.seq).where(row.seq == seq)
    return sa.and_(mine.where(row.state.in_(_DONE)).exists(), ~mine.where(row.state.not_in(_DONE)).exists())
