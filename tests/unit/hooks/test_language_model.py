from __future__ import annotations

import json
import sys

import pandas as pd
import pytest
from llm_server import LLMServer

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.hooks.language_model import language_model

CHUNK = pd.DataFrame({"text": ["my bag is late", "gone"]})
ARGUMENTS = {"prompt": "Classify: {text}", "output_type": ["late", "lost"], "output": "kind"}


@pytest.fixture
def connection(monkeypatch, airflow_home):
    """Define a connection by its environment variable."""

    def define(conn_id, **fields):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "pydanticai", **fields}))

    return define


@pytest.fixture
def server():
    with LLMServer(lambda row: {"kind": "late" if "late" in row["text"] else "lost"}) as running:
        yield running


def predict(model):
    try:
        return model.predict(CHUNK)
    finally:
        model.close()


def test_the_connection_is_read_when_the_task_runs(connection):
    model = language_model("llm", **ARGUMENTS)
    connection("llm", extra={"model": "test"})
    assert predict(model).values == {"kind": ["late", "late"]}
    assert model.identity.name == "test:test"


def test_host_key_and_model_come_from_the_connection(connection, server):
    connection("llm", host=server.url, password="key", extra={"model": "openai:gpt-test"})
    model = language_model("llm", **ARGUMENTS)
    assert predict(model).values == {"kind": ["late", "lost"]}
    assert model.identity.name == "openai:gpt-test"
    assert {request["model"] for request in server.requests} == {"gpt-test"}


def test_model_id_comes_before_the_connections(connection, server):
    connection("llm", host=server.url, password="key", extra={"model": "openai:gpt-test"})
    model = language_model("llm", model_id="openai:gpt-other", **ARGUMENTS)
    predict(model)
    assert {request["model"] for request in server.requests} == {"gpt-other"}


def test_the_default_connection_is_that_of_the_provider(connection):
    connection("pydanticai_default", extra={"model": "test"})
    assert predict(language_model(**ARGUMENTS)).failures == {}


def test_two_models_of_one_connection_or_of_two(connection, server):
    connection("llm", host=server.url, password="key", extra={"model": "openai:one"})
    connection("other", extra={"model": "test"})
    same = language_model("llm", second_model_id="openai:two", confidence="agreement", **ARGUMENTS)
    assert predict(same).confidences == {"kind": [1.0, 1.0]}
    assert sorted(request["model"] for request in server.requests) == ["one", "one", "two", "two"]
    assert same.identity.name == "openai:one & openai:two"
    two = language_model("llm", second_conn_id="other", confidence="agreement", **ARGUMENTS)
    assert predict(two).confidences == {"kind": [1.0, 0.5]}


def test_a_connection_of_another_type_is_refused(connection):
    connection("llm", conn_type="sqlite")
    with pytest.raises(ValueError, match="Pydantic AI hook needs"):
        predict(language_model("llm", **ARGUMENTS))


def test_without_the_extra_it_says_what_to_install(connection, monkeypatch):
    connection("llm", extra={"model": "test"})
    monkeypatch.setitem(sys.modules, "airflow.providers.common.ai.hooks.pydantic_ai", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'airflow-provider-aiguard\[llm\]'"):
        predict(language_model("llm", **ARGUMENTS))


def test_bad_arguments_are_errors_of_the_dag_file():
    with pytest.raises(ConfigurationError, match="names no column"):
        language_model("llm", **{**ARGUMENTS, "prompt": "Classify"})
