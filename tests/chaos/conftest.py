"""Databases for storms."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from chaos_server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[Server]:
    """A running server."""
    # As root the server runs as a user of its own, who has to get in.
    folder = Path(tempfile.mkdtemp(prefix="aiguard-chaos-", dir="/tmp"))
    folder.chmod(0o755)
    made = Server(folder)
    try:
        made.create()
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of a SQLite file."""
    return f"sqlite:///{tmp_path}/store.db"
