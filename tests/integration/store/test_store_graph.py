"""The lineage graph on SQLite and PostgreSQL: what stands behind what, whatever order events come in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from event_samples import NAMESPACE, columns, dataset, event, field, provenance
from lineage_words import table, tell

from airflow_provider_aiguard.core.ancestry import Ancestry, Direction, Trace
from airflow_provider_aiguard.core.errors import NotRecordedError
from airflow_provider_aiguard.core.lineage import Edge, EdgeKind, dataset_node, job_node
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.store import Store

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM


def reached(trace: Trace) -> dict[str, set[str]]:
    return {str(here): {str(step.there) for step in steps} for here, steps in trace.steps.items()}


def names(ancestry: Ancestry) -> list[str]:
    return [str(one.node) for one in ancestry.ancestors]


@pytest.fixture
def chain(store: Store) -> Store:
    """raw -> clean -> scored, where a model fills ``late`` of scored, and a check reads it."""
    model = dataset("gbm/3", {"datasetType": {"datasetType": "MODEL"}}, namespace="aimodel://local")
    clean = columns({"hour": [field("raw", "time")], "id": [field("raw", "id")]})
    scored = {**columns({"late": [field("clean", "hour")], "id": [field("clean", "id")]}), **provenance("late")}
    tell(
        store,
        event(["raw"], [dataset("clean", clean)], job="dag.clean", run="r1"),
        event(["clean", model], [dataset("scored", scored)], job="dag.score", run="r2", at="2026-01-03T00:00:00Z"),
        event(["scored"], [], job="dag.check", run="r3"),
        event(["history"], [dict(model)], job="dag.train", run="r0"),
    )
    return store


def test_tables_upstream_and_downstream(chain: Store) -> None:
    assert reached(chain.graph.trace(table("scored"), UP)) == {
        "scored": {"clean", "gbm/3"},
        "clean": {"raw"},
        "gbm/3": {"history"},
    }
    assert reached(chain.graph.trace(table("raw"), DOWN)) == {
        "raw": {"clean"},
        "clean": {"scored"},
        "scored": {"dag.check"},
    }


def test_columns_upstream_pass_by_what_they_were_not_made_of(chain: Store) -> None:
    assert reached(chain.graph.trace(table("scored:late"), UP)) == {
        "scored.late": {"clean.hour", "gbm/3"},
        "clean.hour": {"raw.time"},
        "gbm/3": {"history"},
    }
    assert reached(chain.graph.trace(table("scored:id"), UP)) == {"scored.id": {"clean.id"}, "clean.id": {"raw.id"}}


def test_columns_downstream_meet_who_reads_the_table(chain: Store) -> None:
    assert reached(chain.graph.trace(table("raw:time"), DOWN)) == {
        "raw.time": {"clean.hour"},
        "clean.hour": {"scored.late"},
        "scored.late": {"dag.check"},
    }
    model = dataset_node("aimodel://local", "gbm/3")
    assert reached(chain.graph.trace(model, DOWN)) == {"gbm/3": {"scored"}, "scored": {"dag.check"}}


def test_a_step_names_job_and_run(chain: Store) -> None:
    trace = chain.graph.trace(table("scored"), UP, depth=1)
    assert {str(node) for node in trace.unasked} == {"gbm/3", "clean"}
    first, second = trace.steps[table("scored")]
    assert (first.there.name, second.there.name) == ("gbm/3", "clean")
    assert (second.job, second.last_run, second.complete) == (job_node("tests", "dag.score"), "r2", True)
    assert second.last_at == datetime(2026, 1, 3, tzinfo=UTC)
    assert trace.origins[table("scored")].model == "gbm"


def test_a_walk_stops_at_its_limit(chain: Store) -> None:
    trace = chain.graph.trace(table("scored"), UP, limit=2)
    assert (set(reached(trace)), {str(one) for one in trace.unasked}) == ({"scored"}, {"gbm/3", "clean"})


def test_ancestors_say_where_knowledge_ends(chain: Store) -> None:
    found = chain.graph.ancestors(table("scored"))
    assert [(str(a.node), a.depth) for a in found.ancestors] == [("gbm/3", 1), ("clean", 1), ("history", 2), ("raw", 2)]
    assert [str(root.node) for root in found.unrecorded] == ["history", "raw"]
    assert (found.facts, found.unlabelled, found.coverage) == ((), (), 0.0)


def test_a_root_that_a_run_said_is_observed_is_known(store: Store) -> None:
    facts = provenance("time", origin="observed", run_id="load-1")
    tell(store, event([], [dataset("raw", facts)], job="dag.load"), event(["raw", "other"], ["t"]))
    found = store.graph.ancestors(table("t"))
    (known,) = found.facts
    assert (known.node, known.origin and known.origin.run_id) == (job_node("tests", "dag.load"), "load-1")
    assert [str(root.node) for root in found.unrecorded] == ["other"]
    assert found.coverage == 0.5
    (raw,) = [a for a in found.ancestors if a.node == table("raw")]
    assert raw.origin
    assert raw.origin.run_id == "load-1"


def test_a_root_that_was_written_without_provenance_is_unlabelled(store: Store) -> None:
    tell(store, event([], ["raw"], job="dag.load"), event(["raw"], ["t"]))
    (root,) = store.graph.ancestors(table("t")).unlabelled
    assert (root.node, root.origin) == (job_node("tests", "dag.load"), None)


def test_a_job_of_many_tables_is_known_by_the_ones_behind(store: Store) -> None:
    facts, guesses = provenance("x", origin="human_annotated"), provenance("x")
    tell(store, event([], [dataset("a", facts)], job="load"), event([], [dataset("b", guesses)], job="load"))
    tell(store, event(["a"], ["t"]), event(["b"], ["u"]), event(["a", "b"], ["v"]))
    assert [root.is_fact for root in store.graph.ancestors(table("t")).roots] == [True]
    assert [root.is_fact for root in store.graph.ancestors(table("u")).roots] == [False]
    (mixed,) = store.graph.ancestors(table("v")).roots
    assert (mixed.origin, mixed.is_fact) == (None, False)


def test_a_table_that_only_feeds_itself_has_no_known_start(store: Store) -> None:
    tell(store, event(["t"], [dataset("t", provenance("x"))]), event(["t"], ["u"]))
    found = store.graph.ancestors(table("u"))
    (root,) = found.roots
    assert (root.node, root.recorded, root.is_fact) == (table("t"), False, False)
    assert names(store.graph.ancestors(table("t"))) == ["t"]


def test_circles_end_and_are_roots_unless_something_comes_in(store: Store) -> None:
    tell(store, event(["a"], ["b"]), event(["b"], ["c"]), event(["c"], ["a"]), event(["c"], ["t"]))
    assert {str(root.node) for root in store.graph.ancestors(table("t")).roots} == {"a", "b", "c"}
    assert reached(store.graph.trace(table("a"), DOWN)) == {"a": {"b"}, "b": {"c"}, "c": {"a", "t"}}
    tell(store, event(["raw"], ["b"]))
    assert {str(root.node) for root in store.graph.ancestors(table("t")).roots} == {"raw"}


def test_a_column_nobody_told_of_steps_to_whole_tables(store: Store) -> None:
    clean = columns({"x": [field("raw", "p")]})
    tell(store, event(["raw"], [dataset("clean", clean)]), event(["clean"], ["mart"]))
    mart = columns({"y": [field("mart", "x")]})
    tell(store, event(["mart"], [dataset("out", mart)]))
    assert names(store.graph.ancestors(table("out:y"))) == ["mart.x", "clean", "raw"]
    assert reached(store.graph.trace(table("raw:p"), DOWN)) == {
        "raw.p": {"clean.x"},
        "clean.x": {"mart"},
        "mart": {"out"},
    }


def test_what_the_last_run_told_counts(store: Store) -> None:
    told = dataset("t", columns({"x": [field("a", "p")]}))
    tell(store, event(["a"], ["t"], at="2026-01-01T00:00:00Z"), event(["a"], [told], at="2026-01-02T00:00:00Z"))
    assert names(store.graph.ancestors(table("t:x"))) == ["a.p"]
    tell(store, event(["a"], ["t"], at="2026-01-03T00:00:00Z", kind="FAIL"))
    assert names(store.graph.ancestors(table("t:x"))) == ["a.p"]
    tell(store, event(["a"], ["t"], at="2026-01-03T00:00:00Z"))
    assert sorted(names(store.graph.ancestors(table("t:x")))) == ["a", "a.p"]


def test_rows_that_a_column_decided_stand_behind_every_column(store: Store) -> None:
    out = dataset("t", columns({"x": [field("a", "p")]}, rows=[field("b", "k", "INDIRECT")]))
    tell(store, event(["a", "b"], [out]))
    assert sorted(names(store.graph.ancestors(table("t:x")))) == ["a.p", "b.k"]
    assert reached(store.graph.trace(table("b:k"), DOWN)) == {"b.k": {"t"}}
    assert sorted(names(store.graph.ancestors(table("t")))) == ["a", "b"]


def test_a_written_column_without_sources_is_its_own_root(store: Store) -> None:
    facets = {**columns({"x": [field("a", "p")], "now": []}), **provenance("now", origin="observed")}
    later = columns({"y": [field("t", "now")], "z": [field("t", "x")]})
    tell(store, event(["a"], [dataset("t", facets)]), event(["t"], [dataset("u", later)]))
    (root,) = store.graph.ancestors(table("u:y")).roots
    assert (root.node, root.is_fact) == (table("t:now"), True)
    assert [str(root.node) for root in store.graph.ancestors(table("u:z")).unrecorded] == ["a.p"]


def renamed(old: str, new: str) -> dict[str, Any]:
    former = {"namespace": NAMESPACE, "name": old}
    return dataset(new, {"lifecycleStateChange": {"lifecycleStateChange": "RENAME", "previousIdentifier": former}})


def test_a_renamed_table_keeps_its_past(store: Store) -> None:
    tell(store, event(["raw"], [dataset("draft", columns({"x": [field("raw", "p")]}))], job="fill"))
    tell(store, event([], [renamed("draft", "final")], job="publish"))
    out = dataset("out", columns({"y": [field("final", "x")], "z": [field("final", "new")]}))
    tell(store, event(["final"], [out], job="use"))
    assert {"final", "draft", "raw"} <= set(names(store.graph.ancestors(table("out"))))
    assert {"final.x", "draft.x", "raw.p"} <= set(names(store.graph.ancestors(table("out:y"))))
    assert {"final.new", "draft", "raw"} <= set(names(store.graph.ancestors(table("out:z"))))
    assert "out.y" in reached(store.graph.trace(table("raw:p"), DOWN))["final.x"]
    swapped = event([], [renamed("final", "draft")], job="publish")
    tell(store, swapped)
    assert "raw" in names(store.graph.ancestors(table("draft")))


def test_two_names_of_one_table_are_one(store: Store) -> None:
    links = {"symlinks": {"identifiers": [{"namespace": "s3://lake", "name": "t", "type": "TABLE"}]}}
    told = {**columns({"x": [field("raw", "p")]}), **links}
    tell(store, event(["raw"], [dataset("t", told)]))
    used = columns({"y": [field("t", "x", namespace="s3://lake")]})
    tell(store, event([dataset("t", namespace="s3://lake")], [dataset("out", used)], job="use"))
    assert "raw" in names(store.graph.ancestors(table("out")))
    assert names(store.graph.ancestors(table("out:y"))) == ["t.x", "t.x", "raw.p"]
    assert "t.x" in reached(store.graph.trace(table("raw:p"), DOWN))["raw.p"]


def test_as_of_knows_no_later_edges(store: Store) -> None:
    tell(store, event(["a"], ["t"], at="2026-01-01T00:00:00Z"), event(["b"], ["t"], at="2026-02-01T00:00:00Z"))
    tell(store, event(["a"], ["t"], at="2026-03-01T00:00:00Z"))
    then = datetime(2026, 1, 15, tzinfo=UTC)
    assert names(store.graph.ancestors(table("t"), as_of=then)) == ["a"]
    assert reached(store.graph.trace(table("t"), UP, as_of=then)) == {"t": {"a"}}
    assert sorted(names(store.graph.ancestors(table("t")))) == ["a", "b"]
    (root,) = store.graph.ancestors(table("t"), as_of=then - timedelta(days=30)).roots
    assert root.node == table("t")


JANUARY, MARCH, JUNE, DECEMBER = ("2026-01-01", "2026-03-01", "2026-06-01", "2026-12-01")


def wrote(origin: str, day: str, *, run: str, job: str = "fill", **more: Any) -> dict[str, Any]:
    facets = provenance("x", origin=origin, run_id=run, **more)
    return event([], [dataset("b", facets)], job=job, run=run, at=f"{day}T00:00:00Z")


def origin_at(store: Store, day: str | None) -> Any:
    at = None if day is None else datetime.fromisoformat(day).replace(tzinfo=UTC)
    (b,) = [one for one in store.graph.ancestors(table("train"), as_of=at).ancestors if one.node == table("b")]
    return b.origin


@pytest.fixture
def trained(store: Store) -> Store:
    """``train`` is made of ``b`` from January on."""
    tell(store, event(["b"], ["train"], job="make", run="m", at=f"{JANUARY}T00:00:00Z"))
    return store


@pytest.mark.parametrize("order", [1, -1])
def test_as_of_gives_no_provenance_of_a_later_run(trained: Store, order: int) -> None:
    tell(trained, *[wrote("ai_inferred", JANUARY, run="r1"), wrote("observed", JUNE, run="r6")][::order])
    then = origin_at(trained, MARCH)
    assert (then.origin, then.model, then.run_id) == ("ai_inferred", "gbm", "r1")
    assert origin_at(trained, None).origin == origin_at(trained, JUNE).origin == "observed"
    assert trained.graph.trace(table("b"), UP, as_of=datetime(2026, 3, 1, tzinfo=UTC)).origins[table("b")] == then


def test_as_of_knows_no_origin_before_the_first(trained: Store) -> None:
    tell(trained, wrote("observed", JUNE, run="r6"))
    assert origin_at(trained, MARCH) is None
    (root,) = trained.graph.ancestors(table("train"), as_of=datetime(2026, 3, 1, tzinfo=UTC)).roots
    assert (root.is_fact, root.recorded) == (False, False)


def test_as_of_takes_the_worst_of_what_it_may_have_been(trained: Store) -> None:
    tell(trained, wrote("ai_inferred", JANUARY, run="r1"), wrote("observed", MARCH, run="r3"))
    tell(trained, wrote("ai_inferred", DECEMBER, run="r12"))
    assert origin_at(trained, JANUARY).origin == "ai_inferred"
    between = origin_at(trained, JUNE)
    assert (between.origin, between.model, between.run_id, between.ai_share) == ("ai_inferred", "gbm", "", None)
    assert origin_at(trained, DECEMBER).run_id == "r12"


def test_as_of_takes_the_later_of_two_jobs(trained: Store) -> None:
    tell(trained, wrote("ai_inferred", JANUARY, run="r1"), wrote("observed", MARCH, run="r3", job="copy"))
    assert origin_at(trained, MARCH).origin == "observed"
    tell(trained, wrote("observed", DECEMBER, run="r12", job="copy"))
    assert origin_at(trained, JUNE).origin == "observed"


def test_an_origin_is_one_row_however_many_runs_confirm_it(trained: Store) -> None:
    for day, run in ((JANUARY, "r1"), (MARCH, "r3"), (JUNE, "r6")):
        tell(trained, wrote("ai_inferred", day, run=run))
    tell(trained, wrote("ai_inferred", DECEMBER, run="r12", modelVersion="4"))
    count = sa.select(sa.func.count()).select_from(schema.lineage_origin)
    # The column's own word of the version stays as it is: of the dataset there are two.
    assert trained._database.read(lambda conn: conn.scalar(count)) == 3
    assert [origin_at(trained, day).model_version for day in (JANUARY, JUNE, DECEMBER)] == ["3", "3", "4"]


def other(source: str, target: str) -> Edge:
    return Edge(table(source), table(target), job_node("theirs", "job"), EdgeKind.DATA)


def test_another_source_is_taken_as_well(store: Store) -> None:
    tell(store, event(["a"], ["b"]), event(["c"], ["t"]), event(["t"], ["u"]))
    also = [other("b", "c"), other("new", "a"), other("c", "t")]
    found = store.graph.ancestors(table("u"), also=also)
    assert names(found) == ["t", "c", "b", "a", "new"]
    assert [str(root.node) for root in found.unrecorded] == ["new"]
    only = store.graph.ancestors(table("elsewhere"), also=[other("a", "elsewhere")])
    assert names(only) == ["a"]
    trace = store.graph.trace(table("u"), UP, also=also)
    theirs = [(str(s.there), str(s.job)) for steps in trace.steps.values() for s in steps if s.last_at is None]
    assert sorted(theirs) == [("b", "job"), ("new", "job")]
    assert reached(store.graph.trace(table("b"), DOWN, also=also)) == {"b": {"c"}, "c": {"t"}, "t": {"u"}}


def test_another_source_stands_behind_every_column(store: Store) -> None:
    told = [dataset("t", columns({"x": [field("a", "p")]})), dataset("a", columns({"p": [field("raw", "p")]}))]
    tell(store, event(["a"], told[:1]), event(["raw"], told[1:]))
    also = [other("a", "t"), other("b", "t"), other("c", "a")]
    found = store.graph.ancestors(table("t:x"), also=also)
    assert {(str(a.node), a.depth) for a in found.ancestors} == {("a.p", 1), ("b", 1), ("c", 2), ("raw.p", 2)}
    assert names(store.graph.ancestors(table("new:x"), also=[other("a", "new")])) == ["a", "raw"]
    with pytest.raises(NotRecordedError, match="the column"):
        store.graph.ancestors(table("t:nothing"))


def test_what_no_event_names_is_said(store: Store) -> None:
    with pytest.raises(NotRecordedError, match=r"No lineage event names the dataset 'nothing' in 'postgres://db:5432'"):
        store.graph.ancestors(table("nothing"))
    with pytest.raises(NotRecordedError, match=r"the column 'nothing\.x'"):
        store.graph.trace(table("nothing:x"), UP)


def test_a_person_may_say_less_than_the_whole_name(store: Store) -> None:
    there = dataset("app.public.flights", namespace="postgres://other:5432")
    tell(store, event(["app.public.flights"], ["app.public.scored"]), event([there], [], job="other"))
    told = columns({"late": [field("app.public.flights", "hour")]})
    tell(store, event(["app.public.flights"], [dataset("app.public.scored", told)]))
    find = store.graph.find
    assert find("scored") == find("public.scored") == find("app.public.scored") == [table("app.public.scored")]
    assert find("scored.late") == [table("app.public.scored:late")]
    assert len(find("flights")) == 2
    assert find("flights", namespace=NAMESPACE) == [table("app.public.flights")]
    assert find("lights") == find("scored.nothing") == find("") == find("%") == []
    tell(store, event(["scored"], []))
    assert find("scored") == [table("scored")]
