"""What each task has waited for its events of lineage so far, and what that leaves for the next.

Each event comes from a process of its own, and the store is among what is waited for: so the sum is a file in the
folder of the local spool, for as long as the task runs. A host knows of its own tasks only.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

logger = logging.getLogger(__name__)

_FORGOTTEN = 86_400.0
"""Seconds after which a file is one of a task that was killed."""


class Patience:
    """What a task still waits for its events.

    :param seconds: how long it does from the beginning of this event on.
    :param started: reading of the monotonic clock at its beginning.
    """

    def __init__(self, seconds: float, *, started: float) -> None:
        self._seconds = seconds
        self._started = started

    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._started

    def up_to(self, limit: float) -> float:
        """What is left, and at most this."""
        return max(min(limit, self._seconds - self.spent()), 0.0)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take no count of the time of what is done here."""
        before = time.monotonic()
        try:
            yield
        finally:
            self._started += time.monotonic() - before


class Waited:
    """The sum of one task.

    :param folder: of the local spool.
    :param payer: run id of the task that waits.
    """

    def __init__(self, folder: Path, payer: str) -> None:
        self._folder = folder / "waited"
        self._file = self._folder / hashlib.sha256(payer.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def seconds(self) -> float:
        """How long it has waited; 0 if that is not known."""
        try:
            return sum(float(line) for line in self._file.read_text().split())
        except (OSError, ValueError):
            return 0.0

    def add(self, seconds: float) -> None:
        """Add what one event cost.

        :param seconds: from its beginning to its end.
        """
        try:
            if not self._file.exists():
                self._folder.mkdir(parents=True, exist_ok=True)
                self._forget_killed()
            with self._file.open("a") as file:
                file.write(f"{seconds:.4f}\n")
        except OSError:
            logger.debug("What a task has waited cannot be written.", exc_info=True)

    def forget(self) -> None:
        """Say that the task has ended."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _forget_killed(self) -> None:
        for file in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - file.stat().st_mtime > _FORGOTTEN:
                    file.unlink()
