"""Sends what is due, and writes down what became of it."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from airflow_provider_aiguard.core.errors import MarquezUnavailableError
from airflow_provider_aiguard.lineage.backend import Answer, Backend, Meaning
from airflow_provider_aiguard.lineage.retelling import retell
from airflow_provider_aiguard.lineage.tagging import MARQUEZ, Tagging
from airflow_provider_aiguard.store.deliveries import Deliveries, Delivery

logger = logging.getLogger(__name__)

ATTEMPTS = 3
"""So often an event is sent on which the backend fails while it takes others; then it is set aside."""

AGAIN = timedelta(seconds=2)
"""When an event is sent again on which the backend failed; the third time four times later."""

REQUEST_SECONDS = 10.0
"""How long an answer may take when nobody waits for it."""

LEAST_SECONDS = 0.05
"""With less time than this left no request is begun: it would come twice."""

SLACK = timedelta(seconds=2)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a courier did.

    :param accepted: events that the backend has now.
    :param set_aside: events that it does not take.
    :param tagged: events whose tags were set.
    :param stopped: why it stopped before the end; empty if there was nothing more to take.
    """

    accepted: int = 0
    set_aside: int = 0
    tagged: int = 0
    stopped: str = ""

    def __add__(self, other: Sent) -> Sent:
        return Sent(
            accepted=self.accepted + other.accepted,
            set_aside=self.set_aside + other.set_aside,
            tagged=self.tagged + other.tagged,
            stopped=other.stopped or self.stopped,
        )


