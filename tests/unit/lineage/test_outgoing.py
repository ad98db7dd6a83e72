"""What leaves in anybody's event: safe text and numbers, no secret, no row."""

from __future__ import annotations

import json
import math
import re
import types
import typing
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum

import attr
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openlineage_schema import PLACES, UNLIKE_THEIR_CLASS, classes, validate_facet
from planted_texts import ERRORS, PLANTED, SECRETS, SQL_ERROR

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.lineage.credentials import HIDDEN
from airflow_provider_aiguard.lineage.events import Lineage
from airflow_provider_aiguard.lineage.failure import retell
from airflow_provider_aiguard.lineage.outgoing import MAX_EVENT, MAX_TEXT, safe_document, to_outbox
from airflow_provider_aiguard.lineage.rows import TRACE
from airflow_provider_aiguard.lineage.sanitise import CUT

NOW = datetime(2026, 1, 1, tzinfo=UTC)

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
    # Where its run has no tags yet, it gets some.
    del document["run"]["facets"]
    tags = safe_document(document)["run"]["facets"]["tags"]
    validate_facet("run", "tags", tags)
    assert tags["tags"][0]["key"] == "aiguard_cut"
    # An event that has nowhere to say so is cut as well.
    assert len(json.dumps(safe_document({"dataset": document["outputs"][0]}))) < MAX_EVENT


@pytest.mark.parametrize("text", ERRORS)
def test_rows_that_databases_add_to_their_errors_do_not_leave(text):
    trace = (
        f'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    code()\na.Error: {text}\n\n'
        "The above exception was the direct cause of the following exception:\n\n"
        f'Traceback (most recent call last):\n  File "b.py", line 2, in g\n    more()\nb.Error: {text}\n'
    )
    facets = {
        "errorMessage": {"message": text, "stackTrace": trace},
        "extractionError": {"errors": [{"errorMessage": text, "stackTrace": trace, "task": f"SELECT '{text}'"}]},
    }
    safe = safe_document({"run": {"runId": "r", "facets": facets}})
    assert PLANTED not in json.dumps(safe)
    told = safe["run"]["facets"]["errorMessage"]
    assert HIDDEN in told["message"]
    for kept in ("a.py", "code()", "a.Error: ", "b.py", "more()", "b.Error: ", "The above exception"):
        assert kept in told["stackTrace"]


def test_what_we_said_ourselves_of_an_error_stays_as_it_is():
    error = ConfigurationError("Column 'late' is 'hunter2-planted'; \"a\".")
    retell(error, Lineage(names=frozenset({"late"})))
    facets = {"errorMessage": {"message": str(error), "programmingLanguage": "python"}}
    assert safe_document({"run": {"facets": facets}}) == {"run": {"facets": facets}}
    assert str(error).startswith("Column 'late' is")


def test_what_an_error_says_besides_stays():
    safe = safe_document({"run": {"runId": "r", "facets": {"errorMessage": {"message": SQL_ERROR}}}})
    message = safe["run"]["facets"]["errorMessage"]["message"]
    assert 'null value in column "late" violates' in message
    assert "[SQL: INSERT INTO people" in message
    assert message.endswith("(Background on this error at: https://sqlalche.me/e/20/gkpj)")


