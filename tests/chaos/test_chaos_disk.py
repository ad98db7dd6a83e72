"""A full disk under the store: it refuses, and the books balance when there is room again."""

from __future__ import annotations

import io
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import StoreUnavailableError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store.books import Hold
from airflow_provider_aiguard.store.store import Store, open_store

WHO = RunIdentity(run_id="r", dag_id="d", dag_run_id="x", task_id="t")
BUDGET = Budget("b", "100.00", per="team")
MOST = 50_000

Full = Callable[[Store, Path], AbstractContextManager[None]]


@contextmanager
def no_file_may_grow(_: Store, folder: Path) -> Iterator[None]:
    """The system refuses to write beyond what the files have now (EFBIG)."""
    room = max(file.stat().st_size for file in folder.glob("store.db*"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@contextmanager
def no_page_is_left(store: Store, _: Path) -> Iterator[None]:
    """SQLite says what it says for ENOSPC: the database or disk is full."""

    def limit(connection: object, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[attr-defined]
        connection.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]

    sa.event.listen(store._database.engine, "connect", limit)
    try:
        yield
    finally:
        sa.event.remove(store._database.engine, "connect", limit)


def take_on(store: Store, taken: list[Hold]) -> None:
    while len(taken) < MOST:
        taken.append(store.ledger.hold([BUDGET], WHO, Amounts(micros=1_000), ttl=timedelta(hours=1)))


def standing(store: Store) -> tuple[int, int]:
    status = store.ledger.status(BUDGET, WHO, datetime.now(UTC))
    return status.spent, status.held


def fill_up(store: Store, full: AbstractContextManager[None]) -> list[Hold]:
    taken: list[Hold] = []
    with full, pytest.raises(StoreUnavailableError, match=r"did not answer: .*Nothing is spent"):
        take_on(store, taken)
    assert len(taken) < MOST
    return taken


def settle_all(store: Store, taken: list[Hold]) -> None:
    """Every hold that was given is there, and no other."""
    assert standing(store) == (0, 1_000 * len(taken))
    for hold in taken[:3]:
        store.ledger.settle(hold, Amounts(micros=1))
    assert standing(store) == (len(taken[:3]), 1_000 * (len(taken) - len(taken[:3])))


@pytest.mark.parametrize("full", [no_file_may_grow, no_page_is_left])
def test_a_store_that_cannot_grow(tmp_path: Path, full: Full) -> None:
    with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        settle_all(store, fill_up(store, full(store, tmp_path)))


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[bool]:
    """A file system of its own, where the system lets us make one. Whether it did."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder], capture_output=True, check=False
    )
    try:
        yield made.returncode == 0
    finally:
        if made.returncode == 0:
            subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_runs_full_under_the_store(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, 1_000) as real, open_store(f"sqlite:///{disk}/store.db") as store:
        room = disk / "in the way"
        full = filled(room) if real else no_page_is_left(store, disk)
        print("ENOSPC of a real file system" if real else "no file system may be made here: SQLite's own limit")
        settle_all(store, fill_up(store, full))


@contextmanager
def filled(file: Path) -> Iterator[None]:
    """Write until the disk is full; make room afterwards."""
    try:
        with file.open("wb", buffering=0) as out, pytest.raises(OSError, match="No space left"):
            _write_for_ever(out)
        yield
    finally:
        file.unlink()


def _write_for_ever(out: io.FileIO) -> None:
    while True:
        out.write(b"x" * 1024)
