"""References that move: the check stores what it judged, and the next one is compared with that."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.profile import TableProfile
from airflow_provider_aiguard.core.reference import Reference
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.questions.drift import DriftQuestion
from airflow_provider_aiguard.store.store import open_store
from airflow_provider_aiguard.tables.connection import connect

START = datetime(2026, 1, 5, tzinfo=UTC)
ROWS = 2_000


class Sources:
    def __init__(self, folder):
        self.store = open_store(f"sqlite:///{folder}/store.db")
        self.engine = sa.create_engine(f"duckdb:///{folder}/rows.db", poolclass=NullPool)

    @contextmanager
    def connect(self, conn_id):
        with connect(self.engine) as connection:
            yield connection


@pytest.fixture
def sources(tmp_path):
    sources = Sources(tmp_path)
    yield sources
    sources.store.close()


def identity(day, *, try_number=1, task="check"):
    date = (START + timedelta(days=day)).isoformat()
    return RunIdentity(
        run_id=f"{day}-{try_number}",
        dag_id="d",
        dag_run_id=f"run-{day}",
        task_id=task,
        try_number=try_number,
        logical_date=date,
    )


def load(sources, day, *, shift=0.0, rows=ROWS, chance=True):
    """The table as it stands on a day: it is replaced each time."""
    import pandas as pd

    rng = np.random.default_rng(day + 100 if chance else 0)
    frame = pd.DataFrame({"x": rng.normal(shift, 1.0, rows), "c": rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2])})
    with sources.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS events")
        connection.exec_driver_sql("CREATE TABLE events (x DOUBLE, c VARCHAR)")
        connection.connection.cursor().register("frame", frame)
        connection.exec_driver_sql("INSERT INTO events SELECT x, c FROM frame")


def ask(sources, reference, day, *, shift=0.0, rows=ROWS, chance=True, **identity_fields):
    load(sources, day, shift=shift, rows=rows, chance=chance)
    question = DriftQuestion(table=Table("events", "wh"), reference=reference, limits=DriftLimits())
    return question.ask(sources, identity(day, **identity_fields))


def stored(sources):
    return [(b.identity.dag_run_id, b.outcome, b.excluded) for b in sources.store.profiles.batches("r")]


PREVIOUS, TRAILING = Reference.previous("r"), Reference.trailing("r", batches=6)


@pytest.mark.parametrize("reference", [PREVIOUS, TRAILING])
def test_the_first_batch_makes_the_cells_and_is_undecided(sources, reference):
    verdict = ask(sources, reference, 0)
    assert verdict.outcome is Outcome.UNDECIDED
    assert verdict.checks[0].message == "'r' has no earlier batch to compare with; this one is kept for those after it"
    assert stored(sources) == [("run-0", Outcome.UNDECIDED, False)]


def test_the_previous_batch_is_the_last_that_passed(sources):
    verdicts = [ask(sources, PREVIOUS, day, shift=shift).outcome for day, shift in enumerate((0, 0, 3, 3, 0))]
    # The third breached, so the fourth is no better for being like it.
    assert verdicts == [Outcome.UNDECIDED, Outcome.PASS, Outcome.BREACH, Outcome.BREACH, Outcome.PASS]


def test_a_feed_that_creeps_out_of_its_first_cells_does_not_pass_unseen(sources):
    """A twelfth of a standard deviation a day, which 1,000 rows do not show. In the end all is above the cells."""
    for day in range(40):
        verdict = ask(sources, PREVIOUS, day, shift=0.08 * day, rows=1_000, chance=False)
        if day and verdict.outcome is not Outcome.PASS:
            break
    assert (day > 10, verdict.outcome) == (True, Outcome.UNDECIDED)
    (blind,) = (check for check in verdict.checks if check.outcome is Outcome.UNDECIDED)
    assert blind.message.endswith("of the reference lie in one cell, where no change is seen: begin again with another "
                                  "name for the reference")  # fmt: skip


def test_a_trailing_reference_decides_from_the_sixth_batch_on(sources):
    outcomes = [ask(sources, TRAILING, day).outcome for day in range(7)]
    assert outcomes == [Outcome.UNDECIDED] * 5 + [Outcome.PASS] * 2
    assert ask(sources, TRAILING, 7, shift=1.0).outcome is Outcome.BREACH
    grids = {
        TableProfile.from_dict(p).columns["x"].edges
        for p in sources.store.profiles.load(sources.store.profiles.batches("r"))
    }
    assert len(grids) == 1, "all batches are counted on the cells of the first"


def test_a_breach_stays_until_a_person_leaves_it_out(sources):
    for day in range(6):
        ask(sources, TRAILING, day)
    assert ask(sources, TRAILING, 6, shift=1.0).outcome is Outcome.BREACH
    wobbly = ask(sources, TRAILING, 7)
    assert sources.store.profiles.exclude("r", "run-6") == 1
    calm = ask(sources, TRAILING, 7)
    between = [next(c.detail["between"] for c in v.checks if c.check == "drift.mean") for v in (wobbly, calm)]
    assert between[0] > 0.3 > between[1]


def test_a_retry_and_a_poke_replace_what_they_saved(sources):
    ask(sources, PREVIOUS, 0)
    for try_number, shift in ((1, 3.0), (2, 3.0), (3, 0.0)):
        verdict = ask(sources, PREVIOUS, 1, shift=shift, try_number=try_number)
        assert verdict.outcome is (Outcome.BREACH if shift else Outcome.PASS)
    assert stored(sources) == [("run-0", Outcome.UNDECIDED, False), ("run-1", Outcome.PASS, False)]


def test_a_sensor_that_pokes_the_first_batch_learns_again(sources):
    ask(sources, PREVIOUS, 0, rows=500)
    assert ask(sources, PREVIOUS, 0, rows=2_000).outcome is Outcome.UNDECIDED
    (data,) = sources.store.profiles.load(sources.store.profiles.batches("r"))
    assert TableProfile.from_dict(data).rows == 2_000


def test_an_empty_table_is_undecided_and_no_batch(sources):
    verdict = ask(sources, TRAILING, 0, rows=0)
    assert verdict.outcome is Outcome.UNDECIDED
    assert verdict.checks[0].message == "the current table 'events' has no rows"
    assert stored(sources) == []


def test_a_backfill_is_compared_with_what_was_before_it(sources):
    ask(sources, PREVIOUS, 0)
    ask(sources, PREVIOUS, 5)
    ask(sources, PREVIOUS, 9, shift=3)
    assert sources.store.profiles.batches("r")[-1].outcome is Outcome.BREACH
    assert ask(sources, PREVIOUS, 3).outcome is Outcome.PASS
    assert ask(sources, PREVIOUS, -2).checks[0].message.startswith("'r' has no earlier batch")


def test_a_season_waits_for_its_own_batches(sources):
    weekly = Reference.seasonal("r", by="weekday", batches=5)
    for day in range(7):
        assert ask(sources, weekly, day, shift=day % 7).checks[0].message.startswith("'r' has no earlier batch")
    for week in range(1, 5):
        assert ask(sources, weekly, 7 * week).outcome is Outcome.UNDECIDED
    assert ask(sources, weekly, 35).outcome is Outcome.PASS
    assert ask(sources, weekly, 42, shift=2).outcome is Outcome.BREACH


def test_batches_of_another_release_are_left_alone(sources):
    old = {"version": 1, "anything": "else"}
    sources.store.profiles.save("r", old, table="events", identity=identity(-1), outcome=Outcome.PASS)
    assert ask(sources, PREVIOUS, 0).checks[0].message.startswith("'r' has no earlier batch")


def test_a_baseline_stores_nothing(sources):
    ask(sources, PREVIOUS, 0)
    load(sources, 1)
    question = DriftQuestion(table=Table("events", "wh"), reference="r", limits=DriftLimits())
    assert question.ask(sources, identity(1)).outcome is Outcome.PASS
    assert len(stored(sources)) == 1


def test_sample_cluster_and_dependence_reach_the_profile(sources):
    load(sources, 0)
    question = DriftQuestion(
        table=Table("events", "wh"),
        reference=PREVIOUS,
        limits=DriftLimits(columns=("x",)),
        sample=0.5,
        cluster="c",
        dependence=True,
    )
    assert DriftQuestion.from_dict(question.to_dict()) == question
    question.ask(sources, identity(0))
    (data,) = sources.store.profiles.load(sources.store.profiles.batches("r"))
    profile = TableProfile.from_dict(data)
    assert 0.3 < profile.rows / ROWS < 0.7
    assert (profile.sample, profile.clusters) == (0.5, 3)
    verdict = question.ask(sources, identity(1))
    assert "come in 3 clusters; 20 are needed" in verdict.checks[0].message


def test_what_was_compared_is_kept_to_be_drawn(sources):
    for day in range(3):
        ask(sources, TRAILING, day)
    drawn = sources.store.measurements.of_guard("drift")
    # The first batch had nothing to be compared with.
    assert [m.identity.dag_run_id for m in drawn] == ["run-1", "run-2"]
    assert {m.series for m in drawn} == {"drift/events"}
    (x, c) = drawn[-1].values["columns"]
    assert (x["column"], c["column"]) == ("x", "c")
    assert c["labels"] == ["a", "b", "c"]
    assert c["reference"] == pytest.approx([0.5, 0.3, 0.2], abs=0.03)
