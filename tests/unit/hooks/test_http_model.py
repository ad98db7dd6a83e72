from __future__ import annotations

import json

import pandas as pd
import pytest
from http_server import Endpoint

from airflow_provider_aiguard import HttpModel, Pacing
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.hooks.http_model import http_model
from airflow_provider_aiguard.inference.cascade import counts_tokens
from airflow_provider_aiguard.inference.prices import Answering, Bounded, Metered
from airflow_provider_aiguard.models.base import Model

CHUNK = pd.DataFrame({"x": [1, 2]})


@pytest.fixture
def endpoint():
    def respond(body, _):
        if "instances" in body:
            return {"predictions": [row["x"] > 1 for row in body["instances"]]}
        (x,) = (tensor["data"] for tensor in body["inputs"])
        return {"outputs": [{"name": "late", "shape": [len(x)], "data": [value > 1 for value in x]}]}

    with Endpoint(respond) as running:
        yield running


@pytest.fixture
def connection(monkeypatch, airflow_home):
    def define(conn_id, **fields):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "http", **fields}))

    return define


def predict(model):
    try:
        return model.predict(CHUNK)
    finally:
        model.close()


def test_address_password_and_headers_come_from_the_connection(connection, endpoint):
    model = http_model("scorer", model="delay", outputs=["late"], version="2")
    connection(
        "scorer", host=endpoint.host, port=endpoint.port, login="me", password="secret", extra={"x-team": "bags"}
    )
    assert isinstance(model, Model)
    assert predict(model).values == {"late": [False, True]}
    assert endpoint.paths == ["/v2/models/delay/versions/2/infer"]
    assert endpoint.headers[0]["x-team"] == "bags"
    assert endpoint.headers[0]["authorization"].startswith("Basic ")
    assert str(model.identity) == "delay@2"


@pytest.mark.parametrize("host", ["{url}", "{url}/"])
def test_the_host_may_have_its_scheme_and_an_endpoint(connection, endpoint, host):
    connection("scorer", host=host.format(url=endpoint.url))
    model = http_model("scorer", model="delay", outputs=["late"], protocol="json", endpoint="score/now")
    assert predict(model).values == {"late": [False, True]}
    assert endpoint.paths == ["/score/now"]


def test_the_schema_says_https(connection):
    connection("scorer", host="models.example", schema="https")
    made = http_model("scorer", model="delay", outputs=["late"])._made()
    assert made.endpoint == "https://models.example/v2/models/delay/infer"


def test_a_connection_without_a_host_is_refused(connection):
    connection("scorer")
    with pytest.raises(ConfigurationError, match="'scorer' has no host"):
        predict(http_model("scorer", model="delay", outputs=["late"]))


def test_bad_arguments_are_errors_of_the_dag_file():
    with pytest.raises(ConfigurationError, match="batch_size"):
        http_model("scorer", model="delay", outputs=["late"], batch_size=0)


def test_it_is_held_for_and_charged_as_the_model_it_stands_for(connection, endpoint):
    connection("scorer", host=endpoint.host, port=endpoint.port)
    options = {"model": "delay", "outputs": ["late"], "batch_size": 1, "pacing": Pacing(in_flight=3, tries=2)}
    model, plain = http_model("scorer", **options), HttpModel(endpoint.url, **options)
    for contract in (Bounded, Metered, Answering):
        assert isinstance(model, contract)
    assert (model.at_once, counts_tokens(model)) == (3, False)
    assert model.most_usage(CHUNK) == plain.most_usage(CHUNK)
    claims = predict(model)
    assert (model.sent(CHUNK), model.answered(CHUNK)) == (claims.usage, claims)
    assert claims.usage.requests == 2
