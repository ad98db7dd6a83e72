"""Events that were kept while nobody was there, replayed to a real Marquez: its state is that of the outbox."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest
from lineage_tasks import settings
from marquez_scene import Scene, inferred

from airflow_provider_aiguard.lineage.doctor import examine
from airflow_provider_aiguard.lineage.replay import replay
from airflow_provider_aiguard.lineage.settings import DurableConfig
from airflow_provider_aiguard.lineage.transport import DurableTransport
from airflow_provider_aiguard.store.store import open_store

JOBS = 8


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


def assert_complete(scene: Scene, step: dict[str, object]) -> None:
    runs = [scene.run_id(f"load_{number}/") for number in range(JOBS)] + [step["run"]["runId"]]  # type: ignore[index]
    states = [scene.client.run(run) for run in runs]
    assert [state and state["state"] for state in states] == ["COMPLETED"] * len(runs)
    written = scene.client.dataset(scene.dataset("flights_scored"))
    assert written is not None
    assert "AI_INFERRED" in written["tags"]
