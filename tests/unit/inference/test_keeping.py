from __future__ import annotations

import threading
from typing import Any

import pytest

from airflow_provider_aiguard.core.errors import StoreUnavailableError
from airflow_provider_aiguard.inference import keeping


def test_what_is_answered_is_kept_again_when_the_store_is_back(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setattr(keeping, "KEEP_SECONDS", 0.001)
    tried, back = [], threading.Event()

    def keep() -> None:
        tried.append(len(tried))
        if len(tried) == 1:
            raise StoreUnavailableError("away")
        back.set()

    assert keeping.keep_meanwhile(keep, lambda: back.wait(10))
    assert "would lose them: away" in caplog.text
    assert not any(thread.name == "aiguard-keeper" for thread in threading.enumerate())


def test_what_interrupts_the_call_ends_the_keeping() -> None:
    def call() -> None:
        raise KeyboardInterrupt("stop")

    with pytest.raises(KeyboardInterrupt, match="stop"):
        keeping.keep_meanwhile(lambda: None, call)
    assert not any(thread.name == "aiguard-keeper" for thread in threading.enumerate())
