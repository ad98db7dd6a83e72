"""The lineage graph that a real DAG run leaves, through the durable transport in Airflow's own processes."""

from __future__ import annotations

import pytest
from emitted import durable_here, run_own_process

from airflow_provider_aiguard.core.ancestry import Direction


@pytest.fixture(scope="module")
def graph(warehouse, store, tmp_path_factory):
    here = tmp_path_factory.mktemp("graph")
    run_own_process("flights", here, durable_here(here))
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
