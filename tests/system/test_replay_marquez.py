"""Events that were kept while nobody was there, replayed to a real Marquez: its state is that of the outbox."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lineage_tasks import settings
from marquez_scene import PRODUCER, Scene, inferred, named, with_schema

from airflow_provider_aiguard.lineage.doctor import examine
from airflow_provider_aiguard.lineage.replay import replay
from airflow_provider_aiguard.lineage.settings import DurableConfig
from airflow_provider_aiguard.lineage.transport import DurableTransport
from airflow_provider_aiguard.store.store import open_store

JOBS = 8
ASSERTIONS_URL = (
    "https://openlineage.io/spec/facets/1-0-2/DataQualityAssertionsDatasetFacet.json"
    "#/$defs/DataQualityAssertionsDatasetFacet"
)


@pytest.mark.marquez
def test_a_real_marquez_gets_what_it_lacks(tmp_path: Path) -> None:
    url = os.environ["MARQUEZ_URL"]
    # Not real: it makes events and leaves sending them to the transport.
    scene = Scene(url, uuid.uuid4().hex[:8], real=False)
    transport = DurableTransport(DurableConfig.from_dict(settings(tmp_path)))
    for number in range(JOBS):
        for kind in ("START", "COMPLETE"):
            transport.emit(scene.event(f"load_{number}", kind, writes=(scene.dataset("rows"),)))
    step = scene.step({"late": inferred(0.81, 0.85)})
    transport.emit({**step, "eventType": "START", "outputs": []})
    transport.emit(step)
    config = DurableConfig.from_dict(settings(tmp_path, url))
    with open_store(config.store) as store:
        done = replay(store, config)
        assert (done.sent.accepted, done.sent.set_aside, done.left) == (2 * JOBS + 2, 0, 0)
        assert done.sent.tagged == 1
        assert_complete(scene, step)
        # It is the same again, were it sent twice.
        assert replay(store, config, again=True).left == 0
        assert_complete(scene, step)
        assert replay(store, config).sent.accepted == 0
        assert [finding for finding in examine(store, config) if finding.to_do] == []


@pytest.mark.marquez
def test_what_one_event_says_a_later_one_does_not_wipe(tmp_path: Path) -> None:
    url = os.environ["MARQUEZ_URL"]
    scene = Scene(url, uuid.uuid4().hex[:8], real=False)
    transport = DurableTransport(DurableConfig.from_dict(settings(tmp_path)))
    table = scene.dataset("flights_scored")
    events = [scene.step({"late": inferred(0.81, 0.85)})]
    for guard, success in (("right", False), ("sure", True)):
        checks = {"assertions": [{"assertion": f"{guard}: late", "success": success, "column": "late"}]}
        facets = {"dataQualityAssertions": {"_producer": PRODUCER, "_schemaURL": ASSERTIONS_URL, **checks}}
        events.append(scene.event(guard, reads=({**named(table), "inputFacets": facets},)))
    events.append(scene.event("report", reads=(with_schema(table, "late", kind="BOOLEAN"),)))
    # Checks of long ago are not said again.
    for second, event in enumerate(events):
        transport.emit({**event, "eventTime": (datetime.now(UTC) + timedelta(seconds=second)).isoformat()})
    config = DurableConfig.from_dict(settings(tmp_path, url))
    with open_store(config.store) as store:
        assert replay(store, config).left == 0
    seen = scene.client.dataset(table)
    assert seen is not None
    assert "AI-inferred" in seen["description"]
    (late,) = [field for field in seen["fields"] if field["name"] == "late"]
    assert "[AI-inferred]" in late["description"]
    found = seen["facets"]["dataQualityAssertions"]["assertions"]
    assert {one["assertion"]: one["success"] for one in found} == {"right: late": False, "sure: late": True}


def assert_complete(scene: Scene, step: dict[str, object]) -> None:
    runs = [scene.run_id(f"load_{number}/") for number in range(JOBS)] + [step["run"]["runId"]]  # type: ignore[index]
    states = [scene.client.run(run) for run in runs]
    assert [state and state["state"] for state in states] == ["COMPLETED"] * len(runs)
    written = scene.client.dataset(scene.dataset("flights_scored"))
    assert written is not None
    assert "AI_INFERRED" in written["tags"]
