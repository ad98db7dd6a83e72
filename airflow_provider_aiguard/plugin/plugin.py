"""The plugin: a report page in the UI, limited to the DAGs a user may read."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin


class AIGuardPlugin(AirflowPlugin):
    """Serves the report under ``/aiguard`` and links to it from the navigation and from every DAG run."""

    name = "aiguard"
    # Relative addresses: the UI may live below a prefix.
    external_views: ClassVar[list[Any]] = [  # type: ignore[misc]  # Airflow declares a plain list
        {
            "name": "AI Guard",
            "href": "aiguard/report",
            "destination": "nav",
            "category": "browse",
            "url_route": "aiguard",
        },
        {
            "name": "AI Guard",
            "href": "aiguard/report?dag_id={DAG_ID}&dag_run_id={RUN_ID}",
            "destination": "dag_run",
            "url_route": "aiguard-run",
        },
    ]

    @property
    def fastapi_apps(self) -> list[Any]:  # type: ignore[override]  # Airflow only reads it
        """The report application. A property, because workers load plugins, too, and need no web framework."""
        from airflow_provider_aiguard.plugin.app import app

        return [{"app": app, "url_prefix": "/aiguard", "name": "AI Guard"}]
