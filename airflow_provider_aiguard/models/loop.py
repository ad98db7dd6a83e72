"""An event loop in a thread of its own, for models that wait for a network.

Airflow stops a task by an exception that a signal handler raises in the main thread. Raised inside an event loop it
would end up in whichever callback is running, and be swallowed there: asyncio lets only ``KeyboardInterrupt`` and
``SystemExit`` through. So the main thread waits, and the loop runs beside it. It also works where a loop runs already.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)

GRACE_SECONDS = 5.0
"""How long work that was cancelled may take to end."""


class LoopThread:
    """Runs coroutines, all in the same loop, until it is closed. The thread starts with the first."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        """Wait for the result of a coroutine. Whatever interrupts the wait cancels it, and is raised once it is gone.

        :param coroutine: what to do. Its exception is raised here.
        """
        loop = self._started()
        result: Future[Answer] = Future()
        started: list[asyncio.Task[Answer]] = []

        def start() -> None:
            task = loop.create_task(coroutine)
            task.add_done_callback(lambda done: _pass_on(done, result))
            started.append(task)

        def cancel() -> None:
            if started:
                started[0].cancel()
            else:
                coroutine.close()
                result.cancel()

        # A signal may interrupt from the first moment on: what it finds scheduled is cancelled after it has started.
        try:
            loop.call_soon_threadsafe(start)
            return result.result()
        except BaseException:
            if not result.done():
                loop.call_soon_threadsafe(cancel)
                _wait_until_gone(result)
            raise

    def close(self) -> None:
        """Cancel what is left and stop the thread."""
        if self._loop is None or self._thread is None:
            return
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        loop.call_soon_threadsafe(loop.stop)
        thread.join(GRACE_SECONDS)

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_serve, args=(self._loop,), name="aiguard-model", daemon=True)
            self._thread.start()
        return self._loop


def _pass_on(task: asyncio.Task[Any], result: Future[Any]) -> None:
    if task.cancelled():
        result.set_exception(asyncio.CancelledError())
    elif error := task.exception():
        result.set_exception(error)
    else:
        result.set_result(task.result())


def _wait_until_gone(result: Future[Any]) -> None:
    try:
        result.exception(GRACE_SECONDS)
    except CancelledError:
        return
    except TimeoutError:
        log.warning("A call of the model did not end within %g s of being cancelled.", GRACE_SECONDS)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
