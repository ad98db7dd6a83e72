"""A store on each database it supports, and processes that use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import airflow_provider_aiguard
from airflow_provider_aiguard.store.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Spawn = Callable[..., subprocess.Popen[str]]

WORKER = Path(__file__).with_name("store_process.py")


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/folder to make/store.db"
    url: str = request.getfixturevalue("postgres_database")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store in it."""
    with open_store(store_url) as opened:
        yield opened


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start ``store_process.py`` with arguments; whatever still runs at the end is killed.

    A process says ``ready`` when all is imported and waits for a line, so that a race starts at one moment.
    """
    processes: list[subprocess.Popen[str]] = []
    root = str(Path(airflow_provider_aiguard.__file__).parents[1])

    def start(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(WORKER), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": root},
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def go() -> Callable[[list[subprocess.Popen[str]]], None]:
    """Let processes run once all are ready."""

    def run(processes: list[subprocess.Popen[str]]) -> None:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()

    return run
