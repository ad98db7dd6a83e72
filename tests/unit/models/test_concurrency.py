from __future__ import annotations

import asyncio
import random

import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.models import concurrency
from airflow_provider_aiguard.models.concurrency import (
    OUTAGE,
    GaveUpError,
    Pace,
    Pacing,
    Remedy,
    Trouble,
    all_of,
    each,
)


class RefusedError(Exception):
    def __init__(self, remedy, retry_after=None):
        super().__init__(remedy)
        self.trouble = Trouble(str(remedy.value), remedy, "why", retry_after)


def explain(error):
    if isinstance(error, RefusedError):
        return error.trouble
    raise error


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(concurrency, "_jitter", lambda k: 0.001)


class Provider:
    """Raises what the script says, then answers; watches how many are in flight."""

    def __init__(self, *script, seconds=0.0):
        self.script = list(script)
        self.seconds = seconds
        self.sent_at = []
        self.in_flight = self.most = 0

    async def __call__(self, *_):
        self.sent_at.append(asyncio.get_running_loop().time())
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await asyncio.sleep(self.seconds)
            if self.script and (error := self.script.pop(0)):
                raise error
            return "answer"
        finally:
            self.in_flight -= 1


def call(provider, **pacing):
    async def main():
        return await Pace(Pacing(**pacing), explain).call(provider)

    return asyncio.run(main())


