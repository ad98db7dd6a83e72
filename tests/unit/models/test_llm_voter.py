"""A voter asks as an agent would, though it takes the agent for the first answer and for troubles only."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from llm_server import LLMServer, Reply
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from airflow_provider_aiguard import LanguageModel, Pacing
from airflow_provider_aiguard.core.claims import Failure

CHUNK = pd.DataFrame({"text": ["late"]})
PROTOCOLS = [OpenAIChatModel, OpenAIResponsesModel]


@pytest.fixture
def asked_before():
    """Make a model that has answered one row already, and with it what it is to do without the agent."""
    made = []

    def make(server, protocol=OpenAIChatModel, **kwargs):
        provider = OpenAIProvider(base_url=server.url, api_key="key")
        model = LanguageModel(
            protocol("gpt-test", provider=provider), prompt="Classify: {text}", output_type=["late", "lost"],
            output="kind", pacing=Pacing(in_flight=4, timeout=30), **kwargs,
        )  # fmt: skip
        made.append(model)
        model.predict(CHUNK)
        return model

    yield make
    for model in made:
        model.close()


def no_agent(*_, **__):
    raise AssertionError("the agent was asked")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("confidence", [None, "verbalised", "logprob"])
def test_the_agents_request_is_repeated_without_the_agent(asked_before, monkeypatch, protocol, confidence):
    said = {"kind": "late", **({"kind__confidence": 0.5} if confidence == "verbalised" else {})}
    with LLMServer(lambda _: said, logprob=lambda _: -0.5) as server:
        model = asked_before(server, protocol, confidence=confidence, system_prompt="Sort.")
        monkeypatch.setattr("pydantic_ai.Agent.run", no_agent)
        claims = model.predict(CHUNK)
        first, second = server.requests
    assert first == second
    assert claims.values == {"kind": ["late"]}
    assert claims.usage.requests == 1
    assert all(value is not None for values in claims.confidences.values() for value in values)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("wrong", ['{"kind": "wrong"}', "I would rather not", '```json\n{"kind": "x"}\n```', ""])
def test_the_agent_repairs_what_does_not_fit(asked_before, protocol, wrong):
    with LLMServer(lambda _: {"kind": "late"}) as server:
        model = asked_before(server, protocol)
        before = dict(server.charged)
        replies = iter([Reply(text=wrong)])
        server.script = lambda _: next(replies, Reply())
        claims = model.predict(CHUNK)
        requests = server.requests[1:]
    assert claims.values == {"kind": ["late"]}
    assert len(requests) == claims.usage.requests == 2
    assert json.dumps(requests[1]).startswith(json.dumps(requests[0])[:40])
    assert claims.usage.output_tokens >= server.charged["output_tokens"] - before["output_tokens"]


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (Reply(text='{"kind": "wrong"}'), Failure("malformed", "the answer did not fit Answer, repaired once")),
        (
            Reply(text='{"kind": "la', finish_reason="length"),
            Failure("truncated", "the answer was longer than max_tokens in model_settings"),
        ),
    ],
)
def test_what_cannot_be_repaired_is_a_reject(asked_before, reply, failure):
    with LLMServer(lambda _: {"kind": "late"}) as server:
        model = asked_before(server)
        server.script = lambda _: reply
        assert model.predict(CHUNK).failures == {0: failure}
        assert len(server.requests) == 3
