"""A sensor that asks many times is told of once."""

from __future__ import annotations

import pytest
from emitted import emitted_by
from openlineage_schema import validate_event


@pytest.fixture(scope="module")
def sent(rows, store, tmp_path_factory):
    return emitted_by("waiting", tmp_path_factory.mktemp("waiting"))


@pytest.mark.parametrize(("mode", "starts"), [("poke", 1), ("reschedule", 1), ("deferrable", 2)])
def test_one_start_and_one_end(sent, mode, starts):
    """Airflow starts a deferred task again when it resumes, and says so again: under the same run id."""
    assert sent.answer[mode]["states"] == {f"wait_{mode}": "success"}
    assert sent.answer[mode]["asked"] > (mode != "deferrable")
    job = f"{mode}.wait_{mode}"
    assert len(sent.of(job, "START")) == starts
    assert len(sent.of(job, "COMPLETE")) == 1
    assert len({event["run"]["runId"] for event in sent.of(job)}) == 1


@pytest.mark.parametrize("mode", ["poke", "reschedule", "deferrable"])
def test_the_end_says_what_was_seen_last(sent, mode):
    (event,) = sent.of(f"{mode}.wait_{mode}", "COMPLETE")
    validate_event(event)
    assert event["run"]["facets"]["aiguard_verdict"]["effect"] == "passed"
    (dataset,) = event["inputs"]
    assert all(a["success"] for a in dataset["inputFacets"]["dataQualityAssertions"]["assertions"])
