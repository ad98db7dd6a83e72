from __future__ import annotations

import json
from typing import Any

import pytest
from event_samples import NAMESPACE, columns, dataset, event, field, provenance
from http_server import Endpoint

from airflow_provider_aiguard.cli.main import main
from airflow_provider_aiguard.core.run import InferenceSummary, ModelIdentity, RunIdentity, RunState
from airflow_provider_aiguard.hooks.lineage import TRANSPORT_CLASS
from airflow_provider_aiguard.lineage.edges import edges_of
from airflow_provider_aiguard.store.store import open_store


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def tell(url):
    def record(*events):
        with open_store(url) as store:
            for one in events:
                flow = edges_of(one)
                assert flow
                store.graph.record(flow)

    return record


@pytest.fixture
def chain(tell):
    """raw -> clean -> scored and back into raw; a model and a lookup stand behind scored; a check reads it."""
    model = dataset("gbm/3", {"datasetType": {"datasetType": "MODEL"}}, namespace="aimodel://aiguard")
    scored = {**columns({"late": [field("app.clean", "hour")]}), **provenance("late")}
    clean = columns({"hour": [field("app.raw", "time", "INDIRECT")]})
    tell(
        event(["app.raw", "app.zones"], [dataset("app.clean", clean)], job="dag.clean", run="r1"),
        event(["app.clean", "app.zones", model], [dataset("app.scored", scored)], job="dag.score", run="r2"),
        event(["app.scored"], ["app.raw"], job="dag.back", run="r3", kind="FAIL"),
        event(["app.scored"], [], job="dag.check", run="r4"),
        event([], ["app.zones"], job="dag.load", run="r5"),
    )


@pytest.fixture
def aiguard(url, capsys):
    def run(*arguments: str) -> tuple[int, str]:
        code = main(["lineage", *arguments, "--store", url])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.mark.usefixtures("chain")
def test_the_tree_upstream_draws_each_subtree_once_and_marks_circles(aiguard):
    when = "2026-01-02 03:04 UTC"
    code, text = aiguard("upstream", "scored")
    assert code == 0
    lines = text.splitlines()
    assert lines == [
        f"app.scored in {NAMESPACE} [ai_inferred by gbm@3, run step-1]",
        f"├─ gbm/3 in aimodel://aiguard  ← dag.score, run r2, {when} (no event says where it came from)",
        f"├─ app.clean  ← dag.score, run r2, {when}",
        f"│  ├─ app.raw  ← dag.clean, run r1, {when}",
        f"│  │  └─ {lines[0]}  ← dag.back, run r3, {when}, no run of it finished (a circle: it is above itself)",
        f"│  └─ app.zones  ← dag.clean, run r1, {when}",
        f"│     └─ job dag.load  ← run r5, {when} (named no input)",
        f"└─ app.zones  ← dag.score, run r2, {when} (drawn above)",
    ]


@pytest.mark.usefixtures("chain")
def test_the_tree_of_a_column(aiguard):
    lines = aiguard("upstream", "scored.late", "--depth", "2")[1].splitlines()
    assert lines[0] == f"app.scored.late in {NAMESPACE} [ai_inferred by gbm@3, mean confidence 0.86, run step-1]"
    when = "2026-01-02 03:04 UTC"
    assert lines[1:] == [
        f"├─ app.clean.hour  ← dag.score, run r2, {when}",
        f"│  ├─ app.raw.time  ← in a condition; dag.clean, run r1, {when} …",
        f"│  └─ app.zones  ← columns not told; dag.clean, run r1, {when}",
        f"│     └─ job dag.load  ← run r5, {when} …",
        f"├─ gbm/3 in aimodel://aiguard  ← model; dag.score, run r2, {when} (no event says where it came from)",
        f"└─ app.zones  ← columns not told; dag.score, run r2, {when} (drawn above)",
        "… There is more behind what ends with this mark: raise --depth, or ask for it.",
    ]


@pytest.mark.usefixtures("chain")
def test_downstream_names_readers(aiguard):
    lines = aiguard("downstream", "clean", "--depth", "2")[1].splitlines()
    assert [line.partition("  →")[0] for line in lines[:4]] == [
        f"app.clean in {NAMESPACE}",
        "└─ app.scored [ai_inferred by gbm@3, run step-1]",
        "   ├─ app.raw",
        "   └─ job dag.check",
    ]


