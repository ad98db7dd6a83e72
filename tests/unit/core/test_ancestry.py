from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.ancestry import Ancestry, Root
from airflow_provider_aiguard.core.lineage import Origin, column_node, dataset_node

TABLE = dataset_node("n", "t")


def root(name: str, origin: str | None = None, *, recorded: bool = True) -> Root:
    return Root(dataset_node("n", name), (origin and Origin(origin=origin)) or None, recorded)


def test_roots_are_facts_or_unlabelled_or_unrecorded() -> None:
    roots = (
        root("a", "observed"),
        root("b", "human_annotated"),
        root("c", "mixed"),
        root("d"),
        root("e", recorded=False),
    )
    found = Ancestry(subject=TABLE, ancestors=(), roots=roots)
    assert [[str(one.node) for one in some] for some in (found.facts, found.unlabelled, found.unrecorded)] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]
    assert found.coverage == 0.4


@pytest.mark.parametrize("origin", ["observed", None])
def test_what_nobody_recorded_is_no_fact(origin: str | None) -> None:
    assert not root("a", origin, recorded=False).is_fact


def test_without_roots_nothing_is_covered() -> None:
    assert Ancestry(subject=TABLE, ancestors=(), roots=()).coverage == 0.0


def test_a_column_is_named_after_its_dataset() -> None:
    column = column_node(TABLE, "late")
    assert (str(column), column.dataset) == ("t.late", TABLE)
