from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.identity import aware, matching


def test_aware_refuses_a_time_without_zone() -> None:
    now = datetime.now(UTC)
    assert aware(now, what="until") is now
    with pytest.raises(ConfigurationError, match="until must have a zone; got datetime"):
        aware(now.replace(tzinfo=None), what="until")


def test_matching_binds_every_value() -> None:
    hostile = "x' OR 1=1 --"
    now = datetime.now(UTC)
    conditions = matching(
        schema.run, schema.run.c.started_at, since=now, until=now, dag_id=hostile, dag_run_id=hostile, task_id=hostile
    )
    text = str(sa.and_(*conditions))
    assert "OR 1=1" not in text
    for part in ("started_at >= ", "started_at < ", "dag_id = ", "dag_run_id = ", "task_id = "):
        assert f"aiguard_run.{part}" in text


def test_matching_everything_is_no_condition() -> None:
    assert matching(schema.run, schema.run.c.started_at) == []


def test_an_empty_name_is_a_name() -> None:
    assert len(matching(schema.run, schema.run.c.started_at, dag_id="")) == 1
