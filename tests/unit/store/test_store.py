from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_aiguard.core.errors import StoreUnavailableError
from airflow_provider_aiguard.store import store as store_module
from airflow_provider_aiguard.store.database import Database
from airflow_provider_aiguard.store.store import Store, open_store

if TYPE_CHECKING:
    from pathlib import Path


def note_closing(monkeypatch: pytest.MonkeyPatch) -> list[Database]:
    closed: list[Database] = []

    def close(self: Database) -> None:
        closed.append(self)

    monkeypatch.setattr(Database, "close", close)
    return closed


def test_a_store_shows_where_it_is_but_no_password(store: Store, store_url: str) -> None:
    assert repr(store) == f"Store({store_url!r})"


def test_leaving_the_block_closes(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = note_closing(monkeypatch)
    with pytest.raises(KeyError, match="inside"), open_store(store_url):
        raise KeyError("inside")
    assert len(closed) == 1


def test_a_store_that_cannot_open_is_closed(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = note_closing(monkeypatch)

    def stop(_: object) -> None:
        raise KeyboardInterrupt("now")

    monkeypatch.setattr(store_module, "ensure_current", stop)
    with pytest.raises(KeyboardInterrupt, match="now"):
        open_store(store_url)
    assert len(closed) == 1


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "x.db").mkdir()
    with pytest.raises(StoreUnavailableError, match="did not answer: unable to open database file"):
        open_store(f"sqlite:///{tmp_path}/x.db")
