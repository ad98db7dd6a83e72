"""A model that is trained on its own work: the graph knows, the event says so, and Marquez would show it."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from emitted import durable_here, printed_while, run_own_process
from openlineage_schema import validate_event

from airflow_provider_aiguard.lineage.marquez_tags import tags_said


@pytest.fixture(scope="module")
def printed(rows, store, tmp_path_factory):
    """What a DAG printed that scores, and trains on what was scored and on other tables."""
    for table in ("people", "fresh"):
        pd.DataFrame({"id": range(30), "age": range(30)}).to_sql(table, rows, index=False)
    here = tmp_path_factory.mktemp("loop")
    answer, said = run_own_process("feedback", here, durable_here(here))
    assert set(answer["states"].values()) == {"success"}
    return said


def flags(store, task):
    """What the event at the end of a task says of tags of its training set."""
    events = [json.loads(text) for text in store.outbox.documents(1000)]
    (event,) = [e for e in events if (e["job"]["name"], e["eventType"]) == (f"feedback.{task}", "COMPLETE")]
    validate_event(event)
    return {said.dataset.name: dict(said.flags) for said in tags_said(event)}


def test_who_trains_on_its_own_work_is_tagged_and_named(printed, store):
    assert flags(store, "again") == {"main.claims": {"AI_FEEDBACK_LOOP": True}}
    said = "A feedback loop: rule@2 is trained on main.claims, which descends from rule/1."
    assert said in printed_while(printed, "again")


@pytest.mark.parametrize(("task", "table"), [("raw", "main.people"), ("other", "main.claims")])
def test_who_does_not_takes_the_tag_off(printed, store, task, table):
    assert flags(store, task) == {table: {"AI_FEEDBACK_LOOP": False}}
    assert "feedback loop" not in printed_while(printed, task)


def test_of_a_table_that_no_event_names_nothing_is_said(printed, store):
    assert flags(store, "fresh") == {}


def test_a_store_that_cannot_be_asked_is_a_warning(printed, store):
    assert flags(store, "storeless") == {}
    assert "Whether the model is trained on its own work is not known." in printed_while(printed, "storeless")
