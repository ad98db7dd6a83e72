from __future__ import annotations

import json

import pandas as pd
import pytest
from airflow_home import ROWS, write_claims
from event_samples import event
from prov.model import ProvDocument

from airflow_provider_aiguard.cli.main import main
from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary, ModelIdentity, RunIdentity, RunState
from airflow_provider_aiguard.lineage.edges import edges_of
from airflow_provider_aiguard.store.store import open_store


@pytest.fixture
def url(tmp_path):
    """A store that knows one run, ``a-run``, and what lineage events said."""
    made = f"sqlite:///{tmp_path}/store.db"
    model = ModelIdentity(name="gbm", version="3", fingerprint="f")
    columns = {"late": ColumnSummary(provenance={"ai_inferred": 3}, confidence=ConfidenceSummary())}
    identity = RunIdentity(run_id="a-run", dag_id="dag", task_id="score", openlineage_run_id="ol-2")
    with open_store(made) as store:
        store.runs.start(identity, model, "flights", "claims")
        store.runs.finish(
            RunState.SUCCESS,
            InferenceSummary(run_id="a-run", model=model, source="flights", target="claims", columns=columns),
        )
        for run, at in (("ol-1", "2026-01-01T00:00:00Z"), ("ol-3", "2099-01-01T00:00:00Z")):
            flow = edges_of(event(["main.flights"], ["main.claims"], run=run, at=at, job="dag.score"))
            assert flow
            store.graph.record(flow)
    return made


@pytest.fixture
def export(url, capsys):
    def run(*arguments):
        code = main(["lineage", "export", *map(str, arguments), "--store", url])
        said = capsys.readouterr()
        return code, said.out or said.err

    return run


def test_a_run_with_what_events_said_about_its_job_then(export):
    code, text = export("a-run")
    assert code == 0
    ProvDocument.deserialize(content=text, format="json")
    said = json.loads(text)
    assert list(said["activity"]) == ["run:a-run"]
    assert any(name.endswith("/main.flights") for name in said["entity"])
    assert any(name.endswith("/main.claims/late") for name in said["entity"])


def test_a_run_that_only_events_know(export):
    code, text = export("ol-3", "--json")
    assert code == 0
    assert list(json.loads(text)["activity"]) == ["run:ol-3"]


def test_as_json_the_answer_is_the_document_alone(export):
    code, text = export("a-run", "--json")
    assert (code, text) == export("a-run")
    ProvDocument.deserialize(content=text, format="json")
    assert "text" not in json.loads(text)


def test_a_file_to_write(export, tmp_path):
    out = tmp_path / "new" / "run.json"
    assert export("a-run", "--format", "prov-json", "--out", out) == (0, f"{out}\n")
    assert "activity" in json.loads(out.read_text())


def test_a_row_of_a_table(export, rows):
    write_claims(rows, "claims", [0.9, 0.8])
    code, text = export("--row", "rows:claims", "--key", "id=1")
    assert code == 0
    ProvDocument.deserialize(content=text, format="json")
    said = json.loads(text)
    (cell,) = [name for name in said["entity"] if name.startswith("cell:")]
    assert str(ROWS).replace("/", "%2F") in cell
    assert said["entity"][cell]["aiguard:confidence"] == 0.8
    assert {relation["prov:activity"] for relation in said["wasGeneratedBy"].values()} == {"run:a-run"}
    assert [relation["prov:agent"] for relation in said["wasAttributedTo"].values() if relation["prov:entity"] == cell]


def test_a_row_of_a_file_whose_run_the_store_does_not_know(export, tmp_path):
    file = tmp_path / "claims.csv"
    columns = {
        "late": [True],
        "late__provenance": ["ai_inferred"],
        "late__confidence": [0.5],
        "late__run": ["elsewhere"],
    }
    pd.DataFrame({"mail": ["me@example.com"], **columns}).to_csv(file, index=False)
    code, text = export("--row", file, "--key", "mail=me@example.com")
    assert code == 0
    assert "example.com" not in text
    assert list(json.loads(text)["activity"]) == ["run:elsewhere"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "takes a run, or --row"),
        (["a-run", "--row", "rows:claims"], "takes a run, or --row"),
        (["nothing"], "knows no run 'nothing'"),
        (["--row", "rows:claims"], "--key must be COLUMN=VALUE"),
        (["--row", "rows:claims", "--key", "id"], "got ['id']"),
        (["--row", "claims", "--key", "id=1"], "'claims' names no rows"),
    ],
)
def test_what_cannot_be_exported_is_said(export, arguments, said):
    code, text = export(*arguments)
    assert code == 3
    assert said in text
