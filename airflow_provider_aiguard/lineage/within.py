"""Work that nobody waits for longer than he has time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """Do work in a thread of its own and wait for it, but not longer than this.

    The timeouts of a socket do not bound the whole: a name is looked up without one, and an answer may come byte by
    byte. The thread is left to itself then, and ends with the process at the latest.

    :param seconds: how long to wait.
    :param work: what to do; what it raises is raised here.
    :raises TimeoutError: if it takes longer.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # raised again where it is waited for
            errors.append(error)

    thread = threading.Thread(target=run, name="aiguard-lineage", daemon=True)
    thread.start()
    thread.join(max(seconds, 0))
    if errors:
        raise errors[0]
    if results:
        return results[0]
    raise TimeoutError(f"no answer within {seconds:.2g} s")
