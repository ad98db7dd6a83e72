from __future__ import annotations

import copy
from typing import Any

import pytest
from openlineage.client.facet_v2 import documentation_dataset

from airflow_provider_aiguard.lineage.datasets import DatasetName
from airflow_provider_aiguard.lineage.descriptions import (
    Description,
    datasets_to_describe,
    descriptions_written,
    repeat_descriptions,
)

TABLE = DatasetName("ns", "main.t")
SAID = Description("AI-inferred by gbm@3", {"late": "[AI-inferred] gbm@3", "cause": "[AI-inferred] rules@1"})


def table(text: str | None = None, *, ours: bool = False, **columns: str | None) -> dict[str, Any]:
    """A dataset as an event names it: its text, and the text of each of its columns."""
    facets: dict[str, Any] = {"aiguard_provenance": {}} if ours else {}
    if text:
        facets["documentation"] = {"description": text}
    if columns:
        fields = [{"name": name, "type": "TEXT", **({"description": d} if d else {})} for name, d in columns.items()]
        facets["schema"] = {"_producer": "somebody", "fields": fields}
    return {"namespace": TABLE.namespace, "name": TABLE.name, "facets": facets}


def event(kind: str = "COMPLETE", *, reads: Any = (), writes: Any = ()) -> dict[str, Any]:
    return {"eventType": kind, "inputs": list(reads), "outputs": list(writes)}


def test_a_finished_writer_is_listened_to() -> None:
    writes = [table("AI-inferred by gbm@3", ours=True, id=None, late="[AI-inferred] gbm@3")]
    assert descriptions_written(event(writes=writes)) == {
        TABLE: Description("AI-inferred by gbm@3", {"late": "[AI-inferred] gbm@3"})
    }
    for kind in ("START", "FAIL", "RUNNING"):
        assert descriptions_written(event(kind, writes=writes)) == {}
    assert descriptions_written(event(reads=writes)) == {}
    assert descriptions_written({"eventType": "COMPLETE"}) == {}


def test_a_writer_that_says_nothing_ends_what_was_said() -> None:
    assert descriptions_written(event(writes=[table(late=None)])) == {TABLE: Description()}
    assert descriptions_written(event(writes=[{"namespace": "ns", "name": "main.t"}])) == {TABLE: Description()}


@pytest.mark.parametrize("kind", ["START", "RUNNING", "COMPLETE", "FAIL"])
def test_a_reader_that_says_nothing_repeats_the_writer(kind: str) -> None:
    plain = event(kind, reads=[table(id=None, late=None)])
    before = copy.deepcopy(plain)
    (read,) = repeat_descriptions(plain, {TABLE: SAID})["inputs"]
    assert read["facets"]["documentation"]["description"] == "AI-inferred by gbm@3"
    assert set(read["facets"]["documentation"]) == {"_producer", "_schemaURL", "description"}
    assert (
        read["facets"]["documentation"]["_schemaURL"] == documentation_dataset.DocumentationDatasetFacet._get_schema()
    )
    assert read["facets"]["schema"] == {
        "_producer": "somebody",
        "fields": [
            {"name": "id", "type": "TEXT"},
            {"name": "late", "type": "TEXT", "description": "[AI-inferred] gbm@3"},
        ],
    }
    assert plain == before


def test_columns_are_not_told_where_the_reader_names_none() -> None:
    (read,) = repeat_descriptions(event(reads=[table()]), {TABLE: SAID})["inputs"]
    assert list(read["facets"]) == ["documentation"]


def test_what_a_reader_says_itself_stands() -> None:
    own = table("Mine", late="Mine, too")
    assert repeat_descriptions(event(reads=[own]), {TABLE: SAID})["inputs"] == [own]


def test_what_is_unknown_stays_as_it_is() -> None:
    plain = event(reads=[table(late=None)], writes=[table(late=None)])
    assert repeat_descriptions(plain, {}) == plain
    assert repeat_descriptions(plain, {TABLE: Description()}) == plain
    assert repeat_descriptions({"eventType": "COMPLETE"}, {TABLE: SAID}) == {"eventType": "COMPLETE"}


def test_a_step_of_ours_repeats_what_was_said_of_the_columns_it_did_not_write() -> None:
    told = repeat_descriptions(event(writes=[table("By rules@2", ours=True, late=None, cause="New")]), {TABLE: SAID})
    assert descriptions_written(told) == {
        TABLE: Description("By rules@2", {"late": "[AI-inferred] gbm@3", "cause": "New"})
    }


def test_a_writer_of_somebody_elses_repeats_nothing() -> None:
    plain = event(writes=[table(late=None)])
    assert repeat_descriptions(plain, {TABLE: SAID}) == plain
    assert datasets_to_describe(plain) == []


def test_each_dataset_is_asked_for_once() -> None:
    assert datasets_to_describe(event(reads=[table(), table()], writes=[table(ours=True)])) == [TABLE]