def _example(hint, text, depth=0):
    """Something of a type, with a text at every place that takes one."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _example(next(one for one in inner if one is not types.NoneType), text, depth)
    if origin in (list, dict):
        deeper = _example(inner[-1], text, depth + 1) if depth < 4 else text
        return [deeper] if origin is list else {text: deeper}
    if isinstance(hint, type) and attr.has(hint):
        hints = typing.get_type_hints(hint)
        return {field.name: _example(hints.get(field.name, str), text, depth) for field in attr.fields(hint)}
    return 1 if hint in (int, float, bool) else text


def _facets(kind, text):
    """Every facet of a kind that OpenLineage, Airflow and we know, as what it is and below its key."""
    known = [cls for cls in classes().values() if issubclass(cls, PLACES[kind]) and cls not in PLACES.values()]
    unlike = {cls: key for key, cls in UNLIKE_THEIR_CLASS.items()}
    found = {}
    for cls in known:
        name = cls.__name__
        short = re.sub("(Run|Job|Dataset|InputDataset|OutputDataset)Facet$", "", name)
        found[unlike.get(name, short[0].lower() + short[1:])] = _example(cls, text)
    keys = ("password", "client_secret", "apiKey", "access_token", "Authorization", "db_pwd")
    more = {key: [PLANTED, {"deep": PLANTED}] if key == "apiKey" else PLANTED for key in keys}
    return {**found, "anybodys": {"a": [text, {text: text, **more}], **more}}


def _maximal(text):
    job = {"namespace": text, "name": text, "facets": _facets("job", text)}
    datasets = [{"namespace": text, "name": text, "facets": _facets("facets", text)}]
    head = {"eventTime": text, "producer": text, "schemaURL": text}
    run = {"runId": text, "facets": _facets("run", text)}
    read = [{**datasets[0], "inputFacets": _facets("inputFacets", text)}]
    written = [{**datasets[0], "outputFacets": _facets("outputFacets", text)}]
    return [
        {**head, "eventType": "FAIL", "run": run, "job": job, "inputs": read, "outputs": written},
        {**head, "dataset": datasets[0]},
        {**head, "job": job, "inputs": read, "outputs": written},
    ]


def test_every_facet_is_in_an_event_that_has_all():
    run, _, _ = _maximal("x")
    assert {"errorMessage", "extractionError", "parent", "test", "aiguardRun"} <= set(run["run"]["facets"])
    assert {"sql", "sourceCode", "documentation", "ownership"} <= set(run["job"]["facets"])
    assert {"schema", "columnLineage"} <= set(run["outputs"][0]["facets"])


@pytest.mark.parametrize("text", SECRETS)
def test_a_planted_secret_leaves_in_no_field(text):
    for event in _maximal(text):
        document = safe_document(event)
        assert PLANTED in json.dumps(event)
        assert PLANTED not in json.dumps(document)
        assert PLANTED not in repr(to_outbox(document, now=NOW))


def test_what_is_known_to_be_secret_leaves_in_no_field():
    for event in _maximal(f"it is {PLANTED}."):
        assert PLANTED not in json.dumps(safe_document(event, secrets=[PLANTED]))


def test_counts_of_tokens_and_columns_with_the_name_of_a_secret_stay():
    facets = {
        "aiguard_cost": {"inputTokens": 17, "outputTokens": 4, "models": [{"token": 3}], "text": "input_tokens: 17"},
        "columnLineage": {"fields": {"password": {"inputFields": [{"name": "n", "field": "token"}]}}},
        "columnMetrics": {"columnMetrics": {"secret": {"nullCount": 3}}},
        "schema": {"fields": [{"name": "api_key", "type": "TEXT", "description": "The password of a user"}]},
        "mask": {"password": None, "secret": False},
    }  # fmt: skip
    expected = {**facets, "mask": {"secret": False}}
    assert safe_document({"x": facets}) == {"x": expected}


PIECES = [
    "a", "://", "http://a:", "http://a@", "'", '"', "-", "/*", "$a$ $b$", "password", "password='", 'token=\\"', "\\'",
    "| ", "".join(SECRETS), "\n".join(ERRORS), f"{TRACE}\n  x\ny\n",
]  # fmt: skip


@pytest.mark.parametrize("text", PIECES)
def test_a_long_text_costs_no_more_than_its_length(text):
    """With a pattern that takes time with the square of the length this would not come to an end."""
    long = text * (1_000_000 // len(text))
    facets = {"errorMessage": {"message": long, "stackTrace": long}}
    document = safe_document({"run": {"facets": facets}, "job": {"facets": {"sql": {"query": long}}}})
    assert len(json.dumps(document)) < 4 * MAX_TEXT


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


def test_a_password_that_is_a_word_changes_no_name():
    event = {
        "run": {"facets": {"airflowDagRun": {"text": "airflow said so, airflow_x did"}}},
        "producer": "apache/airflow",
    }
    safe = safe_document(event, secrets=["airflow"])
    assert safe["run"]["facets"]["airflowDagRun"]["text"] == "*** said so, airflow_x did"
    assert safe["producer"] == "apache/***"
    assert safe_document({"text": "xhunter2y"}, secrets=["hunter2"]) == {"text": "x***y"}
