"""Offline: pydantic-ai's own TestModel and FunctionModel."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import threading
from typing import Literal

import pandas as pd
import pytest
from pydantic import BaseModel
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RequestUsage

from airflow_provider_aiguard import LanguageModel, Pacing
from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.inference.validate import validate_claims
from airflow_provider_aiguard.models.base import Model

LABELS = ["late", "lost"]
CHUNK = pd.DataFrame({"text": ["my bag is late", "gone for ever", "late again"], "secret": ["s1", "s2", "s3"]})


class Complaint(BaseModel):
    kind: Literal["late", "lost"]
    refund: float | None = None


def row_of(messages):
    return json.loads(messages[0].parts[0].content.split("\n")[1])


def answering(answer):
    """A model that fills in what ``answer`` says about a row, given the row and how often it was asked about it."""
    asked = {}

    def respond(messages, info):
        row = row_of(messages)
        text = row["text"]
        asked[text] = asked.get(text, 0) + 1
        filled = answer(row, asked[text])
        tools = info.output_tools
        part = ToolCallPart(tools[0].name, filled) if tools else TextPart(json.dumps(filled))
        return ModelResponse(parts=[part], usage=RequestUsage(input_tokens=10, output_tokens=2))

    return FunctionModel(respond)


def sort_of(row, _=0):
    return {"kind": "late" if "late" in row["text"] else "lost"}


def model_of(answer=sort_of, **kwargs):
    given = {"prompt": "Classify: {text}", "output_type": LABELS, "output": "kind", **kwargs}
    return LanguageModel(answering(answer) if callable(answer) else answer, **given)


@pytest.fixture
def ask():
    """Ask a model about the chunk, and close it."""
    made = []

    def ask(model, chunk=CHUNK):
        made.append(model)
        return model.predict(chunk)

    yield ask
    for model in made:
        model.close()
    assert [t for t in threading.enumerate() if t.name == "aiguard-model"] == []


def test_it_is_a_model():
    assert isinstance(model_of(), Model)


def test_it_labels_every_row_and_counts_what_was_used(ask):
    claims = ask(model_of())
    assert claims.values == {"kind": ["late", "lost", "late"]}
    assert (claims.failures, claims.confidences, claims.confidence_source) == ({}, {}, None)
    assert (claims.usage.requests, claims.usage.input_tokens, claims.usage.output_tokens) == (3, 30, 6)


def test_pydantic_ais_test_model_will_do(ask):
    claims = ask(LanguageModel(TestModel(), prompt="{text}", output_type=Complaint))
    assert claims.values["kind"] == ["late"] * 3


def test_usage_is_that_of_the_chunk(ask):
    model = model_of()
    assert [ask(model).usage.requests, ask(model).usage.requests] == [3, 3]


def test_fields_of_a_pydantic_model_are_columns(ask):
    claims = ask(model_of(lambda row, _: {**sort_of(row), "refund": 12.5}, output_type=Complaint, output=None))
    assert claims.values == {"kind": ["late", "lost", "late"], "refund": [12.5] * 3}


def test_the_model_sees_only_named_columns(ask):
    seen = []
    ask(model_of(lambda row, _: seen.append(row) or sort_of(row)))
    assert [set(row) for row in seen] == [{"text"}] * 3


def test_a_malformed_answer_is_repaired_once(ask):
    claims = ask(model_of(lambda row, n: sort_of(row) if n > 1 else {"kind": "LATE"}))
    assert claims.values == {"kind": ["late", "lost", "late"]}
    assert claims.usage.requests == 6


def test_then_the_row_is_a_reject(ask):
    claims = ask(model_of(lambda row, n: sort_of(row) if "bag" in row["text"] else {"kind": "no such label"}))
    assert claims.values["kind"] == ["late", None, None]
    assert claims.failures[1] == Failure("malformed", "the answer did not fit Answer, repaired once")
    assert set(claims.failures) == {1, 2}
    assert claims.usage.requests == 1 + 2 + 2


def test_what_no_database_takes_is_repaired_too(ask):
    answer = lambda row, n: {"kind": "a\x00b" if n == 1 else "fine"}  # noqa: E731
    claims = ask(model_of(answer, output_type=str))
    assert claims.values == {"kind": ["fine"] * 3}


def test_no_answer_is_a_reject_and_not_a_null(ask):
    model = model_of(lambda row, _: {**sort_of(row), "refund": None}, output_type=Complaint, output=None)
    claims = ask(model)
    needed = dict.fromkeys(("kind", "refund"), pd.Series([True] * 3).to_numpy())
    outputs = parse_outputs({"kind": LABELS, "refund": float})
    valid = validate_claims(claims, outputs, rows=3, needed=needed, describe_row=str)
    assert {failure.reason for failure in valid.failures.values()} == {"no_value"}


class TestConfidence:
    def test_verbalised_is_what_the_model_says(self, ask):
        claims = ask(model_of(lambda row, _: {**sort_of(row), "kind__confidence": 0.75}, confidence="verbalised"))
        assert claims.confidences == {"kind": [0.75] * 3}
        assert claims.confidence_source is ConfidenceSource.VERBALISED

    def test_self_consistency_is_the_share_that_agrees(self, ask):
        fickle = lambda row, n: {"kind": "lost"} if "bag" in row["text"] and n == 1 else sort_of(row)  # noqa: E731
        claims = ask(model_of(fickle, confidence="self_consistency", samples=4))
        assert claims.values == {"kind": ["late", "lost", "late"]}
        assert claims.confidences == {"kind": [0.75, 1.0, 1.0]}
        assert claims.confidence_source is ConfidenceSource.SELF_CONSISTENCY
        assert claims.usage.requests == 12

    def test_agreement_is_that_of_two_models(self, ask):
        other = answering(lambda row, _: {"kind": "late"})
        claims = ask(model_of(confidence="agreement", second=lambda: other))
        assert claims.values == {"kind": ["late", "lost", "late"]}
        assert claims.confidences == {"kind": [1.0, 0.5, 1.0]}
        assert claims.confidence_source is ConfidenceSource.AGREEMENT
        assert claims.usage.requests == 6

    def test_a_sample_without_an_answer_counts_against(self, ask):
        poor = lambda row, n: sort_of(row) if "bag" not in row["text"] or n % 2 else {"kind": "?"}  # noqa: E731
        claims = ask(model_of(poor, confidence="agreement", second=answering(lambda *_: {"kind": "?"})))
        assert claims.confidences["kind"] == [0.5, 0.5, 0.5]

    def test_when_no_sample_has_an_answer_the_row_is_a_reject(self, ask):
        claims = ask(model_of(lambda *_: {"kind": "?"}, confidence="self_consistency", samples=2))
        assert {failure.reason for failure in claims.failures.values()} == {"malformed"}
        assert claims.confidences == {"kind": [None] * 3}

    def test_logprob_is_the_probability_of_the_value(self, ask):
        def respond(messages, info):
            details = {"logprobs": [{"token": '{"kind": "late"}', "logprob": -0.5}]}
            assert not info.output_tools, "a tool call has no token probabilities"
            return ModelResponse(parts=[TextPart('{"kind": "late"}')], provider_details=details)

        claims = ask(model_of(FunctionModel(respond), confidence="logprob"))
        assert claims.confidences["kind"] == [pytest.approx(0.60653, abs=1e-5)] * 3
        assert claims.confidence_source is ConfidenceSource.LOGPROB

    def test_without_token_probabilities_there_is_no_confidence(self, ask):
        claims = ask(model_of(confidence="logprob"))
        assert claims.confidences == {"kind": [None] * 3}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"confidence": "gut"}, "confidence must be one of"),
            ({"confidence": "self_consistency", "samples": 1}, "at least 2 samples"),
            ({"confidence": "agreement"}, "belong together"),
            ({"second": TestModel()}, "belong together"),
        ],
    )
    def test_arguments_are_checked(self, arguments, message):
        with pytest.raises(ConfigurationError, match=message):
            model_of(**arguments)


class TestIdentity:
    def test_name_and_version(self):
        identity = model_of().identity
        assert identity.name.startswith("function:")
        assert identity.version == identity.fingerprint[:12]
        assert model_of(name="complaints", version="3").identity.name == "complaints"
        assert str(model_of(name="complaints", version="3").identity) == "complaints@3"

    def test_it_is_the_same_as_long_as_nothing_changes(self):
        def made():
            return LanguageModel(TestModel(), prompt="{text}", output_type=Complaint)

        assert made().identity == made().identity

    @pytest.mark.parametrize(
        "change",
        [
            {"prompt": "Sort: {text}"},
            {"system_prompt": "Be kind."},
            {"output_type": ["late", "lost", "other"]},
            {"output": "sort"},
            {"model_settings": {"temperature": 0}},
            {"model_settings": {"max_tokens": 7}},
            {"confidence": "verbalised"},
            {"confidence": "self_consistency"},
            {"confidence": "agreement", "second": TestModel()},
        ],
    )
    def test_whatever_changes_the_answers_changes_the_fingerprint(self, change):
        given = {"prompt": "{text}", "output_type": LABELS, "output": "kind"}
        before = LanguageModel(TestModel(), **given).identity
        assert LanguageModel(TestModel(), **{**given, **change}).identity.fingerprint != before.fingerprint

    def test_another_model_is_another_fingerprint(self):
        given = {"prompt": "{text}", "output_type": LABELS, "output": "kind"}
        one, other = (LanguageModel(TestModel(model_name=name), **given).identity for name in ("a", "b"))
        assert (one.name, other.name) == ("test:a", "test:b")
        assert one.fingerprint != other.fingerprint

    def test_how_fast_it_is_asked_does_not_matter(self):
        one, other = (model_of(TestModel(), pacing=Pacing(in_flight=n)).identity for n in (1, 64))
        assert one == other


def test_making_one_loads_no_pydantic_ai():
    program = (
        "import sys; from airflow_provider_aiguard import LanguageModel\n"
        "LanguageModel(None, prompt='{a}', output_type=['a', 'b'], output='c')\n"
        "print([m for m in ('pydantic_ai', 'openai', 'pandas', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_model_is_made_when_it_is_first_asked():
    made = []
    model = LanguageModel(lambda: made.append(1) or TestModel(), prompt="{text}", output_type=Complaint)
    assert made == []
    model.predict(CHUNK)
    assert model.identity.name == "test:test"
    model.predict(CHUNK)
    model.close()
    assert made == [1]


def test_what_is_no_model_is_refused():
    with pytest.raises(ConfigurationError, match="must be a pydantic-ai model, or return one; got str"):
        LanguageModel(lambda: "openai:gpt", prompt="{text}", output_type=Complaint).predict(CHUNK)


def test_airflow_may_copy_one_before_it_is_used():
    model = LanguageModel(TestModel, prompt="{text}", output_type=LABELS, output="kind")
    copied = copy.deepcopy(model)
    assert copied.identity == model.identity
    assert pickle.dumps(model.prompt)


def test_an_empty_chunk_asks_nothing(ask):
    claims = ask(model_of(), CHUNK.iloc[:0])
    assert claims.values == {"kind": []}
    assert claims.usage.requests == 0


def test_the_most_it_can_use_is_more_than_what_it_uses_with_every_repair(ask):
    wrong = "x" * 900

    def respond(messages, info):
        said = [str(getattr(part, "content", part)) for message in messages for part in message.parts]
        used = RequestUsage(input_tokens=sum(map(len, said)), output_tokens=len(wrong))
        return ModelResponse(parts=[ToolCallPart(info.output_tools[0].name, {"kind": wrong})], usage=used)

    model = model_of(FunctionModel(respond), model_settings={"max_tokens": 1_000}, pacing=Pacing(tries=1))
    most, used = model.most_usage(CHUNK), ask(model).usage
    assert used.requests == most.requests == 6
    assert used.rows == most.rows == len(CHUNK)
    assert used.input_tokens <= most.input_tokens
    assert used.output_tokens <= most.output_tokens == 6_000
    assert model_of(confidence="self_consistency", samples=4).most_usage(CHUNK).requests == 3 * 2 * 3 * 4