class Courier:
    """Brings events to one backend.

    :param tagging: sets the tags that follow from accepted events; ``None`` if nobody does.
    """

    def __init__(self, backend: Backend, deliveries: Deliveries, tagging: Tagging | None = None) -> None:
        self._backend = backend
        self._deliveries = deliveries
        self._tagging = tagging
        self._no_tags = ""
        """Why the backend sets no tags now, if so."""
        self._most_given = 0.0

    def send(self, delivery: Delivery, *, deadline: float | None = None) -> Answer:
        """Send a delivery that the caller has taken, and write down what became of it.

        :param deadline: reading of the monotonic clock at which the caller stops waiting.
        """
        return self._send([delivery], deadline)[1]

    def drain(self, *, deadline: float | None = None) -> Sent:
        """Send what is due, job by job, until nothing is, or the deadline, or the backend does not answer."""
        sent, failures = Sent(), 0
        while not _is_over(deadline):
            now = datetime.now(UTC)
            taken = self._deliveries.take(now=now, until=now + self._hold(deadline))
            if not taken:
                return sent + self._drain_tags(deadline)
            done, answer = self._send(taken, deadline)
            sent += done
            failures = 0 if done.accepted else failures + (answer.meaning is Meaning.FAILED)
            if answer.meaning is Meaning.UNANSWERED or failures >= ATTEMPTS:
                return replace(sent, stopped=answer.reason)
        return replace(sent, stopped="the time is up")

    def _hold(self, deadline: float | None) -> timedelta:
        if deadline is None:
            # Twenty events, and the tags of each.
            return timedelta(seconds=2 * REQUEST_SECONDS * 20) + SLACK
        return timedelta(seconds=max(deadline - time.monotonic(), 0)) + SLACK

    def _send(self, taken: list[Delivery], deadline: float | None) -> tuple[Sent, Answer]:
        """Send what was taken of one job, in order, until one is not answered; leave the rest."""
        sent, answer = Sent(), Answer(Meaning.ACCEPTED)
        for position, delivery in enumerate(taken):
            if position and _is_over(deadline):
                self._deliveries.leave([d.seq for d in taken[position:]], now=datetime.now(UTC))
                break
            started, given = time.monotonic(), _left(deadline)
            answer = self._backend.post(self._retold(delivery), timeout=given)
            waited = time.monotonic() - started
            self._most_given = max(self._most_given, given)
            if answer.meaning is Meaning.UNANSWERED and given < self._most_given / 2:
                # It had what others left of the time, which says nothing about the backend.
                self._deliveries.leave([d.seq for d in taken[position:]], now=datetime.now(UTC))
                break
            if answer.meaning in (Meaning.FAILED, Meaning.UNANSWERED) and not self._is_poison(delivery, answer):
                self._note_failure(taken[position:], answer, waited)
                break
            sent += self._note(delivery, answer, waited, deadline)
        return sent, answer

    def _retold(self, delivery: Delivery) -> str:
        """Give the event as a Marquez should hear it; what is known to be none hears what Airflow said."""
        try:
            event = json.loads(delivery.event)
            told = retell(event, self._deliveries.notes, now=datetime.now(UTC))
            if told == event or self._deliveries.kind() not in {None, MARQUEZ}:
                return delivery.event
            return json.dumps(told, separators=(",", ":"))
        except Exception:
            logger.warning("An event of job %r is sent as it is.", delivery.job, exc_info=True)
            return delivery.event

    def _is_poison(self, delivery: Delivery, answer: Answer) -> bool:
        tried = delivery.attempts + 1 >= ATTEMPTS
        return answer.meaning is Meaning.FAILED and tried and self._deliveries.accepts_since(delivery.seq)

    def _note(self, delivery: Delivery, answer: Answer, waited: float, deadline: float | None) -> Sent:
        now = datetime.now(UTC)
        if answer.meaning is not Meaning.ACCEPTED:
            self._deliveries.set_aside(delivery.seq, now=now, reason=answer.reason)
            logger.warning(
                "The lineage backend %s does not take an event of job %r, which is set aside: %s. "
                "To see and send such events again: aiguard lineage status, aiguard lineage replay --set-aside.",
                self._backend.name, delivery.job, answer.reason,
            )  # fmt: skip
            return Sent(set_aside=1)
        tags_due = self._says_tags(delivery)
        self._deliveries.accepted(delivery.seq, now=now, waited=waited, tags_due=tags_due)
        return Sent(accepted=1, tagged=int(tags_due and self._tag(delivery, deadline)))

    def _says_tags(self, delivery: Delivery) -> bool:
        try:
            return self._tagging is not None and self._tagging.says(delivery.event)
        except Exception:
            logger.warning("An event of job %r says no tags that can be read.", delivery.job, exc_info=True)
            return False

    def _note_failure(self, rest: list[Delivery], answer: Answer, waited: float) -> None:
        now, first = datetime.now(UTC), rest[0]
        failed = answer.meaning is Meaning.FAILED
        again = now + (AGAIN * 4 ** min(first.attempts, 1) if failed else timedelta(0))
        seqs = [delivery.seq for delivery in rest]
        self._deliveries.failed(seqs, now=now, free_at=again, reason=answer.reason, waited=waited)
        self._deliveries.unanswered(now=now, reason=answer.reason, patient=failed)

    def _drain_tags(self, deadline: float | None) -> Sent:
        tagged, after = 0, 0
        while self._tagging is not None and not self._no_tags and not _is_over(deadline):
            due = self._deliveries.tags_due(after=after, limit=20)
            if not due:
                break
            tagged += sum(self._tag(delivery, deadline) for delivery in due)
            after = due[-1].seq
        return Sent(tagged=tagged, stopped=self._no_tags)

    def _tag(self, delivery: Delivery, deadline: float | None) -> bool:
        if self._tagging is None or self._no_tags or _is_over(deadline):
            return False
        try:
            self._tagging.set(json.loads(delivery.event), seconds=_left(deadline))
        except MarquezUnavailableError as error:
            self._no_tags = f"tags are left to replay: {error}"
            logger.info("The tags of job %r are left to replay: %s", delivery.job, error)
            return False
        except Exception:
            logger.warning("The tags of job %r were not set; replay tries again.", delivery.job, exc_info=True)
            return False
        self._deliveries.tags_done(delivery.seq)
        return True


def _left(deadline: float | None) -> float:
    return REQUEST_SECONDS if deadline is None else max(deadline - time.monotonic(), LEAST_SECONDS)


def _is_over(deadline: float | None) -> bool:
    return deadline is not None and deadline - time.monotonic() < LEAST_SECONDS
