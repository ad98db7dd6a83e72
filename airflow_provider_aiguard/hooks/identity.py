"""From an Airflow context to the identity of a run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from airflow.sdk import conf

from airflow_provider_aiguard.core.run import RunIdentity

log = logging.getLogger(__name__)


def identity_of(context: Mapping[str, Any]) -> RunIdentity:
    """Identity of the task try that a context belongs to.

    The run id is Airflow's own id of the task instance, which is new for every try.
    """
    ti = context.get("ti")
    if ti is None:
        return RunIdentity(run_id=str(uuid4()))
    return RunIdentity(
        run_id=str(getattr(ti, "id", None) or uuid4()),
        dag_id=ti.dag_id,
        dag_run_id=ti.run_id,
        task_id=ti.task_id,
        map_index=ti.map_index if ti.map_index is not None else -1,
        try_number=ti.try_number or 1,
        openlineage_run_id=_openlineage_run_id(ti),
        logical_date=_logical_date(context),
    )


def task_url(identity: RunIdentity) -> str | None:
    """Where Airflow shows the task try; ``None`` outside Airflow, or if ``[api] base_url`` is no full address."""
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    if not base.startswith("http") or not identity.dag_id:
        return None
    mapped = f"/mapped/{identity.map_index}" if identity.map_index >= 0 else ""
    run = quote(identity.dag_run_id)
    return f"{base}/dags/{identity.dag_id}/runs/{run}/tasks/{identity.task_id}{mapped}?try_number={identity.try_number}"


def _logical_date(context: Mapping[str, Any]) -> str:
    dag_run = context.get("dag_run")
    when = context.get("logical_date") or getattr(dag_run, "run_after", None)
    return when.isoformat() if when is not None else ""


def _openlineage_run_id(ti: Any) -> str | None:
    try:
        from airflow.providers.openlineage.api import is_openlineage_active
        from airflow.providers.openlineage.plugins.macros import lineage_run_id

        return str(lineage_run_id(ti)) if is_openlineage_active() else None
    except Exception:
        log.warning("The OpenLineage run id could not be had; the run is stored without it.", exc_info=True)
        return None
