"""Tasks that are not ours say what a model did, by one argument, and keep what they say by themselves."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import sqlalchemy as sa
from airflow_home import HOME, ROWS, write_claims
from emitted import emitted_by, printed_while
from openlineage_schema import validate_event
from tcp_bridge import tcp_bridge

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.operators.provenance import AIStep

MODEL = ("aimodel://aiguard", "rule/7")
QUIET = {
    "scope": {"dag_id": "foreign", "task_id": "quiet.*"},
    "match_mode": "regex",
    "controls": {"include_source_code": False, "hook_lineage": False},
}
LABELS = (f"sqlite://{ROWS}", "main.labels")


@pytest.fixture(scope="module")
def sent(rows, store, postgres_url, tmp_path_factory):
    pd.DataFrame({"id": range(30), "age": range(30)}).to_sql("people", rows, index=False)
    write_claims(rows, "claims", [0.75] * 8 + [None] * 2)
    url = sa.make_url(postgres_url)
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        for statement in (
            "DROP TABLE IF EXISTS public.labels, public.copied",
            "CREATE TABLE public.labels (id int, label text)",
            "INSERT INTO public.labels VALUES (1, 'a'), (2, NULL)",
        ):
            connection.execute(sa.text(statement))
    with tcp_bridge(f"{url.query['host']}/.s.PGSQL.{url.port or 5432}") as port:
        connection = {
            "conn_type": "postgres",
            "host": "localhost",
            "port": port,
            "login": url.username,
            "password": url.password,
            "schema": url.database,
        }
        yield emitted_by(
            "foreign",
            tmp_path_factory.mktemp("foreign"),
            AIRFLOW_CONN_POSTGRES=json.dumps(connection),
            AIRFLOW__OPENLINEAGE__EMISSION_POLICY=json.dumps([QUIET]),
        )
    with engine.begin() as open_one:
        open_one.execute(sa.text("DROP TABLE IF EXISTS public.labels, public.copied"))
    engine.dispose()


def end(sent, task):
    (event,) = sent.of(f"foreign.{task}", "COMPLETE")
    return event


def names(datasets):
    return {(d["namespace"], d["name"]) for d in datasets}


def facets(event, dataset):
    (found,) = [d for d in event["inputs"] + event["outputs"] if (d["namespace"], d["name"]) == dataset]
    return found["facets"]


def test_no_task_failed_and_every_event_is_valid(sent):
    assert set(sent.answer["states"].values()) == {"success"}
    for event in sent.events:
        validate_event(event)


def test_a_plain_task_says_which_model_wrote_what(sent, store):
    event = end(sent, "plain")
    assert names(event["inputs"]) == {MODEL, (f"sqlite://{ROWS}", "main.people")}
    assert names(event["outputs"]) == {LABELS}
    said = facets(event, LABELS)
    (column,) = said["aiguard_provenance"]["columns"]
    assert (column["name"], column["origin"], column["provenance"]) == ("label", "ai_inferred", {"ai_inferred": 20})
    assert column["confidenceMissing"] == 20
    edges = said["columnLineage"]["fields"]["label"]["inputFields"]
    assert [(edge["name"], edge["field"]) for edge in edges] == [("main.people", "age")]
    assert said["documentation"]["description"].startswith("AI-inferred by rule@7: label")
    run = event["run"]["facets"]["aiguard_run"]
    assert (run["rows"], run["targetName"]) == (30, "main.labels")
    (record,) = store.runs.list(dag_run_id=sent.answer["run_id"], task_id="plain")
    assert (str(record.state), record.summary.target, run["runId"]) == ("success", "labels", record.identity.run_id)
    assert record.identity.openlineage_run_id == event["run"]["runId"]


def test_companion_columns_are_read_where_there_are_some(sent):
    (column,) = facets(end(sent, "labelled"), (f"sqlite://{ROWS}", "main.claims"))["aiguard_provenance"]["columns"]
    assert (column["provenance"], column["confidenceMean"], column["confidenceMissing"]) == (
        {"ai_inferred": 10},
        0.75,
        2,
    )


def test_mapped_tasks_say_it_each(sent, store):
    for event in sent.of("foreign.mapped", "COMPLETE"):
        assert names(event["outputs"]) == {LABELS}
    assert len(store.runs.list(dag_run_id=sent.answer["run_id"], task_id="mapped")) == 2


def test_inlets_and_outlets_stay(sent):
    event = end(sent, "with_assets")
    assert ("file", "/data/in.csv") in names(event["inputs"])
    assert names(event["outputs"]) == {LABELS, ("file", "/data/out.parquet")}


def test_a_file_is_the_asset_of_the_task(sent):
    event = end(sent, "to_file")
    file = ("file", f"{HOME}/labels.parquet")
    assert names(event["outputs"]) == {file}
    (column,) = facets(event, file)["aiguard_provenance"]["columns"]
    assert column["provenance"] == {"ai_inferred": 1}
    assert event["run"]["facets"]["aiguard_run"]["rows"] == 2


def test_what_an_extractor_says_stays(sent):
    event = end(sent, "classic")
    assert "write" in event["job"]["facets"]["sourceCode"]["sourceCode"]
    assert names(event["outputs"]) == {LABELS}


def test_what_airflow_is_told_not_to_send_is_not_sent_by_us(sent):
    export = ("file", "/data/export.csv")
    assert names(end(sent, "loud")["outputs"]) == {LABELS, export}
    assert names(end(sent, "quiet")["outputs"]) == {LABELS}
    quiet = end(sent, "quiet_code")
    assert "sourceCode" not in quiet["job"]["facets"]
    assert names(quiet["outputs"]) == {LABELS}


def test_a_sql_operator_and_we_name_the_same_tables(sent):
    event = end(sent, "sql")
    (copied,) = event["outputs"]
    assert copied["name"].endswith(".public.copied")
    assert {"schema", "columnLineage", "aiguard_provenance"} <= set(copied["facets"])
    assert "CREATE TABLE" in event["job"]["facets"]["sql"]["query"]
    assert {name.rpartition(".")[2] for _, name in names(event["inputs"]) - {MODEL}} == {"labels"}


@pytest.mark.parametrize("task", ["asks", "asked"])
def test_operators_of_the_ai_provider_say_which_model_answered(sent, task):
    event = end(sent, task)
    assert names(event["inputs"]) == {("aimodel://aiguard", "test/unknown")}
    run = event["run"]["facets"]["aiguard_run"]
    assert (run["model"], run["rows"]) == ("test", 0)
    assert "targetName" not in run


def test_a_training_leads_from_its_rows_to_its_model(sent):
    event = end(sent, "trains")
    tables = {(f"sqlite://{ROWS}", "main.people"), (f"sqlite://{ROWS}", "main.claims")}
    assert names(event["inputs"]) == {*tables, ("file", f"{HOME}/labels.parquet")}
    assert names(event["outputs"]) == {MODEL}
    assert facets(event, MODEL)["version"]["datasetVersion"] == "ab" * 32
    assert event["job"]["facets"]["documentation"]["description"] == "Trains rule@7"


@pytest.mark.parametrize("task", ["wrong", "nameless", "trains_on_nothing"])
def test_what_cannot_be_told_is_a_warning(sent, task):
    event = end(sent, task)
    assert "aiguard_run" not in event["run"]["facets"]
    assert "could not be told; the task is not affected" in printed_while(sent.printed, task)


def test_no_value_is_in_any_event(sent):
    ours = [event for event in sent.events if not event["job"]["name"].startswith("foreign.classic")]
    assert "SECRET" not in json.dumps(ours)


@pytest.mark.parametrize("arguments", [{"into": Table("t", "rows")}, {"outputs": ["label"]}])
def test_a_table_and_its_columns_belong_together(arguments):
    with pytest.raises(ConfigurationError, match="Give both, the table and the columns"):
        AIStep(**arguments)
