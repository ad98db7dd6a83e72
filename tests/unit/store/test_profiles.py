"""Rows of profiles; what they promise on each database is in ``tests/integration/store/test_store_runs.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store import schema

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.store import Store


def test_earlier_versions_stay_with_who_made_them(store: Store) -> None:
    for name in ("r1", "r2"):
        store.profiles.save("p", {"by": name}, table="s.t", identity=RunIdentity(run_id=name, dag_id="d"))
    columns = [schema.profile.c[name] for name in ("run_id", "dag_id", "table_name", "profile")]
    query = sa.select(*columns).order_by(schema.profile.c.id)
    kept = store._database.read(lambda conn: [tuple(row) for row in conn.execute(query)])
    assert kept == [("r1", "d", "s.t", {"by": "r1"}), ("r2", "d", "s.t", {"by": "r2"})]
