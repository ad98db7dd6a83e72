from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from airflow_provider_aiguard.models import loop as loop_module
from airflow_provider_aiguard.models.loop import LoopThread


@pytest.fixture
def loop():
    made = LoopThread()
    yield made
    made.close()


def threads():
    return [t for t in threading.enumerate() if t.name == "aiguard-model"]


async def answer(value):
    await asyncio.sleep(0)
    return value


def test_all_calls_run_in_one_loop(loop):
    async def which():
        return asyncio.get_running_loop()

    assert loop.run(which()) is loop.run(which())
    assert len(threads()) == 1
    loop.close()
    assert threads() == []


def test_it_can_be_used_again_after_it_was_closed(loop):
    assert loop.run(answer(1)) == 1
    loop.close()
    loop.close()
    assert loop.run(answer(2)) == 2


def test_an_exception_is_raised_where_the_answer_was_waited_for(loop):
    async def fail():
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        loop.run(fail())
    assert loop.run(answer(1)) == 1


def test_it_works_inside_a_running_loop(loop):
    async def outer():
        return loop.run(answer(3))

    assert asyncio.run(outer()) == 3


class Stopped(BaseException):
    """What Airflow raises at a timeout derives from BaseException, too."""


def test_a_signal_cancels_what_runs_and_is_raised_when_it_is_gone(loop):
    seen = []

    async def work():
        seen.append("started")
        os.kill(os.getpid(), signal.SIGALRM)
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            seen.append("cleaned up")

    def stop(*_):
        raise Stopped("time is up")

    before = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(Stopped, match="time is up"):
            loop.run(work())
    finally:
        signal.signal(signal.SIGALRM, before)
    assert seen == ["started", "cleaned up"]
    assert loop.run(answer(1)) == 1


def test_work_that_does_not_end_is_left_with_a_warning(loop, monkeypatch, caplog):
    monkeypatch.setattr(loop_module, "GRACE_SECONDS", 0.01)
    # Airflow's and Alembic's logging configurations disable what loggers there are.
    monkeypatch.setattr(loop_module.log, "disabled", False)
    goes_on = []

    async def work():
        os.kill(os.getpid(), signal.SIGALRM)
        while not goes_on:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue

    def stop(*_):
        raise Stopped("time is up")

    before = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(Stopped, match="time is up"):
            loop.run(work())
    finally:
        signal.signal(signal.SIGALRM, before)
        goes_on.append("no")
    assert "did not end within" in caplog.text


def test_closing_cancels_what_is_left(loop):
    ended = threading.Event()

    async def stay():
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def leave_behind():
        loop.left = asyncio.ensure_future(stay())
        await asyncio.sleep(0)

    loop.run(leave_behind())
    loop.close()
    assert ended.is_set()
