"""A store in a SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_aiguard.store.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store in it."""
    with open_store(store_url) as opened:
        yield opened
