"""Measurements by series, and batches of moving references, on each database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic import command

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.store.revision import HEAD, alembic_config, current_revision
from airflow_provider_aiguard.store.store import Store, open_store

if TYPE_CHECKING:
    from pathlib import Path


def day(number: int, *, attempt: int = 1, task: str = "t") -> RunIdentity:
    date = f"2013-02-{number:02}T00:00:00+00:00"
    return RunIdentity(
        run_id=f"{task}{number}.{attempt}", dag_id="d", dag_run_id=f"r{number}", task_id=task, try_number=attempt,
        logical_date=date,
    )  # fmt: skip


class TestMeasurements:
    def test_they_come_back_in_the_order_of_their_dates(self, store: Store) -> None:
        for number in (2, 1, 3):
            store.measurements.save("concept/late", {"n": number, "share": 0.5}, identity=day(number))
        found = store.measurements.list("concept/late")
        assert [(m.values, m.identity) for m in found] == [({"n": n, "share": 0.5}, day(n)) for n in (1, 2, 3)]
        assert {m.series for m in found} == {"concept/late"}
        assert all(m.measured_at.tzinfo for m in found)
        assert store.measurements.list("concept/early") == []

    def test_a_retry_replaces_and_another_task_does_not(self, store: Store) -> None:
        store.measurements.save("s", {"n": 1}, identity=day(1))
        store.measurements.save("s", {"n": 2}, identity=day(1, task="other"))
        store.measurements.save("other", {"n": 3}, identity=day(1))
        store.measurements.save("s", {"n": 4}, identity=day(1, attempt=2))
        assert [m.values["n"] for m in store.measurements.list("s")] == [2, 4]
        assert [m.values["n"] for m in store.measurements.list("other")] == [3]

    def test_a_backfill_sees_the_past_only_and_not_itself(self, store: Store) -> None:
        for number in (1, 2, 3):
            store.measurements.save("s", {"n": number}, identity=day(number))
        assert [m.values["n"] for m in store.measurements.list("s", before=day(2, attempt=2))] == [1]
        assert [m.values["n"] for m in store.measurements.list("s", before=RunIdentity(run_id="x"))] == [1, 2, 3]

    def test_a_series_needs_a_name(self, store: Store) -> None:
        with pytest.raises(ConfigurationError, match="needs a name to be found by; got ' '"):
            store.measurements.save(" ", {}, identity=day(1))


class TestBatches:
    def test_a_batch_is_replaced_by_a_retry_and_a_baseline_is_not(self, store: Store) -> None:
        store.profiles.save("p", {"n": 0}, table="t", identity=day(1))
        store.profiles.save("p", {"n": 1}, table="t", identity=day(1), outcome=Outcome.BREACH)
        store.profiles.save("p", {"n": 2}, table="t", identity=day(1, attempt=2), outcome=Outcome.PASS)
        batches = store.profiles.batches("p")
        assert [(b.outcome, b.identity) for b in batches] == [(None, day(1)), (Outcome.PASS, day(1, attempt=2))]
        assert store.profiles.load(batches[::-1]) == [{"n": 2}, {"n": 0}]

    def test_they_come_by_date(self, store: Store) -> None:
        for number in (3, 1, 2):
            store.profiles.save("p", {"n": number}, table="t", identity=day(number), outcome=Outcome.PASS)
        assert [p["n"] for p in store.profiles.load(store.profiles.batches("p"))] == [1, 2, 3]
        assert store.profiles.batches("q") == []
        assert store.profiles.load([]) == []

    def test_what_a_person_left_out_stays_out_when_the_task_is_retried(self, store: Store) -> None:
        for number in (1, 2):
            store.profiles.save("p", {"n": number}, table="t", identity=day(number), outcome=Outcome.PASS)
        assert store.profiles.exclude("p", "r1") == 1
        assert store.profiles.exclude("p", "nothing") == 0
        store.profiles.save("p", {"n": 9}, table="t", identity=day(1, attempt=2), outcome=Outcome.BREACH)
        assert [b.excluded for b in store.profiles.batches("p")] == [True, False]
        assert store.profiles.exclude("p", "r1", excluded=False) == 1
        assert [b.excluded for b in store.profiles.batches("p")] == [False, False]


def test_a_store_of_the_first_version_keeps_its_baselines(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        command.upgrade(alembic_config(conn), "0001")
        conn.exec_driver_sql(
            "INSERT INTO aiguard_profile (name, table_name, run_id, dag_id, dag_run_id, task_id, map_index, try_number,"
            " logical_date, profile, saved_at) VALUES ('p', 't', 'r', '', '', '', -1, 1, '', '{}', '2026-01-01 00:00')"
        )
    engine.dispose()
    with open_store(url) as store:
        (batch,) = store.profiles.batches("p")
        assert (batch.outcome, batch.excluded) == (None, False)
    assert current_revision(url) == HEAD
