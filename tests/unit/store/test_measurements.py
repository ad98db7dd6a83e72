"""Rows of measurements; what they promise on each database is in ``tests/integration/store/test_store_series.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.run import RunIdentity

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.store import Store


def of(dag: str, dag_run: str) -> RunIdentity:
    return RunIdentity(run_id=f"{dag}-{dag_run}", dag_id=dag, dag_run_id=dag_run, task_id="t")


def test_a_guards_series_are_found_by_its_word_and_nobody_elses(store: Store) -> None:
    for series in ("drift/flights", "drift/main.flights", "drift_of/flights", "driftx/y", "concept/drift/x"):
        store.measurements.save(series, {"n": 1}, identity=of("d", "r"))
    assert [m.series for m in store.measurements.of_guard("drift")] == ["drift/flights", "drift/main.flights"]
    # An underscore stands for itself, not for any letter.
    assert [m.series for m in store.measurements.of_guard("drift_of")] == ["drift_of/flights"]


def test_they_can_be_asked_for_by_dag_and_dag_run(store: Store) -> None:
    for dag, dag_run in (("a", "1"), ("a", "2"), ("b", "1")):
        store.measurements.save("drift/flights", {"of": dag + dag_run}, identity=of(dag, dag_run))
    found = store.measurements.of_guard("drift", dag_id="a")
    assert [m.values["of"] for m in found] == ["a1", "a2"]
    (one,) = store.measurements.of_guard("drift", dag_id="a", dag_run_id="2")
    assert one.values == {"of": "a2"}
    assert one.identity == of("a", "2")
