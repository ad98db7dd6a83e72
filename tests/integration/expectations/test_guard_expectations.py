"""Our guards as expectations: in our own operator, and in any Great Expectations project."""

from __future__ import annotations

import great_expectations as gx
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.expectations import (
    ExpectColumnAccuracyAgainstTruth,
    ExpectColumnConfidenceToBeSure,
    ExpectTableToMatchBaseline,
    ExpectTableToMatchSchema,
)
from airflow_provider_aiguard.tables.profile import profile_table

ROWS = 2000


def frame():
    """Claims of two months: in the second the distances moved, confidence sank and half the claims are wrong."""
    rng = np.random.default_rng(7)
    month = np.repeat([1, 2], ROWS)
    n = len(month)
    return pd.DataFrame(
        {
            "id": range(n),
            "month": month,
            "distance": rng.normal(0, 1, n) + (month == 2),
            "late": [True] * n,
            "late__provenance": "ai_inferred",
            "late__confidence": np.where(month == 2, 0.6, 0.9),
            "late__run": "a-run",
        }
    )


def write(engine, name, data):
    kinds = {"b": sa.Boolean(), "i": sa.Integer(), "f": sa.Double(), "O": sa.Text()}
    table = sa.Table(name, sa.MetaData(), *(sa.Column(c, kinds.get(data[c].dtype.kind, sa.Text())) for c in data))
    with engine.begin() as connection:
        table.create(connection)
        records = data.to_dict("records")
        for start in range(0, len(records), 500):
            connection.execute(sa.insert(table).values(records[start : start + 500]))


@pytest.fixture
def make_claims(store):
    def make(engine):
        data = frame()
        write(engine, "claims", data)
        write(engine, "truth", pd.DataFrame({"id": data["id"], "late": (data["month"] == 1) | (data["id"] % 2 == 0)}))
        with engine.connect() as connection:
            january = profile_table(connection, Table("claims", where="month = 1"), ["distance"])
        store.profiles.save("january", january.to_dict(), table="claims", identity=RunIdentity(run_id="r"))
        return data

    return make


@pytest.fixture
def claims(engine, make_claims):
    return make_claims(engine)


def month(number):
    return Table("claims", "wh", key="id", where="month = :month", parameters={"month": number})


def expectations(store_url="aiguard_default"):
    return [
        ExpectTableToMatchBaseline(baseline="january", columns=["distance"], store=store_url),
        ExpectColumnConfidenceToBeSure(column="late", min_mean=0.8),
        ExpectColumnAccuracyAgainstTruth(column="late", truth="truth", key="id", min_accuracy=0.9),
    ]


@pytest.mark.parametrize(("number", "outcome"), [(1, Outcome.PASS), (2, Outcome.BREACH)])
def test_in_our_operator_they_ask_on_its_connection_and_store(ask, claims, number, outcome):
    data = gx.ExpectationSuite(name="s", expectations=expectations()).to_json_dict()
    verdict = ask(month(number), data)
    assert {(c.check, c.column, c.outcome) for c in verdict.checks} == {
        ("expectations.expect_table_to_match_baseline", None, outcome),
        ("expectations.expect_column_confidence_to_be_sure", "late", outcome),
        ("expectations.expect_column_accuracy_against_truth", "late", outcome),
    }
    if outcome is Outcome.BREACH:
        messages = " ".join(c.message for c in verdict.checks)
        for part in ("drift of 'claims': breach", "mean confidence 0.6 ", "accuracy 0.5"):
            assert part in messages


def test_drift_is_looked_for_by_the_methods_that_were_chosen(ask, claims):
    chosen = ExpectTableToMatchBaseline(baseline="january", columns=["distance"], methods={"*": ["nulls"]})
    blunt = ExpectTableToMatchBaseline(baseline="january", columns=["distance"], design_effect=10_000.0)
    for made, outcome in ((chosen, Outcome.PASS), (blunt, Outcome.UNDECIDED)):
        assert ask(month(2), gx.ExpectationSuite(name="s", expectations=[made]).to_json_dict()).outcome is outcome


def test_a_schema_keeps_its_types_too(ask, claims, store):
    for name, kind in (("right", "number"), ("wrong", "boolean")):
        schema = {"version": 1, "columns": {"distance": {"type": kind}}}
        store.measurements.save(f"schema/{name}", schema, identity=RunIdentity(run_id=name))
    for name, outcome in (("right", Outcome.PASS), ("wrong", Outcome.BREACH), ("never", Outcome.UNDECIDED)):
        made = gx.ExpectationSuite(name="s", expectations=[ExpectTableToMatchSchema(feature_schema=name)])
        assert ask(month(1), made.to_json_dict()).outcome is outcome


def test_what_a_guard_cannot_decide_stays_undecided(ask, claims):
    verdict = ask(
        month(1),
        gx.ExpectationSuite(
            name="s",
            expectations=[
                ExpectTableToMatchBaseline(baseline="never"),
                ExpectColumnAccuracyAgainstTruth(column="late", truth="nowhere", key="id", min_accuracy=0.9),
                ExpectColumnConfidenceToBeSure(column="early", min_mean=0.8),
            ],
        ).to_json_dict(),
    )
    assert {c.outcome for c in verdict.checks} == {Outcome.UNDECIDED}
    messages = " ".join(check.message for check in verdict.checks)
    assert [name for name in ("'never'", "'nowhere'", "'early'") if name not in messages] == []


def batches(engine):
    """A project of Great Expectations' own on the database: a table's months, and a query."""
    url = engine.url.render_as_string(hide_password=False)
    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_sql(name="s", connection_string=url)
    table = source.add_table_asset("claims")
    query = source.add_query_asset("q", query="SELECT * FROM claims WHERE month = 2")
    whole = table.add_batch_definition_whole_table("whole")
    return whole.get_batch(), query.add_batch_definition_whole_table("all").get_batch()


