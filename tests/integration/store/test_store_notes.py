"""What is noted of datasets, and said again, on real databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_aiguard.core.lineage import Node, dataset_node, job_node
from airflow_provider_aiguard.core.notes import Note
from airflow_provider_aiguard.lineage.retelling import CHECKS_STAND, note_event, retell
from airflow_provider_aiguard.store.notes import add_notes

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.store import Store

TABLE, JOB, OTHER = dataset_node("ns", "main.t"), job_node("jobs", "sure"), job_node("jobs", "right")
NOW = datetime(2026, 1, 10, tzinfo=UTC)


def note(by: Node | None, said: str, *, minutes: int = 0, about: Node = TABLE) -> Note:
    return Note(about, by, NOW + timedelta(minutes=minutes), {"text": said})


def keep(store: Store, *notes: Note) -> None:
    store._database.write(lambda conn: add_notes(conn, notes))


def said(store: Store, *asked: Node) -> list[tuple[Node | None, Any]]:
    return [(one.by, one.said["text"]) for one in store.notes.of(asked or [TABLE])]


def test_each_job_has_one_note_and_the_writers_have_one_together(store: Store) -> None:
    keep(store, note(None, "written"), note(JOB, "checked", minutes=1), note(OTHER, "checked, too", minutes=1))
    keep(store, note(JOB, "checked again", minutes=2))
    assert sorted(said(store), key=str) == sorted(
        [(None, "written"), (JOB, "checked again"), (OTHER, "checked, too")], key=str
    )
    assert store.notes.of([dataset_node("ns", "unheard")]) == []
    assert store.notes.of([]) == []


def test_order_of_arrival_does_not_matter(store: Store) -> None:
    keep(store, note(JOB, "late", minutes=5))
    keep(store, note(JOB, "early", minutes=1))
    keep(store, note(JOB, "early", minutes=1))
    assert said(store) == [(JOB, "late")]


def test_what_was_checked_before_the_last_write_is_no_longer_said(store: Store) -> None:
    keep(store, note(JOB, "before", minutes=1), note(OTHER, "after", minutes=3), note(None, "written", minutes=2))
    assert {by for by, _ in said(store)} == {None, OTHER}


def test_notes_keep_hostile_names_and_their_own_dataset(store: Store) -> None:
    hostile = dataset_node("ns'; --", 'main."t\x00😀')
    keep(store, note(JOB, "one"), note(JOB, "two", about=hostile))
    assert said(store, hostile) == [(JOB, "two")]
    assert {one.about for one in store.notes.of([hostile, TABLE])} == {hostile, TABLE}


# An event kept, and a later one sent


def event(
    job: str, kind: str = "COMPLETE", *, minutes: int = 0, check: bool | None = None, text: str = "", out: bool = False
) -> dict[str, Any]:
    dataset: dict[str, Any] = {"namespace": TABLE.namespace, "name": TABLE.name, "facets": {}}
    if check is not None:
        checks = [{"assertion": f"of {job}", "success": check}]
        dataset["inputFacets"] = {"dataQualityAssertions": {"assertions": checks}}
    if text:
        dataset["facets"]["documentation"] = {"description": text}
    return {
        "eventType": kind,
        "eventTime": (NOW + timedelta(minutes=minutes)).isoformat(),
        "run": {"runId": job},
        "job": {"namespace": "jobs", "name": job},
        "inputs": [] if out else [dataset],
        "outputs": [dataset] if out else [],
    }


def sent(store: Store, one: dict[str, Any], *, now: datetime = NOW) -> dict[str, Any]:
    """Keep an event and say what a Marquez is sent."""
    store._database.write(lambda conn: note_event(conn, one))
    return dict(retell(one, store.notes, now=now))


def checks(one: dict[str, Any]) -> list[str]:
    facets = one["inputs"][0]["inputFacets"]
    return [check["assertion"] for check in facets["dataQualityAssertions"]["assertions"]]


def test_every_guard_of_a_table_is_seen_whichever_ended_last(store: Store) -> None:
    assert checks(sent(store, event("right", "FAIL", check=False))) == ["of right"]
    assert checks(sent(store, event("sure", minutes=1, check=True))) == ["of sure", "of right"]
    assert checks(sent(store, event("right", minutes=2, check=True))) == ["of right", "of sure"]


def test_a_new_version_of_a_table_begins_without_checks(store: Store) -> None:
    sent(store, event("right", "FAIL", check=False))
    sent(store, event("score", minutes=1, text="AI-inferred by gbm@3", out=True))
    assert checks(sent(store, event("sure", minutes=2, check=True))) == ["of sure"]


def test_a_job_that_was_retired_is_forgotten(store: Store) -> None:
    sent(store, event("right", "FAIL", check=False))
    later = NOW + CHECKS_STAND + timedelta(minutes=1)
    assert checks(sent(store, event("sure", minutes=1, check=True), now=later)) == ["of sure"]


@pytest.mark.parametrize("kind", ["START", "COMPLETE", "FAIL"])
def test_a_reader_repeats_what_the_writer_said(store: Store, kind: str) -> None:
    sent(store, event("score", text="AI-inferred by gbm@3", out=True))
    (read,) = sent(store, event("report", kind, minutes=1))["inputs"]
    assert read["facets"]["documentation"]["description"] == "AI-inferred by gbm@3"


def test_an_event_without_a_run_is_left_as_it_is(store: Store) -> None:
    sent(store, event("score", text="AI-inferred by gbm@3", out=True))
    plain = {"eventTime": NOW.isoformat(), "dataset": {"namespace": "ns", "name": "main.t"}}
    assert sent(store, plain) == plain


def test_prune_forgets_checks_and_no_description(store: Store) -> None:
    keep(store, note(JOB, "old", minutes=1), note(OTHER, "young", minutes=3), note(None, "written"))
    assert store.notes.prune(NOW + timedelta(minutes=3)) == 1
    assert sorted(said(store), key=str) == sorted([(None, "written"), (OTHER, "young")], key=str)
    assert store.notes.prune(NOW) == 0
