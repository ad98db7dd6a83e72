"""What each answer of a backend means, over a real socket."""

from __future__ import annotations

import gzip
import json

import pytest
import requests
from http_server import Endpoint
from lineage_server import LineageServer
from openlineage.client.transport.http import HttpConfig

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.lineage.backend import Backend, Meaning, _without_url, meaning_of


def backend(url, **more):
    return Backend(HttpConfig.from_dict({"url": url, **more}))


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(200, "ACCEPTED"), (201, "ACCEPTED"), (204, "ACCEPTED"), (302, "UNANSWERED"), (400, "REFUSED"), (413, "REFUSED"),
     (422, "REFUSED"), (401, "UNANSWERED"), (403, "UNANSWERED"), (404, "UNANSWERED"), (408, "UNANSWERED"),
     (429, "UNANSWERED"), (500, "FAILED"), (501, "FAILED"), (502, "UNANSWERED"), (503, "UNANSWERED"),
     (504, "UNANSWERED")],
)  # fmt: skip
def test_what_a_status_means(status, meaning):
    answer = meaning_of(status, "application/json", "a\n b\x00" * 500)
    assert answer.meaning is Meaning[meaning]
    if answer.reason:
        assert answer.reason.startswith(f"HTTP {status}: a b")
        assert len(answer.reason) <= 300


def test_a_page_is_no_backend_even_if_it_is_glad():
    assert meaning_of(200, "text/html; charset=utf-8", "<html>Log in").meaning is Meaning.UNANSWERED


@pytest.mark.parametrize("mood", ["garbage", "hangs", "drips"])
def test_a_backend_that_says_nothing_sensible_has_not_answered(mood):
    with LineageServer() as server:
        server.mood = mood
        answer = backend(server.url).post("{}", timeout=0.3)
    assert answer.meaning is Meaning.UNANSWERED
    assert server.url not in answer.reason


def test_a_backend_that_is_not_there_has_not_answered():
    assert backend(LineageServer().url).post("{}", timeout=1).meaning is Meaning.UNANSWERED
    assert backend("http://host.invalid").post("{}", timeout=5).meaning is Meaning.UNANSWERED


def test_the_settings_are_those_of_the_http_transport():
    with Endpoint(lambda _body, _path: (201, {})) as endpoint:
        auth = {"type": "api_key", "apiKey": "k"}
        sender = backend(endpoint.url + "/base/", auth=auth, endpoint="/x/lineage", custom_headers={"X-Team": "a"})
        assert sender.post(json.dumps({"a": "é"}), timeout=5).meaning is Meaning.ACCEPTED
        assert sender.post(json.dumps({"a": "é"}), timeout=5).meaning is Meaning.ACCEPTED
        sender.close()
        sender.close()
    assert endpoint.paths == ["/base/x/lineage"] * 2
    assert endpoint.requests == [{"a": "é"}] * 2
    assert endpoint.connections == 1
    headers = endpoint.headers[0]
    assert (headers["authorization"], headers["x-team"]) == ("Bearer k", "a")
    assert headers["content-type"] == "application/json"


def test_a_body_may_be_compressed():
    sender = backend("http://h", compression="gzip")
    body, headers = sender._prepare('{"a": 1}')
    assert gzip.decompress(body) == b'{"a": 1}'
    assert headers["Content-Encoding"] == "gzip"


def test_its_name_has_no_credentials():
    sender = backend("https://me:word@marquez:5000/", endpoint="api/v1/lineage?key=word")
    assert sender.name == "https://marquez:5000/api/v1/lineage"
    assert backend("http://h").name == "http://h/api/v1/lineage"


@pytest.mark.parametrize("url", ["marquez:5000", "ftp://h", "http://", "http:///x", "http://[::1"])
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises((ConfigurationError, ValueError), match=r"begins with http://|Invalid IPv6"):
        backend(url)


def test_a_certificate_of_ones_own_and_a_failure_without_a_name(tmp_path):
    config = {"sslContext": {"caCertPath": "/ca.pem"}}
    assert backend("https://h", **config)._verify == "/ca.pem"
    assert backend("https://h", verify=False)._verify is False
    assert backend("https://127.0.0.1:1", **config).post("{}", timeout=5).meaning is Meaning.UNANSWERED
    assert _without_url(requests.exceptions.InvalidURL("http://secret")) == "the request failed: InvalidURL"
