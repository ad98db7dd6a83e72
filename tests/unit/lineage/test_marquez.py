"""The client where Marquez is away, slow or talks nonsense. What a Marquez in health answers: ``tests/system``."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
import requests
from http_server import Endpoint

from airflow_provider_aiguard.core.errors import ConfigurationError, MarquezRefusedError, MarquezUnavailableError
from airflow_provider_aiguard.lineage.datasets import DatasetName
from airflow_provider_aiguard.lineage.marquez import MarquezClient, Place, dataset_page, marquez_edges

TABLE = DatasetName("postgres://db:5432", "app.public.my table")
PLACE = Place("datasets", TABLE.namespace, TABLE.name)


@pytest.mark.parametrize("url", ["", "marquez:5000", "ftp://marquez", "http:///api/v1"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ConfigurationError, match="must begin with http"):
        MarquezClient(url)


def test_the_address_may_be_that_of_a_transport() -> None:
    with Endpoint(lambda body, path: {"tags": []}) as marquez:
        assert MarquezClient(f"{marquez.url}/api/v1/lineage").tags() == {}
        assert MarquezClient(f"{marquez.url}/").tags() == {}
    assert marquez.paths == ["/api/v1/tags?limit=10000"] * 2


def test_every_part_of_an_address_is_quoted_and_headers_are_sent() -> None:
    session = requests.Session()
    session.headers["authorization"] = "Bearer abc"
    with (
        Endpoint(lambda body, path: {"tags": [], "graph": []}) as marquez,
        MarquezClient(marquez.url, session=session) as client,
    ):
        client.add_tag(PLACE._replace(field="a/b"), "CONF_0.8-0.9")
        client.job("ns", "a.b/c")
        client.graph(TABLE, depth=3)
    assert marquez.paths == [
        "/api/v1/namespaces/postgres%3A%2F%2Fdb%3A5432/datasets/app.public.my%20table/fields/a%2Fb/tags/CONF_0.8-0.9",
        "/api/v1/namespaces/ns/jobs/a.b%2Fc",
        "/api/v1/lineage?nodeId=dataset%3Apostgres%3A%2F%2Fdb%3A5432%3Aapp.public.my+table&depth=3",
    ]
    assert {headers["authorization"] for headers in marquez.headers} == {"Bearer abc"}


@pytest.mark.parametrize("field", [".", ".."])
def test_a_step_in_a_path_is_no_column(field: str) -> None:
    with Endpoint(lambda body, path: {}) as marquez, pytest.raises(MarquezRefusedError, match="part of an address"):
        MarquezClient(marquez.url).add_tag(PLACE._replace(field=field), "AI_INFERRED")
    assert marquez.paths == []


def test_nobody_is_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(MarquezUnavailableError, match=r"ConnectionError\. Nothing is lost") as away:
        MarquezClient(url.replace("//", "//me:secret@")).dataset(TABLE)
    assert f"Marquez at {url!r}" in str(away.value)


def test_it_hangs_up() -> None:
    with Endpoint(lambda body, path: (0, None)) as marquez, pytest.raises(MarquezUnavailableError, match="not answer"):
        MarquezClient(marquez.url).dataset(TABLE)


def test_it_does_not_answer_in_time() -> None:
    def respond(body: Any, path: str) -> Any:
        time.sleep(5)
        return 0, None

    with (
        Endpoint(respond) as marquez,
        pytest.raises(MarquezUnavailableError, match="Timeout"),
    ):
        MarquezClient(marquez.url, timeout=0.05).dataset(TABLE)


def test_all_requests_share_a_budget() -> None:
    with Endpoint(lambda body, path: {"tags": []}) as marquez:
        client = MarquezClient(marquez.url, budget=0.2)
        client.tags()
        time.sleep(0.25)
        with pytest.raises(MarquezUnavailableError, match="longer than it may"):
            client.tags()
    assert len(marquez.paths) == 1


@pytest.mark.parametrize(
    "answer", [(500, {"code": 500}), (503, b""), (200, b"<html>log in</html>"), (200, b"[]"), (200, {"a": 1})]
)
def test_an_answer_that_is_none_can_be_asked_for_again(answer: Any) -> None:
    with Endpoint(lambda body, path: answer) as marquez:
        client = MarquezClient(marquez.url)
        with pytest.raises(MarquezUnavailableError, match=f"HTTP {answer[0]}"):
            client.dataset(TABLE)
        with pytest.raises(MarquezUnavailableError, match=f"HTTP {answer[0]}"):
            client.tags()


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_a_refusal_says_what_was_asked_and_what_was_answered(status: int) -> None:
    said = b"no, " + b"x" * 1000
    with (
        Endpoint(lambda body, path: (status, said)) as marquez,
        pytest.raises(MarquezRefusedError, match="Marquez refuses") as refused,
    ):
        MarquezClient(marquez.url).add_tag(PLACE, "AI_INFERRED")
    message = str(refused.value)
    assert f"HTTP {status}" in message
    assert "POST '/api/v1/namespaces/" in message
    assert "no, xxx" in message
    assert len(message) < 700


def test_an_edge_to_a_node_that_was_left_out_is_none() -> None:
    def node(kind: str, name: str, inside: list[str], outside: list[str]) -> dict[str, Any]:
        return {
            "id": name,
            "type": kind,
            "data": {"namespace": "ns", "name": name},
            "inEdges": [{"origin": other, "destination": name} for other in inside],
            "outEdges": [{"origin": name, "destination": other} for other in outside],
        }

    graph = [
        node("DATASET", "a", [], ["j"]),
        node("JOB", "j", ["a", "gone"], ["b", "gone"]),
        node("DATASET", "b", ["j"], []),
    ]
    with Endpoint(lambda body, path: {"graph": graph}) as marquez:
        edges = marquez_edges(MarquezClient(marquez.url), TABLE)
    assert edges == [("ns", "a", "ns", "j", "ns", "b")]


def test_the_page_of_a_dataset_opens_its_drawer() -> None:
    assert dataset_page("http://marquez.example/", TABLE) == (
        "http://marquez.example/lineage/dataset/postgres%3A%2F%2Fdb%3A5432/app.public.my%20table"
        "?tableLevelNode=dataset%3Apostgres%3A%2F%2Fdb%3A5432%3Aapp.public.my%20table"
    )
