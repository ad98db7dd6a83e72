"""The lineage graph that a real DAG run leaves, through the durable transport in Airflow's own processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from airflow_home import own_database

from airflow_provider_aiguard.core.ancestry import Direction
from airflow_provider_aiguard.store.location import embedded_url

TRANSPORT = "airflow_provider_aiguard.lineage.transport.DurableTransport"


@pytest.fixture(scope="module")
def graph(warehouse, store, tmp_path_factory):
    here = tmp_path_factory.mktemp("graph")
    settings = {"type": TRANSPORT, "store": embedded_url(), "spool": str(here / "spool")}
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("own_process.py"), "flights", here],
        env={
            **os.environ,
            **own_database(here),
            "AIRFLOW__OPENLINEAGE__DISABLED": "False",
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "tests",
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(settings),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return store.graph


MODEL = "flights-gbm/2013-01"


def test_upstream_of_what_was_scored_are_the_rows_the_model_and_what_trained_it(graph):
    (scored,) = graph.find("flights_scored")
    trace = graph.trace(scored, Direction.UPSTREAM)
    assert {step.there.name: step.job.name for step in trace.steps[scored]} == {
        "main.flights": "example_flight_delays.score",
        MODEL: "example_flight_delays.score",
    }
    assert trace.origins[scored].origin == "ai_inferred"
    found = graph.ancestors(scored)
    assert {ancestor.node.name for ancestor in found.ancestors} == {"main.flights", "main.arrivals", MODEL}
    assert {root.node.name for root in found.unrecorded} == {"main.flights", "main.arrivals"}


def test_upstream_of_the_inferred_column_are_columns_and_the_model(graph):
    (late,) = graph.find("flights_scored.late")
    behind = {str(step.there) for step in graph.trace(late, Direction.UPSTREAM).steps[late]}
    assert {"main.flights.distance", MODEL} <= behind
    assert "main.flights" not in behind


def test_downstream_are_the_table_and_who_judges_it(graph):
    (flights,) = graph.find("main.flights")
    reached = {step.there.name for steps in graph.trace(flights, Direction.DOWNSTREAM).steps.values() for step in steps}
    assert reached >= {"main.flights_scored", "example_flight_delays.sure", "example_flight_delays.drift"}
