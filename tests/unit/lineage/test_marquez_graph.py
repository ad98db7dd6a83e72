"""Where events and Marquez disagree. Real answers of a Marquez: ``tests/system``; the command: ``test_cli_graph``."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_aiguard.core.ancestry import Direction, Step, Trace
from airflow_provider_aiguard.core.lineage import Edge, EdgeKind, Node, dataset_node, job_node
from airflow_provider_aiguard.lineage.marquez_graph import disagreements

A, B, C = (dataset_node("n", name) for name in "abc")
JOB = job_node("n", "dag.t")


def step(here: Node, there: Node, kind: EdgeKind = EdgeKind.DATA, *, theirs: bool = False) -> Step:
    return Step(
        here=here, there=there, kind=kind, job=JOB, direct=True, opaque=True, complete=not theirs,
        last_run="", last_at=None if theirs else datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def trace(*steps: Step, direction: Direction = Direction.UPSTREAM) -> Trace:
    by_node: dict[Node, tuple[Step, ...]] = {}
    for one in steps:
        by_node[one.here] = (*by_node.get(one.here, ()), one)
    return Trace(subject=steps[0].here, direction=direction, steps=by_node)


def edge(source: Node, target: Node) -> Edge:
    return Edge(source, target, JOB, EdgeKind.DATA)


def test_an_edge_of_one_is_told() -> None:
    walked = trace(step(C, B), step(B, A, theirs=True))
    assert disagreements(walked, [edge(A, B)]) == ([edge(B, C)], [edge(A, B)])


@pytest.mark.parametrize("direction", [*Direction])
def test_both_say_the_same_whichever_way_one_looks(direction: Direction) -> None:
    up = direction.is_upstream
    walked = trace(step(B, A) if up else step(A, B), direction=direction)
    assert disagreements(walked, [edge(A, B)]) == ([], [])


def test_what_events_join_at_a_job_is_no_disagreement() -> None:
    walked = trace(step(B, JOB, EdgeKind.WRITE), step(JOB, A, EdgeKind.READ), step(B, A, theirs=True))
    assert disagreements(walked, [edge(A, B)]) == ([], [])