@pytest.mark.parametrize(
    "wrong", [{"in_flight": 0}, {"tries": 0}, {"timeout": 0}, {"patience": -1}, {"timeout": float("nan")}]
)
def test_limits_are_checked(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Pacing(**wrong)


def test_what_passes_is_tried_again():
    provider = Provider(RefusedError(Remedy.AGAIN), RefusedError(Remedy.AGAIN))
    assert call(provider, tries=3) == "answer"
    assert len(provider.sent_at) == 3


@pytest.mark.parametrize(("remedy", "sent"), [(Remedy.AGAIN, 3), (Remedy.NEVER, 1), (Remedy.STOP, 1)])
def test_giving_up_says_why(remedy, sent):
    provider = Provider(*[RefusedError(remedy)] * 9)
    with pytest.raises(GaveUpError, match=f"{remedy.value}: why"):
        call(provider, tries=3)
    assert len(provider.sent_at) == sent


def test_a_try_that_hangs_ends():
    provider = Provider(seconds=9)
    with pytest.raises(GaveUpError, match=r"timeout: no answer within 0.01 s"):
        call(provider, timeout=0.01, tries=2)
    assert (len(provider.sent_at), provider.in_flight) == (2, 0)


def test_being_put_off_costs_no_tries():
    provider = Provider(*[RefusedError(Remedy.LATER, 0.001)] * 20)
    assert call(provider, tries=1) == "answer"


def test_patience_ends():
    provider = Provider(*[RefusedError(Remedy.LATER, 60.0)] * 9)
    with pytest.raises(GaveUpError, match="later"):
        call(provider, patience=5)
    assert len(provider.sent_at) == 1


def test_patience_ends_whatever_asks_for_the_wait():
    provider = Provider(*[RefusedError(Remedy.AGAIN, 86_400.0)] * 9)
    with pytest.raises(GaveUpError, match="again"):
        call(provider, patience=5, tries=3)
    assert len(provider.sent_at) == 1


def test_nobody_sends_before_the_provider_wants_it():
    provider = Provider(RefusedError(Remedy.LATER, 0.05), seconds=0.001)

    async def main():
        pace = Pace(Pacing(in_flight=2), explain)
        await all_of(pace.call(provider) for _ in range(6))

    asyncio.run(main())
    told_at = provider.sent_at[0] + 0.001
    assert all(t >= told_at + 0.05 for t in provider.sent_at[2:])


def test_no_more_than_allowed_are_in_flight_and_all_are_used():
    provider = Provider(seconds=0.002)

    async def main():
        pace = Pace(Pacing(in_flight=5), explain)
        return await each(lambda _: pace.call(provider), range(40), at_once=20)

    assert asyncio.run(main()) == ["answer"] * 40
    assert provider.most == 5


def test_what_is_answered_at_the_same_time_is_not_sent_at_the_same_time():
    """A crowd would stay one: its requests leave together once the last of them is made, and come back together."""
    turns, sent_in = 0, []

    async def count_turns():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def request():
        sent_in.append(turns)
        await asyncio.sleep(0.01)

    async def main():
        counting = asyncio.ensure_future(count_turns())
        pace = Pace(Pacing(in_flight=16), explain)
        await each(lambda _: pace.call(request), range(64), at_once=16)
        counting.cancel()

    asyncio.run(main())
    assert len(set(sent_in)) == 64


def test_too_many_halves_once_a_round_trip_and_answers_raise_it_again():
    async def main():
        pace = Pace(Pacing(in_flight=16), explain)
        provider = Provider(*[RefusedError(Remedy.LATER, 0.01)] * 16, seconds=0.005)
        limits = []

        async def one(_):
            try:
                return await pace.call(provider)
            finally:
                limits.append(pace.limit)

        await each(one, range(16), at_once=16)
        halved = min(limits)
        while pace.limit < 16:
            await pace.call(provider)
        return halved, provider.most

    halved, most = asyncio.run(main())
    assert halved == 8
    assert most == 16


def test_the_limit_never_falls_below_one():
    async def main():
        pace = Pace(Pacing(in_flight=4), explain)
        await pace.call(Provider(*[RefusedError(Remedy.LATER, 0.001)] * 12))
        return pace.limit

    assert asyncio.run(main()) >= 1


def test_when_the_provider_is_away_the_rest_is_not_sent():
    async def main():
        pace = Pace(Pacing(in_flight=4, tries=1), explain)
        provider = Provider(*[RefusedError(Remedy.AGAIN)] * 1000)

        async def one(_):
            try:
                return await pace.call(provider)
            except GaveUpError as error:
                return error.trouble.reason

        answers = await each(one, range(1000), at_once=50)
        first, stopped = len(provider.sent_at), pace.stopped
        pace.reset()
        provider.script.clear()
        return answers, first, stopped, await pace.call(provider)

    answers, sent, stopped, after = asyncio.run(main())
    assert set(answers) == {"again"}
    assert OUTAGE <= sent <= OUTAGE + 4
    assert stopped.reason == "again"
    assert after == "answer"


def test_single_losses_are_no_outage():
    async def main():
        pace = Pace(Pacing(in_flight=1, tries=1), explain)
        for _ in range(3):
            provider = Provider(*[RefusedError(Remedy.AGAIN)] * (OUTAGE - 1))
            for _ in range(OUTAGE - 1):
                with pytest.raises(GaveUpError, match="again"):
                    await pace.call(provider)
            await pace.call(provider)
        # Rows that the provider refuses say nothing about the provider.
        for _ in range(2 * OUTAGE):
            with pytest.raises(GaveUpError, match="never"):
                await pace.call(Provider(RefusedError(Remedy.NEVER)))
        return pace.stopped

    assert asyncio.run(main()) is None


def test_answers_come_in_the_order_of_the_items():
    async def work(i):
        await asyncio.sleep(random.random() / 1000)
        return i * i

    assert asyncio.run(each(work, range(50), at_once=7)) == [i * i for i in range(50)]
    assert asyncio.run(each(work, [], at_once=7)) == []


def test_a_bug_is_raised_and_nothing_is_left_running():
    started, ended = [], []

    async def work(i):
        started.append(i)
        try:
            if i == 3:
                raise ZeroDivisionError("a bug")
            await asyncio.sleep(9)
        finally:
            ended.append(i)

    async def main():
        try:
            await each(work, range(100), at_once=5)
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    with pytest.raises(ZeroDivisionError, match="a bug"):
        asyncio.run(main())
    assert sorted(started) == sorted(ended) == list(range(5))


def test_what_nobody_can_explain_is_raised():
    with pytest.raises(ZeroDivisionError, match="a bug"):
        call(Provider(ZeroDivisionError("a bug")))


def test_who_is_cancelled_while_waiting_does_not_keep_the_turn():
    async def main():
        pace = Pace(Pacing(in_flight=1), explain)
        slow = asyncio.ensure_future(pace.call(Provider(seconds=0.01)))
        await asyncio.sleep(0)
        waiting = [asyncio.ensure_future(pace.call(Provider())) for _ in range(3)]
        await slow
        # Its turn has come, and it is gone in the same moment.
        waiting[0].cancel()
        return await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)

    first, *others = asyncio.run(main())
    assert isinstance(first, asyncio.CancelledError)
    assert others == ["answer", "answer"]
