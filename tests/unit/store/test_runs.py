"""Queries of runs; what they promise on each database is in ``tests/integration/store/test_store_runs.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from airflow_provider_aiguard.core.run import InferenceSummary, ModelIdentity, RunIdentity

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.store import Store


def test_progress_is_one_statement(store: Store) -> None:
    model = ModelIdentity(name="m", version="1", fingerprint="f")
    store.runs.start(RunIdentity(run_id="r"), model, "a", "b")
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        store.runs.progress(InferenceSummary(run_id="r", model=model, source="a", target="b", rows=1))
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    begin, update = seen
    assert begin == "BEGIN IMMEDIATE"
    assert update.startswith("UPDATE aiguard_run SET summary=")