@pytest.mark.usefixtures("chain")
def test_json_has_every_step(aiguard):
    answer = json.loads(aiguard("downstream", "app.clean", "--json")[1])
    assert (answer["subject"]["name"], answer["direction"], answer["whole"]) == ("app.clean", "downstream", True)
    (first,) = [step for step in answer["steps"] if step["here"]["name"] == "app.clean"]
    assert (first["there"]["name"], first["job"]["name"], first["last_run"]) == ("app.scored", "dag.score", "r2")
    assert first["last_at"] == "2026-01-02T03:04:05+00:00"
    assert {origin["model"] for origin in answer["origins"]} == {"gbm"}


@pytest.fixture
def wide(tell):
    """1,100 tables stand behind one."""
    tell(*(event([f"app.t{n}" for n in range(part, part + 550)], ["app.wide"], job=f"j{part}") for part in (0, 550)))
    tell(event(["app.behind"], ["app.t0"]))


@pytest.mark.usefixtures("wide")
def test_a_tree_is_cut_at_its_limit_and_says_what_to_raise(aiguard):
    cut = "… There is more behind what ends with this mark: raise --limit, or ask for it."
    assert aiguard("upstream", "wide")[1].splitlines()[-1] == cut
    assert aiguard("upstream", "wide", "--limit", "1101")[1].splitlines()[-1] == cut
    whole = aiguard("upstream", "wide", "--limit", "1103")[1]
    assert "app.behind" in whole
    assert "raise" not in whole
    assert aiguard("upstream", "wide", "--limit", "0") == (3, "--limit must be at least 1; got 0.\n")


@pytest.mark.usefixtures("wide")
def test_json_is_cut_only_where_it_is_asked_to(aiguard):
    answer = json.loads(aiguard("upstream", "wide", "--json")[1])
    assert (answer["whole"], len(answer["steps"])) == (True, 1101)
    answer = json.loads(aiguard("upstream", "wide", "--json", "--limit", "1000")[1])
    assert (answer["whole"], len(answer["steps"])) == (False, 1100)


def test_a_name_that_may_be_several_lists_them(aiguard, tell):
    other = "postgres://other:5432"
    tell(event(["app.flights"], [dataset("app.flights", namespace=other)]))
    code, text = aiguard("upstream", "flights")
    assert code == 3
    assert f"'flights' may be several: app.flights in {NAMESPACE}; app.flights in {other}." in text
    code, text = aiguard("upstream", "flights", "--namespace", other)
    assert (code, text.splitlines()[0]) == (0, f"app.flights in {other}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "No lineage event names 'nothing'"),
        (["scored", "--namespace", "n"], "'scored' in 'n'"),
        (["scored", "--depth", "0"], "--depth must be at least 1; got 0"),
        (["scored", "--as-of", "yesterday"], "no run 'yesterday'"),
    ],
)
@pytest.mark.usefixtures("chain")
def test_what_cannot_be_asked_is_said(aiguard, arguments, said):
    code, text = aiguard("upstream", *arguments)
    assert code == 3
    assert said in text


def test_a_name_as_the_database_has_it_is_found(aiguard, tell):
    tell(event(["app.a=3Ab"], ["app.t"]))
    assert aiguard("downstream", "a:b")[1].startswith("app.a=3Ab in")


def test_as_of_a_time_or_a_run(aiguard, tell, url):
    tell(
        event(["app.old"], ["app.t"], at="2026-01-01T00:00:00Z"),
        event(["app.new"], ["app.t"], at="2099-01-01T00:00:00Z"),
    )
    assert "app.new" in aiguard("upstream", "t")[1]
    assert "app.new" not in aiguard("upstream", "t", "--as-of", "2026-06-01")[1]
    model = ModelIdentity(name="m", version="1", fingerprint="f")
    summary = InferenceSummary(run_id="a-run", model=model, source="a", target="t")
    with open_store(url) as store:
        store.runs.start(RunIdentity(run_id="a-run"), model, "a", "t")
        store.runs.finish(RunState.SUCCESS, summary)
    text = aiguard("upstream", "t", "--as-of", "a-run")[1]
    assert "app.old" in text
    assert "app.new" not in text


