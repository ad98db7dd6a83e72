from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from airflow_provider_aiguard.core.ancestry import Direction, Step, Trace
from airflow_provider_aiguard.core.lineage import EdgeKind, Node, Origin, dataset_node, job_node
from airflow_provider_aiguard.lineage.tree import origin_text, tree_lines

A, B = dataset_node("n", "a"), dataset_node("n", "b")
STEP = Step(
    here=A, there=B, kind=EdgeKind.DATA, job=job_node("n", "dag.t"), direct=True, opaque=False, complete=True,
    last_run="r", last_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
)  # fmt: skip


def drawn(*steps: Step, direction: Direction = Direction.UPSTREAM) -> list[str]:
    return tree_lines(Trace(subject=A, direction=direction, steps={A: steps}))


def test_several_jobs_of_one_edge_are_one_line() -> None:
    old = replace(STEP, job=job_node("n", "dag.old"), last_at=datetime(2025, 1, 1, tzinfo=UTC))
    theirs = replace(STEP, job=job_node("n", "dag.other"), complete=False, last_at=None)
    assert drawn(old, STEP, theirs)[1] == (
        "└─ b  ← dag.t and 2 more, run r, 2026-01-02 03:04 UTC (no event says where it came from)"
    )


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (EdgeKind.RENAME, "renamed; dag.t"),
        (EdgeKind.ALIAS, "another name; dag.t"),
        (EdgeKind.FILTER, "decides its rows;"),
    ],
)
def test_what_an_edge_says(kind: EdgeKind, said: str) -> None:
    assert f"→ {said}" in drawn(replace(STEP, kind=kind), direction=Direction.DOWNSTREAM)[1]


def test_an_edge_without_job_or_run() -> None:
    assert "← no job, 2026-01-02" in drawn(replace(STEP, job=job_node("", ""), last_run=""))[1]


def test_hostile_names_stay_on_their_line() -> None:
    there = dataset_node("n", "x\x00\x1b[31m" + "y" * 500)
    (_, line) = drawn(replace(STEP, there=there))
    assert "\x1b" not in line
    assert len(line) < 300


def test_a_chain_of_any_length_is_drawn() -> None:
    nodes: list[Node] = [dataset_node("n", str(n)) for n in range(3000)]
    steps = {a: (replace(STEP, here=a, there=b),) for a, b in pairwise(nodes)}
    lines = tree_lines(Trace(subject=nodes[0], direction=Direction.UPSTREAM, steps=steps))
    assert len(lines) == 3000


def test_where_values_came_from() -> None:
    assert origin_text(Origin(origin="observed")) == "observed"
    assert origin_text(Origin(origin="mixed", ai_share=0.25, run_id="r")) == "mixed, 25% inferred, run r"
