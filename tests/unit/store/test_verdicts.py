"""Rows of verdicts; what they promise on each database is in ``tests/integration/store/test_store_runs.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Verdict
from airflow_provider_aiguard.store import schema

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.store import Store


def test_a_replaced_verdict_leaves_no_checks_behind(store: Store) -> None:
    checks = tuple(CheckResult(check=f"c{i}", outcome=Outcome.PASS, message="m") for i in range(5))
    for some in (checks, checks[:2]):
        store.verdicts.record(RunIdentity(run_id="r"), Verdict(guard="g", subject="s", checks=some))
    count = sa.select(sa.func.count()).select_from(schema.check)
    assert store._database.read(lambda conn: conn.scalar(count)) == 2
