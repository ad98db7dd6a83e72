from __future__ import annotations

import copy
from typing import Any

import pytest

from airflow_provider_aiguard.lineage.checks import MAX_CHECKS, checks_told, repeat_checks
from airflow_provider_aiguard.lineage.datasets import DatasetName

TABLE = DatasetName("ns", "main.t")


def check(text: str, success: bool = True, column: str | None = "late") -> dict[str, Any]:
    return {"assertion": text, "success": success, "column": column}


def event(*checks: dict[str, Any], kind: str = "COMPLETE", place: str = "inputFacets") -> dict[str, Any]:
    facet = {place: {"dataQualityAssertions": {"_producer": "p", "assertions": list(checks)}}} if checks else {}
    return {"eventType": kind, "inputs": [{"namespace": "ns", "name": "main.t", **facet}], "outputs": []}


def told(one: dict[str, Any]) -> list[Any]:
    return [found["assertion"] for found in checks_told(one)[TABLE]]


@pytest.mark.parametrize("place", ["inputFacets", "facets"])
@pytest.mark.parametrize("kind", ["COMPLETE", "FAIL"])
def test_a_guard_that_passes_does_not_hide_one_that_failed(place: str, kind: str) -> None:
    passes = event(check("sure"), kind=kind, place=place)
    before = copy.deepcopy(passes)
    both = repeat_checks(passes, {TABLE: [check("right", False)]})
    assert told(both) == ["sure", "right"]
    assert both["inputs"][0][place]["dataQualityAssertions"]["_producer"] == "p"
    assert passes == before


def test_only_what_ended_was_checked() -> None:
    assert checks_told(event(check("sure"), kind="START")) == {}
    assert checks_told(event()) == {}
    assert checks_told({"eventType": "COMPLETE"}) == {}


def test_who_checks_nothing_repeats_nothing() -> None:
    reader = event()
    assert repeat_checks(reader, {TABLE: [check("right", False)]}) == reader
    assert repeat_checks({"eventType": "COMPLETE"}, {TABLE: [check("right")]}) == {"eventType": "COMPLETE"}
    alone = event(check("sure"))
    assert repeat_checks(alone, {DatasetName("ns", "other"): [check("right")]}) == alone


def test_a_row_that_marquez_could_not_tell_from_another_is_there_once() -> None:
    standing = [check("same", False), check("same", column=None), check("same", False, "other")]
    assert checks_told(repeat_checks(event(check("same")), {TABLE: standing}))[TABLE] == [
        check("same"), check("same", False, "other"), check("same", column=None),
    ]  # fmt: skip


def test_what_failed_is_never_cut_for_what_passed() -> None:
    standing = [*(check(f"passed {n}") for n in range(MAX_CHECKS)), check("failed", False)]
    found = told(repeat_checks(event(check("own")), {TABLE: standing}))
    assert found[:2] == ["own", "failed"]
    assert len(found) == MAX_CHECKS
