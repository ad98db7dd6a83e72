"""What a task has waited is known to its next event, which is another process."""

from __future__ import annotations

import os
import time

from airflow_provider_aiguard.lineage.waited import Patience, Waited


def test_it_adds_up_by_task(tmp_path):
    assert Waited(tmp_path, "a").seconds() == 0
    Waited(tmp_path, "a").add(0.25)
    Waited(tmp_path, "a").add(0.5)
    Waited(tmp_path, "b").add(1)
    assert Waited(tmp_path, "a").seconds() == 0.75
    Waited(tmp_path, "a").forget()
    assert (Waited(tmp_path, "a").seconds(), Waited(tmp_path, "b").seconds()) == (0, 1)


def test_what_a_killed_task_left_goes_after_a_day(tmp_path):
    Waited(tmp_path, "killed").add(1)
    (left,) = (tmp_path / "waited").iterdir()
    os.utime(left, (time.time() - 90_000,) * 2)
    Waited(tmp_path, "other").add(1)
    assert not left.exists()


def test_where_nothing_can_be_written_nothing_is_known_and_nothing_raised(tmp_path):
    (tmp_path / "file").write_text("")
    waited = Waited(tmp_path / "file", "a")
    waited.add(1)
    waited.forget()
    assert waited.seconds() == 0


def test_patience_ends_and_does_not_count_a_pause():
    started = time.monotonic() - 4
    patience = Patience(10, started=started)
    assert patience.up_to(3) == 3
    assert 0 <= patience.up_to(30) <= 6
    assert Patience(10, started=started - 7).up_to(3) == 0
    with patience.paused():
        time.sleep(0.1)
    assert time.monotonic() - started >= patience.spent() + 0.1
