"""The report as a page of the API server. Nothing is served to a user who is not signed in."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import GetUserDep, requires_authenticated
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import HTMLResponse

from airflow_provider_aiguard.hooks.aiguard import AIGuardHook
from airflow_provider_aiguard.report.report import build_report

# Its own documentation would be served without signing in.
app = FastAPI(title="AI Guard", dependencies=[Depends(requires_authenticated())], openapi_url=None)


@app.get("/report")
def report(user: GetUserDep, dag_id: str | None = None, dag_run_id: str | None = None) -> HTMLResponse:
    """Show the report of a DAG run, of a DAG, or of every DAG the user may read."""
    readable = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    if dag_id is not None and dag_id not in readable:
        raise HTTPException(403, "You may not read this DAG.")
    store = AIGuardHook().get_conn()
    try:
        runs = store.runs.list(dag_id=dag_id, dag_run_id=dag_run_id)
        verdicts = store.verdicts.list(dag_id=dag_id, dag_run_id=dag_run_id)
        drawn = store.measurements.of_guard("drift", dag_id=dag_id, dag_run_id=dag_run_id)
        budgets = store.budgets.windows(dag_ids=readable if dag_id is None else [dag_id])
    finally:
        store.close()
    page = build_report(
        [run for run in runs if run.identity.dag_id in readable],
        [verdict for verdict in verdicts if verdict.identity.dag_id in readable],
        [seen for seen in drawn if seen.identity.dag_id in readable],
        budgets=budgets,
        title=f"AI Guard: {dag_id or 'all DAGs'}",
        generated_at=datetime.now(UTC),
    )
    return HTMLResponse(page)