def outcomes(batch, store_url):
    suite = gx.ExpectationSuite(name="s", expectations=expectations(store_url))
    found = batch.validate(suite)
    return {r.expectation_config.type: r.result["details"]["aiguard"]["outcome"] for r in found.results}


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "duckdb"])
def test_in_a_project_of_ones_own_they_judge_the_batch(request, kind, store_url, make_claims):
    engine = request.getfixturevalue(f"{kind}_engine")
    make_claims(engine)
    engine.dispose()
    whole, query = batches(engine)
    assert set(outcomes(query, store_url).values()) == {"breach"}
    assert outcomes(whole, store_url)["expect_column_confidence_to_be_sure"] == "breach"
    catalogue = {"sqlite": "name FROM sqlite_temp_master", "postgres": "viewname FROM pg_views"}
    with whole.data.execution_engine.get_connection() as connection:
        views = connection.exec_driver_sql(f"SELECT {catalogue.get(kind, 'view_name FROM duckdb_views()')}").scalars()
        assert [view for view in views if view.startswith("aiguard_batch")] == []


def test_a_data_frame_is_judged_in_memory(make_claims, sqlite_engine, store_url):
    data = make_claims(sqlite_engine)
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("p").add_dataframe_asset("claims")
    definition = asset.add_batch_definition_whole_dataframe("whole")
    for number, outcome in ((1, "pass"), (2, "breach")):
        batch = definition.get_batch({"dataframe": data[data["month"] == number]})
        found = outcomes(batch, store_url)
        assert found["expect_table_to_match_baseline"] == outcome
        assert found["expect_column_confidence_to_be_sure"] == outcome
        assert found["expect_column_accuracy_against_truth"] == "undecided"  # no such table beside a data frame


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExpectTableToMatchBaseline(baseline="b", alpha=5), "alpha must lie between 0 and 1; got 5"),
        (lambda: ExpectColumnConfidenceToBeSure(column="c"), "A confidence check needs a limit"),
        (lambda: ExpectColumnConfidenceToBeSure(column="c", min_mean=80), "min_mean must be a number in"),
        (
            lambda: ExpectColumnAccuracyAgainstTruth(column="c", truth="t", key="id", min_accuracy=80),
            "min_accuracy must lie above 0",
        ),
        (lambda: ExpectTableToMatchSchema(feature_schema="s", alpha=5), "alpha"),
        (lambda: ExpectTableToMatchBaseline(baseline="b", methods={"x": ["guess"]}), "methods has no 'guess'"),
        (lambda: ExpectTableToMatchBaseline(baseline="b", limit=1), "extra fields not permitted"),
    ],
)
def test_bad_arguments_are_refused_when_it_is_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_data_docs_show_what_is_expected_and_what_was_seen(make_claims, sqlite_engine, store_url, tmp_path):
    make_claims(sqlite_engine)
    context = gx.get_context(mode="file", project_root_dir=tmp_path / "project")
    source = context.data_sources.add_sql(name="s", connection_string=str(sqlite_engine.url))
    definition = source.add_table_asset("claims").add_batch_definition_whole_table("whole")
    suite = context.suites.add(gx.ExpectationSuite(name="guards", expectations=expectations(store_url)))
    validation = context.validation_definitions.add(
        gx.ValidationDefinition(name="guards", data=definition, suite=suite)
    )
    gx.Checkpoint(
        name="docs",
        validation_definitions=[validation],
        actions=[gx.checkpoint.UpdateDataDocsAction(name="docs")],
    ).run()
    site = tmp_path / "project" / "gx" / "uncommitted" / "data_docs" / "local_site"
    (expected,) = (site / "expectations").rglob("*.html")
    (seen,) = [p for p in (site / "validations").rglob("*.html") if p.name != "index.html"]
    sentences = [
        "columns distance must not have drifted from baseline january (alpha 0.05).",
        "the model must have been sure of late: mean confidence at least 0.8.",
        "at least 90.00% of the inferred values of late must be right by the truth in truth.",
    ]
    for page in (expected, seen):
        text = page.read_text("utf-8")
        assert [sentence for sentence in sentences if sentence not in text] == []
    text = seen.read_text("utf-8")
    for part in ("breached: late: mean confidence 0.75", "breached: late: accuracy 0.75"):
        assert part in text


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (expectations()[0], "columns distance must not have drifted from baseline january (alpha 0.05)."),
        (ExpectTableToMatchBaseline(baseline="$5"), "the table must not have drifted from baseline $5 (alpha 0.05)."),
        (
            ExpectColumnConfidenceToBeSure(column="late", max_share_below=[0.6, 0.1]),
            "the model must have been sure of late: at most 10.00% of the confidences below 0.6.",
        ),
        (ExpectTableToMatchSchema(feature_schema="s.yaml"), "the table must be what feature schema s.yaml says."),
    ],
)
def test_each_says_in_a_sentence_what_it_expects(made, sentence):
    made.render()
    (content,) = made.rendered_content
    assert content.value.template.replace("$$", "$") == sentence
    (shown,) = made._prescriptive_renderer(configuration=made.configuration)
    assert shown.string_template["template"].replace("$$", "$") == sentence


def test_a_name_that_is_not_there():
    import airflow_provider_aiguard.expectations as room

    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = room.nonsense
    assert [name for name in room.__all__ if not callable(getattr(room, name))] == []


def test_it_needs_a_batch():
    with pytest.raises(ConfigurationError, match="needs an execution engine with a batch"):
        expectations()[1]._validate({})
