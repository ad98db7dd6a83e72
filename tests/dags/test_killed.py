"""A task in a process of its own that gets SIGTERM in the middle of a chunk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from airflow_provider_aiguard import Budget
from airflow_provider_aiguard.core.run import RunState


def test_it_ends_and_leaves_nothing_half_open(rows, store, tmp_path):
    pd.DataFrame({"id": range(30), "age": range(30)}).to_sql("people", rows, index=False)
    with (tmp_path / "log").open("w") as log:
        task = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("own_process.py"), "killed", tmp_path],
            env=os.environ.copy(),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        while not (tmp_path / "in the second chunk").exists():
            assert task.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.05)
        (run,) = store.runs.list(dag_id="killed_for_real")
        budget = Budget("killed", "5.00")
        held = store.ledger.status(budget, run.identity, datetime.now(UTC))
        assert (run.state, held.held, held.spent) == (RunState.RUNNING, 100_000, 100_000)
        task.send_signal(signal.SIGTERM)
        # The function would sleep for two minutes.
        assert task.wait(60) == 0
    assert json.loads((tmp_path / "states.json").read_text())["states"] == {"guess": "failed"}
    (run,) = store.runs.list(dag_id="killed_for_real")
    assert (run.state, run.summary.rows) == (RunState.FAILED, 10)
    assert run.finished_at is not None
    left = store.ledger.status(budget, run.identity, datetime.now(UTC))
    assert (left.held, left.spent) == (0, 200_000)
    with rows.connect() as connection:
        counts = connection.execute(sa.text("SELECT count(*), count(late__provenance) FROM killed_for_real")).one()
    assert tuple(counts) == (10, 10)
