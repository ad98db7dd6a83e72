"""The file that keeps events of lineage while the store cannot be reached: one JSON a line, many processes.

A line is on the disk when :meth:`LocalSpool.append` returns. Whoever reaches the store next on this host brings the
lines into it: the file is set apart first, so that others go on appending to a new one, and is removed when all of it
is in the store. An event has an id, so bringing it twice does nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO

from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from airflow_provider_aiguard.core.errors import StoreUnavailableError
from airflow_provider_aiguard.store.outbox import OutboxEvent

logger = logging.getLogger(__name__)

_ABOUT_THE_EVENT = (DataError, IntegrityError, ProgrammingError)
"""Errors of a database that answers, and would answer the same tomorrow."""

AWAY_SECONDS = 30.0
"""For how long no process of this host tries a store again that could not be reached."""


NEWS_SECONDS = 1800.0
"""For how long no process of this host says a thing again."""


class LocalSpool:
    """The file in a folder.

    :param folder: made if it is missing; on a disk of this host that outlives the process.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "events.jsonl"
        self._apart = folder / "events.draining.jsonl"
        self._reached = folder / "events.draining.offset"
        self._damaged = folder / "events.damaged.jsonl"
        self._lock = folder / "drain.lock"
        self._away = folder / "store-away"

    @property
    def holds_events(self) -> bool:
        """Whether there is anything to bring to the store."""
        return self._file.exists() or self._apart.exists()

    def append(self, event: OutboxEvent) -> None:
        """Write an event to the disk.

        :raises OSError: if the disk does not take it.
        """
        line = json.dumps({**asdict(event), "happened_at": event.happened_at.isoformat()}).encode() + b"\n"
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked() as file:
            # What a process that died left half-written ends here, not in this line.
            torn = file.seek(0, os.SEEK_END) and not _ends_with_newline(file)
            file.write(b"\n" + line if torn else line)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(self.folder)

    def drain(self, keep: Callable[[OutboxEvent], object], *, deadline: float | None = None) -> int:
        """Bring the lines to the store; return how many. Does nothing if another process is at it.

        :param keep: writes an event into the store; that the store is away ends the draining, and nothing is lost.
        :param deadline: reading of the monotonic clock after which the rest is left to others.
        """
        if not self.holds_events:
            return 0
        with self._alone() as alone:
            if not alone:
                return 0
            count = 0
            while self._set_apart():
                done, finished = self._drain_apart(keep, deadline)
                count += done
                if not finished:
                    break
            return count

    def lines(self) -> int:
        """How many events wait here."""
        return _lines(self._apart, self._offset()) + _lines(self._file)

    def damaged(self) -> int:
        """How many lines were put by because they are no events."""
        return _lines(self._damaged)

    def store_is_away(self) -> bool:
        """Whether the store could not be reached a moment ago."""
        return _is_fresh(self._away, AWAY_SECONDS)

    def say_store_is_away(self) -> None:
        """Spare the processes of this host the wait for a store that cannot be reached."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._away.touch()
        except OSError:
            logger.debug("The mark that the store is away cannot be written.", exc_info=True)

    def say_store_is_back(self) -> None:
        """Take that back."""
        self._away.unlink(missing_ok=True)

    def is_news(self, text: str) -> bool:
        """Whether no process of this host has said this for a while. Whoever asks says it.

        :param text: what is to be said.
        """
        mark = f"said-{hashlib.sha256(f'{self.folder}: {text}'.encode()).hexdigest()[:16]}"
        # Where the folder cannot be written, that may be just what is to be said.
        for folder in (self.folder, Path(tempfile.gettempdir()) / f"aiguard-{os.getuid()}"):
            if _is_fresh(folder / mark, NEWS_SECONDS):
                return False
            with suppress(OSError):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                (folder / mark).touch()
                return True
        return True

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        while True:
            with self._file.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                # It may have been set apart while this process waited.
                if _is_still(file, self._file):
                    yield file
                    return

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        with self._lock.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True

    def _set_apart(self) -> bool:
        if not self._apart.exists() and self._file.exists():
            with self._locked():
                self._file.rename(self._apart)
        return self._apart.exists()

    def _drain_apart(self, keep: Callable[[OutboxEvent], object], deadline: float | None) -> tuple[int, bool]:
        count, reached = 0, self._offset()
        try:
            with self._apart.open("rb") as file:
                file.seek(reached)
                for line in file:
                    if deadline is not None and time.monotonic() > deadline:
                        return count, False
                    count += self._keep(line, keep)
                    reached += len(line)
        finally:
            self._reached.write_text(str(reached))
        # An offset without its file would be that of the next one, whose first lines would be lost.
        self._reached.unlink()
        _sync_folder(self.folder)
        self._apart.unlink()
        return count, True

    def _offset(self) -> int:
        try:
            return int(self._reached.read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def _keep(self, line: bytes, keep: Callable[[OutboxEvent], object]) -> int:
        if not line.strip():
            return 0
        try:
            keep(_read(line))
        except (ValueError, TypeError, KeyError):
            logger.warning("A line of %s is no event and was put by in %s.", self._apart, self._damaged)
        except StoreUnavailableError as error:
            if not isinstance(error.__cause__, _ABOUT_THE_EVENT):
                raise
            logger.warning(
                "The store takes a line of %s not: it was put by in %s. %s", self._apart, self._damaged, error
            )
        else:
            return 1
        with self._damaged.open("ab") as file:
            file.write(line.rstrip(b"\n") + b"\n")
        return 0


def _is_fresh(mark: Path, seconds: float) -> bool:
    try:
        # A mark of the future is of a clock that went back since.
        return 0 <= time.time() - mark.stat().st_mtime < seconds
    except OSError:
        return False


def _lines(path: Path, offset: int = 0) -> int:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return sum(1 for line in file if line.strip())
    except FileNotFoundError:
        return 0


def _read(line: bytes) -> OutboxEvent:
    fields = json.loads(line)
    json.loads(fields["event"])
    return OutboxEvent(**{**fields, "happened_at": datetime.fromisoformat(fields["happened_at"])})


def _ends_with_newline(file: IO[bytes]) -> bool:
    with Path(file.name).open("rb") as reader:
        reader.seek(-1, os.SEEK_END)
        return reader.read(1) == b"\n"


def _is_still(file: IO[bytes], path: Path) -> bool:
    try:
        return os.fstat(file.fileno()).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
