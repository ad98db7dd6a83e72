from __future__ import annotations

import threading

import pytest

from airflow_provider_aiguard.lineage.within import within


def test_the_result_and_the_error_are_the_works():
    assert within(10, lambda: 7) == 7
    assert within(10, lambda: None) is None
    with pytest.raises(ZeroDivisionError, match="zero"):
        within(10, lambda: 1 / 0)


def test_nobody_waits_longer_than_he_has_time():
    never = threading.Event()
    with pytest.raises(TimeoutError, match=r"within 0\.01 s"):
        within(0.01, never.wait)
    never.set()
