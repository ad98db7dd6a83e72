"""A cascade that is killed and tried again pays nothing twice at either level, but for the call that was in flight."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from cascade_process import BUDGET, CHUNK, MICROS, identity, main, run
from steps import Database

from airflow_provider_aiguard.store.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 40

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["pytest", "cascade_process", "psycopg2", "alembic.command"])


@pytest.mark.parametrize(
    ("kill_in", "in_flight"), [(("cheap", 2), CHUNK), (("strong", 1), CHUNK // 2), (("strong", 3), CHUNK // 2)]
)
def test_nothing_is_paid_twice(urls: tuple[str, str], tmp_path: Path, kill_in: tuple[str, int], in_flight: int) -> None:
    url, store_url = urls
    calls = tmp_path / "calls"
    database = Database(sa.create_engine(url))
    database.flights(ROWS)
    open_store(store_url).close()
    process = processes.Process(target=main, args=(url, store_url, str(calls), kill_in))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    with open_store(store_url) as store:
        summary = run(url, store, str(calls), 2, None)
        status = store.ledger.status(BUDGET, identity(2), datetime.now(UTC))
    asked = Counter(tuple(line.split()) for line in calls.read_text().splitlines())
    assert {who for (who, _), n in asked.items() if n > 1} == {kill_in[0]}
    assert sum(n - 1 for n in asked.values()) == in_flight
    assert set(asked) == {
        *(("cheap", str(i)) for i in range(1, ROWS + 1)),
        *(("strong", str(i)) for i in range(2, ROWS + 1, 2)),
    }
    charged = sum(MICROS[who] * n for (who, _), n in asked.items())
    assert (status.spent, status.held) == (charged, 0)
    assert (summary.inferred, summary.rejects) == (ROWS, 0)
    assert database.rows("SELECT label, count(*), min(id % 2) FROM scored GROUP BY 1 ORDER BY 1") == [
        ("cheap", ROWS // 2, 1),
        ("strong", ROWS // 2, 0),
    ]
