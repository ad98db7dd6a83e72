"""Writing the lineage graph on SQLite and PostgreSQL: once, in any order, under any name, by many at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic import command
from event_samples import NAMESPACE, columns, dataset, event, field, provenance
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lineage_words import table, tell

from airflow_provider_aiguard.core.ancestry import Direction
from airflow_provider_aiguard.core.lineage import column_node, dataset_node
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.flows import MAX_NAME, digest_of
from airflow_provider_aiguard.store.revision import alembic_config, current_revision
from airflow_provider_aiguard.store.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import Popen


def rows(store: Store) -> list[Any]:
    """Everything in the graph but ids, which depend on who came first."""
    graph = [schema.lineage_node, schema.lineage_edge, schema.lineage_origin]
    nodes, edges, origins = (
        store._database.read(lambda conn, t=t: conn.execute(sa.select(t)).mappings().all()) for t in graph
    )
    digests = {row["id"]: row["digest"] for row in nodes}
    plain = [{k: digests.get(v, v) if k.endswith("_id") else v for k, v in row.items()} for row in (*edges, *origins)]
    known = [{k: digests.get(v) if k == "dataset_id" else v for k, v in row.items() if k != "id"} for row in nodes]
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in (*plain, *known))


HOSTILE = [
    "a'b\"c",
    "%s; DROP TABLE aiguard_lineage_node;--",
    "a.b.c",
    "ünïcode ☃",
    "\x00nul",
    "\ud800",
    "{}[]",
    "*",
    "_%",
]


@pytest.mark.parametrize("name", [*HOSTILE, "x" * 5000], ids=repr)
def test_hostile_names_are_names(store: Store, name: str) -> None:
    told = columns({name: [field(f"up {name}", name)]})
    tell(store, event([f"up {name}"], [dataset(name, told)], job=name, run=name))
    (parent,) = store.graph.ancestors(table(name)).ancestors
    assert parent.node.name.startswith("up ")
    subject = column_node(table(name), name)
    (source,) = store.graph.ancestors(subject).ancestors
    assert len(source.node.column) == min(len(name), MAX_NAME)


def test_long_names_that_begin_alike_are_different(store: Store) -> None:
    one, other = "x" * 3000, "x" * 3000 + "y"
    tell(store, event([one], [other]), event([other], ["t"]))
    assert [a.depth for a in store.graph.ancestors(table("t")).ancestors] == [1, 2]


EVENTS = [
    event(["a"], [dataset("t", columns({"x": [field("a", "p")]}))], run="r1", at="2026-01-01T00:00:00Z"),
    event(["a"], ["t"], run="r2", at="2026-01-02T00:00:00Z"),
    event(["a"], [], run="r3", at="2026-01-03T00:00:00Z", kind="START"),
    event(["a", "b"], [dataset("t", provenance("x"))], run="r3", at="2026-01-03T00:00:00Z"),
    event(["a"], [dataset("t", provenance("x", run_id="step-2"))], run="r4", at="2026-01-04T00:00:00Z", kind="FAIL"),
    event(["a"], ["t"], run="r2", at="2026-01-02T00:00:00Z", kind="RUNNING"),
    event(["a"], [dataset("t", columns({"x": [field("a", "p", "INDIRECT")]}))], run="r5", at="2026-01-01T00:00:00Z"),
    event([], [dataset("t", provenance("x", origin="observed", run_id="load"))], run="r6", job="load"),
]


def test_the_same_event_twice_changes_nothing(store: Store) -> None:
    tell(store, *EVENTS)
    before = rows(store)
    tell(store, *EVENTS, *reversed(EVENTS))
    assert rows(store) == before


@given(st.lists(st.integers(0, len(EVENTS) - 1), max_size=6), st.permutations(range(len(EVENTS))))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_events_in_any_order_make_the_same_graph(tmp_path_factory: Any, again: list[int], order: list[int]) -> None:
    here = tmp_path_factory.mktemp("graph")
    with open_store(f"sqlite:///{here}/one.db") as one, open_store(f"sqlite:///{here}/other.db") as other:
        tell(one, *EVENTS)
        tell(other, *(EVENTS[i] for i in [*again, *order]))
        assert rows(one) == rows(other)


def test_an_edge_is_one_row_however_many_runs_confirm_it(store: Store) -> None:
    for day in range(1, 6):
        tell(store, event(["a"], ["t"], run=f"r{day}", at=f"2026-01-0{day}T00:00:00Z"))
    read = sa.select(schema.lineage_edge)
    (row,) = store._database.read(lambda conn: conn.execute(read).mappings().all())
    assert (row["first_run"], row["last_run"]) == ("r1", "r5")


def test_origins_of_a_former_version_are_kept(store_url: str) -> None:
    assert current_revision(store_url) is None  # makes the folder of a SQLite file
    engine = sa.create_engine(store_url)
    with engine.begin() as conn:
        command.upgrade(alembic_config(conn), "0007")
        for number, kind, name in ((1, "job", "fill"), (2, "dataset", "a")):
            row = {"id": number, "kind": kind, "namespace": NAMESPACE, "name": name, "digest": digest_of(table(name))}
            conn.execute(sa.insert(schema.lineage_node).values(row | ({"digest": "job"} if kind == "job" else {})))
        conn.exec_driver_sql(
            "INSERT INTO aiguard_lineage_origin (node_id, job_id, origin, run_id, model, model_version, last_run,"
            " last_at) VALUES (2, 1, 'ai_inferred', 'step-1', 'gbm', '3', 'r1', '2026-01-02 00:00:00.000000')"
        )
    engine.dispose()
    with open_store(store_url) as store:
        assert store.graph.trace(table("a"), Direction.UPSTREAM).origins[table("a")].run_id == "step-1"
        before = datetime(2026, 1, 1, tzinfo=UTC)
        assert store.graph.trace(table("a"), Direction.UPSTREAM, as_of=before).origins == {}


def test_processes_that_write_at_once_lose_nothing(
    store: Store, store_url: str, spawn: Callable[..., Popen[str]], go: Callable[[list[Popen[str]]], None]
) -> None:
    writers = [spawn("tell_lineage", store_url, seed) for seed in range(4)]
    go(writers)
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    found = store.graph.ancestors(dataset_node("n", "t9"))
    assert {a.node.name for a in found.ancestors} == {f"t{n}" for n in range(9)}
    count = sa.select(sa.func.count()).select_from(schema.lineage_edge)
    assert store._database.read(lambda conn: conn.scalar(count)) == 10 * 9 / 2