def graph_of(*edges: tuple[str, str, str]) -> dict[str, Any]:
    """What Marquez answers."""
    nodes: dict[str, Any] = {}
    for source, job, target in edges:
        ends = [(f"dataset:{NAMESPACE}:{name}", "DATASET", name) for name in (source, target)]
        for node_id, kind, name in [*ends, (f"job:tests:{job}", "JOB", job)]:
            identity = {"namespace": "tests" if kind == "JOB" else NAMESPACE, "name": name}
            data = {"id": identity, **identity}
            nodes.setdefault(node_id, {"id": node_id, "type": kind, "data": data, "inEdges": [], "outEdges": []})
        here = nodes[f"job:tests:{job}"]
        here["inEdges"].append({"origin": ends[0][0], "destination": here["id"]})
        here["outEdges"].append({"origin": here["id"], "destination": ends[1][0]})
    return {"graph": [*nodes.values()]}


@pytest.mark.usefixtures("chain")
def test_marquez_adds_what_it_knows_and_disagreements_are_said(aiguard):
    answer = graph_of(
        ("app.clean", "dag.score", "app.scored"),
        ("app.raw", "dag.clean", "app.clean"),
        ("app.archive", "dag.restore", "app.raw"),
    )
    with Endpoint(lambda body, path: answer) as marquez:
        code, text = aiguard("upstream", "scored", "--marquez", marquez.url)
        for_json = json.loads(aiguard("upstream", "scored", "--marquez", marquez.url, "--json")[1])
        column = aiguard("upstream", "scored.late", "--marquez", marquez.url)[1]
        only = aiguard("upstream", "app.clean", "--namespace", "elsewhere", "--marquez", marquez.url)
    assert code == 0
    assert "│  │  ├─ app.archive  ← dag.restore, Marquez alone says so (no event says where it came from)" in text
    assert text.splitlines()[-5:] == [
        "Events alone: gbm/3 → app.scored by dag.score",
        "Events alone: app.scored → app.raw by dag.back",
        "Events alone: app.zones → app.clean by dag.clean",
        "Events alone: app.zones → app.scored by dag.score",
        "Marquez alone: app.archive → app.raw by dag.restore",
    ]
    assert [e["source"]["name"] for e in for_json["marquez_alone"]] == ["app.archive"]
    assert len(for_json["events_alone"]) == 4
    assert "Marquez alone: app.archive" in column
    assert only[0] == 3


def test_marquez_and_events_may_say_the_same(aiguard, tell):
    tell(event(["app.a"], ["app.t"], job="dag.t"))
    with Endpoint(lambda body, path: graph_of(("app.a", "dag.t", "app.t"))) as marquez:
        assert aiguard("upstream", "t", "--marquez", marquez.url)[1].endswith("Events and Marquez say the same.\n")


def test_marquez_may_know_a_table_that_no_event_names(aiguard):
    with Endpoint(lambda body, path: graph_of(("app.a", "dag.t", "app.t"))) as marquez:
        asked = ("upstream", "app.t", "--marquez", marquez.url)
        assert aiguard(*asked)[0] == 3
        assert "app.a" in aiguard(*asked, "--namespace", NAMESPACE)[1]


def test_the_configured_marquez_is_asked_with_its_credentials(aiguard, tell, monkeypatch):
    tell(event(["app.a"], ["app.t"], job="dag.t"))
    with Endpoint(lambda body, path: graph_of(("app.b", "dag.t", "app.t"))) as marquez:
        transport = {"type": TRANSPORT_CLASS, "url": marquez.url, "auth": {"type": "api_key", "apiKey": "hush"}}
        monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps(transport))
        assert "app.b" in aiguard("upstream", "t", "--marquez")[1]
    assert {headers.get("authorization") for headers in marquez.headers} == {"Bearer hush"}


@pytest.mark.usefixtures("chain")
def test_without_a_configured_marquez_one_has_to_be_named(aiguard):
    code, text = aiguard("upstream", "scored", "--marquez")
    assert code == 3
    assert "The transport has no 'url'. Set it, or give --marquez one" in text
