"""What leaves in anybody's event: safe text and numbers, no secret, no row."""

from __future__ import annotations

import json
import math
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.lineage.outgoing import MAX_EVENT, MAX_TEXT, safe_document, to_outbox
from airflow_provider_aiguard.lineage.sanitise import CUT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLANTED = "hunter2-planted"

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.decimals()
    | st.dates() | st.uuids() | st.binary()
)  # fmt: skip
trees = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


@given(st.dictionaries(st.text(), trees))
def test_whatever_comes_is_json_that_postgres_takes(tree):
    text = json.dumps(safe_document({"run": {"facets": {"x": tree}}}), allow_nan=False, ensure_ascii=False)
    assert "\x00" not in text
    assert "\\u0000" not in text
    text.encode("utf-8")


def test_each_kind_of_value():
    class Color(Enum):
        RED = "red"

    made = uuid.uuid4()
    facet = {
        "nan": math.nan, "inf": -math.inf, "big": 10**30, "decimal": Decimal("1.5"), "day": date(2026, 1, 2),
        "id": made, "enum": Color.RED, "bytes": b"row", "none": None, "set": {1}, "text": "a\x00\ud800b",
        "list": [None, math.nan, 1], "yes": True,
    }  # fmt: skip
    assert safe_document(facet) == {
        "big": 10**30, "decimal": 1.5, "day": "2026-01-02", "id": str(made), "enum": "red",
        "bytes": "<<non-serializable: bytes>>", "set": [1], "text": "a\ufffd\ufffdb", "list": [1], "yes": True,
    }  # fmt: skip


def test_a_huge_text_is_cut_with_a_mark_and_a_bottomless_one_ends():
    deep = {}
    for _ in range(200):
        deep = {"d": deep}
    safe = safe_document({"text": "x" * (MAX_TEXT + 1), "deep": deep})
    assert len(safe["text"]) == MAX_TEXT
    assert safe["text"].endswith(CUT)
    assert "***" in json.dumps(safe["deep"])


def test_of_an_event_that_is_too_long_the_largest_facets_are_left_out_and_named():
    columns = {f"column_{n}": "x" * 1000 for n in range(1500)}
    document = {
        "run": {"runId": "r", "facets": {"tags": {"tags": []}, "small": {"a": 1}}},
        "job": {"namespace": "n", "name": "j"},
        "outputs": [{"namespace": "n", "name": "t", "facets": {"schema": {"a": 1}, "columnLineage": columns}}],
    }
    safe = safe_document(document)
    assert len(json.dumps(safe)) < MAX_EVENT
    assert list(safe["outputs"][0]["facets"]) == ["schema"]
    (tag,) = safe["run"]["facets"]["tags"]["tags"]
    assert (tag["key"], tag["source"]) == ("aiguard_cut", "AIGUARD")
    assert tag["value"].startswith("outputs.t.columnLineage (1,5")
    # An event that has nowhere to say so is cut as well.
    assert len(json.dumps(safe_document({"dataset": document["outputs"][0]}))) < MAX_EVENT


SQL_ERROR = f"""(psycopg.errors.NotNullViolation) null value in column "late" violates not-null constraint
DETAIL:  Failing row contains (17, {PLANTED}, null).
[SQL: INSERT INTO people (id, name) VALUES (%(id)s, %(name)s)]
[parameters: {{'id': 17, 'name': '{PLANTED}', 'list': [1, 2]}}]
(Background on this error at: https://sqlalche.me/e/20/gkpj)"""


@pytest.mark.parametrize(
    "text",
    [
        SQL_ERROR,
        f"ERROR: duplicate key value\nDETAIL: Key (email)=({PLANTED}) already exists.\nmore",
        f"new row: Failing row contains (1, {PLANTED}).",
        f"x [parameters: ('{PLANTED}', ']', 3)]",
        f"COPY failed\nCONTEXT:  COPY people, line 3, column name: \"{PLANTED}\"",
    ],
)  # fmt: skip
def test_rows_that_databases_add_to_their_errors_do_not_leave(text):
    facets = {
        "errorMessage": {"message": text, "stackTrace": f"Traceback\n{text}"},
        "extractionError": {"errors": [{"errorMessage": text}]},
    }
    safe = json.dumps(safe_document({"run": {"runId": "r", "facets": facets}}))
    assert PLANTED not in safe
    assert "***" in safe


def test_what_an_error_says_besides_stays():
    safe = safe_document({"run": {"runId": "r", "facets": {"errorMessage": {"message": SQL_ERROR}}}})
    message = safe["run"]["facets"]["errorMessage"]["message"]
    assert 'null value in column "late" violates' in message
    assert "[SQL: INSERT INTO people" in message
    assert message.endswith("(Background on this error at: https://sqlalche.me/e/20/gkpj)")


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://me:{PLANTED}@db:5432/x",
        f"see http://u:{PLANTED}@proxy/path and postgres+psycopg://:{PLANTED}@h",
        f"Bearer {PLANTED}",
    ],
)
def test_a_planted_secret_leaves_in_no_field(text):
    event = {
        "eventType": "FAIL",
        "producer": text,
        "run": {"runId": "r", "facets": {"a": {"b": [text, {text: text}]}, "errorMessage": {"message": text}}},
        "job": {"namespace": text, "name": text, "facets": {"sql": {"query": text}}},
        "inputs": [{"namespace": text, "name": text, "facets": {}, "inputFacets": {"c": {"d": text}}}],
        "outputs": [{"namespace": text, "name": text, "outputFacets": {"c": {"d": text}}}],
    }
    known = [PLANTED] if text.startswith("Bearer") else []
    document = safe_document(event, secrets=known)
    kept = to_outbox(document, now=NOW)
    assert PLANTED not in repr(kept)
    assert PLANTED not in json.dumps(document)


def test_a_url_without_credentials_is_left_alone():
    texts = ["postgres://db:5432", "duckdb:///a/b.db", "see http://x/y: me@example.com", "s3://b@c"]
    assert safe_document({"x": texts}) == {"x": texts}


def made(**more):
    return to_outbox(safe_document(more), now=NOW)


def test_an_event_is_named_by_what_it_is():
    job = {"namespace": "n", "name": "d.t", "facets": {"jobType": {"jobType": "TASK"}}}
    parent = {"parent": {"run": {"runId": "p"}}}
    run = {"runId": "r", "facets": parent}
    kept = made(eventType="complete", eventTime="2026-01-02T03:04:05+02:00", run=run, job=job)
    assert (kept.run_id, kept.event_type, kept.job, kept.payer) == ("r", "COMPLETE", "n/d.t", "r")
    assert kept.happened_at == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    query = made(eventType="START", run=run, job={**job, "facets": {"jobType": {"jobType": "QUERY"}}})
    assert query.payer == "p"
    assert query.happened_at == NOW
    dataset = made(eventTime="2026-01-02T03:04:05", dataset={"namespace": "n", "name": "t"})
    assert (dataset.run_id, dataset.event_type, dataset.job) == (None, "DATASET", "n/t")
    assert dataset.happened_at.tzinfo is UTC
    assert dataset.payer == dataset.event_id
    assert made(job=job).event_type == "JOB"
    assert made(run={"runId": "r"}).event_type == "OTHER"
