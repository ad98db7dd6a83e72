"""Whether a backend is a Marquez is asked once, and only when there is a tag to set."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from openlineage.client.transport.http import HttpConfig

from airflow_provider_aiguard.core.errors import MarquezUnavailableError
from airflow_provider_aiguard.lineage.backend import Backend
from airflow_provider_aiguard.lineage.tagging import Tagging
from airflow_provider_aiguard.store.store import open_store

EVENT = {
    "eventType": "COMPLETE",
    "run": {"runId": "r", "facets": {"aiguard_run": {"model": "m"}}},
    "job": {"namespace": "n", "name": "dag.task"},
}
PLAIN = {**EVENT, "run": {"runId": "r", "facets": {}}, "outputs": [{"namespace": "n", "name": "t", "facets": {}}]}


@pytest.fixture
def deliveries(tmp_path, server):
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        found = store.deliveries(server.name)
        found.want(now=datetime.now(UTC))
        yield found


def tagging(server, deliveries, **more):
    return Tagging(Backend(HttpConfig.from_dict({"url": server.url, **more})), deliveries)


def test_only_our_ends_say_something(server, deliveries):
    sets = tagging(server, deliveries)
    assert sets.says(json.dumps(EVENT))
    assert not sets.says(json.dumps(PLAIN))
    assert not sets.says(json.dumps({**EVENT, "eventType": "START"}))
    assert not sets.says('{"eventType": "COMPLETE", "producer": "aiguard_"}')


def test_a_marquez_is_known_as_one_by_its_answer(server, deliveries):
    tagging(server, deliveries, auth={"type": "api_key", "apiKey": "k"}).set(EVENT, seconds=20)
    assert deliveries.kind() == "marquez"
    tagging(server, deliveries).set(EVENT, seconds=20)
    assert [line.split("?")[0] for line in server.asked].count("GET /api/v1/tags") == 1
    assert "Bearer k" in server.heads[0]


def test_another_backend_is_asked_once_and_left_alone(server, deliveries):
    server.is_marquez = False
    for _ in range(2):
        tagging(server, deliveries).set(EVENT, seconds=20)
    assert deliveries.kind() == "other"
    assert len(server.asked) == 1


def test_while_nobody_answers_nothing_is_known(server, deliveries):
    server.kill()
    with pytest.raises(MarquezUnavailableError, match="does not answer"):
        tagging(server, deliveries).set(EVENT, seconds=5)
    assert deliveries.kind() is None
