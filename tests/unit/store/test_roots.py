"""Circles that nothing leads out of, against the definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.store.roots import closed_circles

GRAPHS = st.dictionaries(st.integers(0, 9), st.sets(st.integers(0, 9), min_size=1), max_size=10)


def reached(onward: dict[int, set[int]], start: int) -> set[int]:
    seen, level = set[int](), set(onward.get(start, ()))
    while level - seen:
        seen |= level
        level = {there for here in level for there in onward.get(here, ())}
    return seen


def pairs(onward: dict[int, set[int]]) -> list[tuple[int, int]]:
    return [(here, there) for here, found in onward.items() for there in found]


@given(GRAPHS)
def test_a_node_is_in_one_if_all_that_it_leads_to_leads_back(onward: dict[int, set[int]]) -> None:
    nodes = {*onward, *(there for found in onward.values() for there in found)}
    wanted = {n for n in nodes if n in onward and all(n in reached(onward, m) for m in reached(onward, n))}
    assert sorted(closed_circles(nodes, pairs(onward))) == sorted(wanted)


def test_an_end_is_in_none() -> None:
    assert closed_circles([1, 2, 3], pairs({1: {2}, 2: {2, 3}})) == []
    assert closed_circles([1, 2, 3, 4], pairs({1: {2}, 2: {2}, 3: {4}})) == [2]
