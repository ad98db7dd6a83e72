"""What Airflow does with a task that has paid: clears it, backfills its rows, runs them twice at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from airflow_home import own_database
from paid_once_process import PRICE, ROWS, begin, budget, clear, dag, finish


@pytest.fixture(scope="module", autouse=True)
def _people(rows, store):
    pd.DataFrame({"id": range(ROWS)}).to_sql("people", rows, index=False)


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PAID_ONCE_FOLDER", str(tmp_path))


@pytest.fixture
def asked(tmp_path):
    """The ids that the model was asked about so far, in order."""
    return lambda: sorted(map(int, (tmp_path / "asked").read_text().split()))


@pytest.fixture
def spent(store):
    """What the budget of a DAG has paid, in rows; nothing may be held."""

    def spent(name):
        status = store.ledger.status(budget(name), store.runs.list(dag_id=name)[-1].identity, datetime.now(UTC))
        assert status.held == 0
        return status.spent // PRICE

    return spent


def table(rows, name):
    """The claims of a table, without the run, which is another in each try; and how many runs there are."""
    with rows.connect() as connection:
        claims = connection.execute(
            sa.text(f"SELECT id, late, late__provenance, late__confidence FROM {name} ORDER BY id")
        ).all()
        (runs,) = connection.execute(sa.text(f"SELECT DISTINCT late__run FROM {name}")).scalars()
    return [tuple(row) for row in claims], runs


WHOLE = [(i, i % 3 == 0, "ai_inferred", i / 1000) for i in range(ROWS)]


def test_a_task_that_succeeded_and_is_cleared_pays_nothing(rows, store, asked, spent):
    made = dag("cleared")
    ran = begin(made)
    finish(made, ran.run_id)
    before, first_run = table(rows, "cleared")
    assert (before, ran.states, ran.task("guess").try_number) == (WHOLE, {"guess": "success"}, 1)
    assert spent("cleared") == ROWS

    clear(made, ran)
    assert ran.states == {"guess": "None"}
    finish(made, ran.run_id)
    after, second_run = table(rows, "cleared")
    assert (after, ran.states, ran.task("guess").try_number) == (WHOLE, {"guess": "success"}, 2)
    assert first_run != second_run
    assert (asked(), spent("cleared")) == (list(range(ROWS)), ROWS)
    summary = ran.xcom("guess")
    assert (summary["rows"], summary["inferred"], summary["saved"], summary["cost_micros"]) == (ROWS, ROWS, ROWS, 0)


@pytest.mark.parametrize(("reuse", "times"), [("30d", 1), (None, 2)])
def test_a_backfill_pays_nothing_for_rows_of_another_dag_run_if_it_may_reuse_them(
    rows, store, asked, spent, reuse, times
):
    made = dag(f"backfilled_{times}", reuse=reuse)
    for day, kind in ((2, "scheduled"), (1, "backfill")):
        ran = begin(made, f"{kind}__{day}", kind=kind, day=day)
        finish(made, ran.run_id)
        assert ran.states == {"guess": "success"}
        assert table(rows, f"backfilled_{times}")[0] == WHOLE
    assert asked() == sorted([*range(ROWS)] * times)
    assert spent(f"backfilled_{times}") == ROWS * times
    assert ran.xcom("guess")["saved"] == (ROWS if reuse else 0)


def test_mapped_tasks_one_after_the_other_pay_once(rows, store, asked, spent):
    made = dag("mapped", mapped=True, max_active_tis_per_dag=1)
    ran = begin(made)
    finish(made, ran.run_id)
    assert ran.states == {"guess[0]": "success", "guess[1]": "success"}
    assert [table(rows, f"mapped_{i}")[0] for i in range(2)] == [WHOLE, WHOLE]
    assert (asked(), spent("mapped")) == (list(range(ROWS)), ROWS)
    assert sorted(ran.xcom("guess", map_index=i)["saved"] for i in range(2)) == [0, ROWS]


@pytest.mark.parametrize("shape", ["mapped", "runs"])
def test_two_at_the_same_time_pay_once(rows, store, asked, spent, tmp_path, shape):
    name = f"both_{shape}"
    (tmp_path / "meet").touch()
    script = Path(__file__).with_name("paid_once_process.py")
    made = dag(name, mapped=shape == "mapped")
    begun = [begin(made, f"manual__{day}", day=day).run_id for day in ((1,) if shape == "mapped" else (1, 2))]
    each = [(begun[0], 0), (begun[0], 1)] if shape == "mapped" else [(run_id, -1) for run_id in begun]
    workers = []
    for number, (run_id, map_index) in enumerate(each):
        folder = tmp_path / str(number)
        folder.mkdir()
        with (folder / "log").open("w") as log:
            workers.append(
                subprocess.Popen(
                    [sys.executable, script, name, run_id, str(map_index)],
                    env={**os.environ, **own_database(folder)},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
    try:
        codes = [worker.wait(120) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert codes == [0, 0], "\n".join((tmp_path / str(number) / "log").read_text() for number in range(2))
    assert (tmp_path / "waits").exists()
    assert (asked(), spent(name)) == (list(range(ROWS)), ROWS)
    tables = [f"{name}_0", f"{name}_1"] if shape == "mapped" else [name]
    with rows.connect() as connection:
        for written in tables:
            query = sa.text(f"SELECT id, late, late__provenance, late__confidence FROM {written} ORDER BY id")
            assert [tuple(row) for row in connection.execute(query)] == WHOLE
    runs = store.runs.list(dag_id=name)
    assert len(runs) == 2
    assert sum(run.summary.saved for run in runs) == ROWS
    assert sum(run.summary.cost_micros for run in runs) == ROWS * PRICE
