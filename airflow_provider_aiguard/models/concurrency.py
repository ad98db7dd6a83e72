"""Many requests in flight: bounded, slower when the provider says so, tried again, and gone when the task is stopped.

The number in flight follows additive increase and multiplicative decrease, as TCP does: Chiu, D.-M. and Jain, R.
(1989). Analysis of the increase and decrease algorithms for congestion avoidance in computer networks. *Computer
Networks and ISDN Systems* 17, 1-14. Waits between tries are drawn from [0, 2^k], the "full jitter" that keeps tasks
that failed together from coming back together.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from airflow_provider_aiguard.core.errors import ConfigurationError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

OUTAGE = 10
"""Requests given up one after the other, none answered between: the provider is away, the rest is not sent."""

LONGEST_WAIT = 30.0
"""Seconds between two tries, at most, unless the provider asks for more."""


@dataclass(frozen=True, kw_only=True)
class Pacing:
    """How hard a provider is called. Every request of a model goes through it, repairs and samples, too.

    :param in_flight: requests at the same time, at most; fewer after the provider said "too many".
    :param timeout: seconds that one try may take.
    :param tries: how often a request is sent that fails for a reason that passes (timeout, connection, 5xx). A
        request that timed out may have been billed all the same.
    :param patience: seconds that one request is willing to be put off by "too many requests", which nobody bills, or
        by any other error that asks for a wait.
    """

    in_flight: int = 16
    timeout: float = 60.0
    tries: int = 3
    patience: float = 600.0

    def __post_init__(self) -> None:
        for name in ("in_flight", "tries"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1; got {getattr(self, name)!r}.")
        for name in ("timeout", "patience"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} must be more than 0 seconds; got {getattr(self, name)!r}.")


class Remedy(Enum):
    """What to do about a request that failed."""

    AGAIN = "again"
    """It may pass: try again, a few times."""
    LATER = "later"
    """The provider is busy: slow down, wait as long as it asks."""
    NEVER = "never"
    """This request will not do, another may."""
    STOP = "stop"
    """No request will do, such as with a wrong key."""


@dataclass(frozen=True)
class Trouble:
    """Why a request failed.

    :param reason: short machine-readable cause, such as ``timeout``.
    :param remedy: what to do about it.
    :param detail: what a person needs to understand it. No row values.
    :param retry_after: seconds the provider asks to wait, if it said.
    """

    reason: str
    remedy: Remedy
    detail: str = ""
    retry_after: float | None = None


class GaveUpError(Exception):
    """A request that was not answered, whatever was tried.

    :param trouble: the last thing that was wrong.
    :param tries: how often it was sent, without those times that it was put off.
    """

    def __init__(self, trouble: Trouble, tries: int = 0) -> None:
        super().__init__(f"{trouble.reason}: {trouble.detail}")
        self.trouble = trouble
        self.tries = tries


class Pace:
    """Lets requests through. One a provider, for as long as it is called, in one event loop.

    :param pacing: the limits.
    :param explain: tells what is wrong when a request raises; it may raise what it cannot explain.
    """

    def __init__(self, pacing: Pacing, explain: Callable[[Exception], Trouble]) -> None:
        self.pacing = pacing
        self.explain = explain
        self._limit = float(pacing.in_flight)
        self._active = 0
        self._resume_at = 0.0
        self._slowed_at = 0.0
        self.reset()

    @property
    def limit(self) -> int:
        """Requests that may be in flight now."""
        return int(self._limit)

    def reset(self) -> None:
        """Begin a chunk: an outage is forgotten, it is tried again; nothing took any time yet."""
        self.stopped: Trouble | None = None
        """Why nothing is sent any more, if so."""
        self.took: list[tuple[float, int]] = []
        """Seconds and rows of each request that was answered or timed out."""
        self._lost_in_a_row = 0
        self._door, self._left = asyncio.Lock(), asyncio.Event()

    async def call(
        self, request: Callable[[], Awaitable[Answer]], *, rows: int = 1, most_tries: int | None = None
    ) -> Answer:
        """Send a request when there is room for it, and again if that may help.

        :param request: makes the request; called once a try.
        :param rows: what it asks about.
        :param most_tries: how often it is sent at most. Default: as the pacing says.
        :raises GaveUpError: if it was not answered.
        """
        put_off_until = _now() + self.pacing.patience
        tries, most_tries = 0, most_tries or self.pacing.tries
        while True:
            sent_at = await self._enter()
            try:
                async with asyncio.timeout(self.pacing.timeout):
                    answer = await request()
            except Exception as error:
                trouble = self._explain(error)
                if isinstance(error, TimeoutError):
                    self.took.append((_now() - sent_at, rows))
            else:
                self.took.append((_now() - sent_at, rows))
                self._answered()
                return answer
            finally:
                self._leave()
            tries += trouble.remedy is not Remedy.LATER
            if trouble.remedy is not Remedy.LATER and (trouble.remedy is not Remedy.AGAIN or tries >= most_tries):
                self._lost(trouble)
                raise GaveUpError(trouble, tries)
            await self._wait_for_next_try(trouble, tries, sent_at, put_off_until)

    def _explain(self, error: Exception) -> Trouble:
        if isinstance(error, TimeoutError):
            return Trouble("timeout", Remedy.AGAIN, f"no answer within {self.pacing.timeout:g} s")
        return self.explain(error)

    async def _wait_for_next_try(self, trouble: Trouble, tries: int, sent_at: float, put_off_until: float) -> None:
        """Wait, or give up."""
        asked = trouble.retry_after or 0.0
        if trouble.remedy is Remedy.LATER:
            self._slow_down(sent_at)
            wait = 0.0 if asked else _jitter(3)
            if _now() + max(asked, wait) > put_off_until:
                self._lost(trouble)
                raise GaveUpError(trouble, tries)
            # It holds for everybody who calls this provider; they wait at the entrance.
            self._resume_at = max(self._resume_at, _now() + asked)
        else:
            wait = max(_jitter(tries), asked)
            if asked > self.pacing.patience:
                self._lost(trouble)
                raise GaveUpError(trouble, tries)
        await asyncio.sleep(wait)

    async def _enter(self) -> float:
        # One after the other, each a turn of the loop later. An event loop takes all that is ready a step further in
        # turns: what was answered at the same time would be sent at the same time again, after the CPU time of all.
        async with self._door:
            await asyncio.sleep(0)
            while self.stopped is None:
                pause = self._resume_at - _now()
                if pause > 0:
                    # Mapped tasks that were told the same do not come back at the same moment.
                    await asyncio.sleep(pause * random.uniform(1.0, 1.1))  # noqa: S311  not a secret
                elif self._active < self.limit:
                    self._active += 1
                    return _now()
                else:
                    self._left.clear()
                    await self._left.wait()
        raise GaveUpError(self.stopped)

    def _leave(self) -> None:
        self._active -= 1
        self._left.set()

    def _answered(self) -> None:
        self._lost_in_a_row = 0
        self._limit = min(self.pacing.in_flight, self._limit + 1 / self._limit)

    def _slow_down(self, sent_at: float) -> None:
        # What was sent before the last cut is the same congestion, and must not be punished twice.
        if sent_at >= self._slowed_at:
            self._limit = max(1.0, self._limit / 2)
            self._slowed_at = _now()

    def _lost(self, trouble: Trouble) -> None:
        if trouble.remedy is Remedy.NEVER:
            return
        self._lost_in_a_row += 1
        if trouble.remedy is Remedy.STOP or self._lost_in_a_row >= OUTAGE:
            self.stopped = self.stopped or trouble


async def each(
    work: Callable[[Item], Awaitable[Answer]],
    items: Sequence[Item],
    *,
    at_once: int,
    answers: list[Any] | None = None,
) -> list[Answer]:
    """Do the same with every item, so many at once, and return the answers in order.

    The first exception cancels the others, waits until they are gone, and is raised.

    :param at_once: at least 1.
    :param answers: an empty list that the answers are put into as they come, for whoever looks when it was cancelled;
        ``None`` where there is none yet.
    """
    answers = [] if answers is None else answers
    answers[:] = [None] * len(items)
    queue = iter(enumerate(items))

    async def worker() -> None:
        for i, item in queue:
            answers[i] = await work(item)

    await all_of(worker() for _ in range(min(at_once, len(items))))
    return answers


async def all_of(works: Iterable[Awaitable[Answer]]) -> list[Answer]:
    """Await all at once; the first exception cancels the others, waits until they are gone, and is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _jitter(k: int) -> float:
    return random.uniform(0.0, min(LONGEST_WAIT, 0.5 * 2**k))  # noqa: S311  not a secret


def _now() -> float:
    return asyncio.get_running_loop().time()
