"""What Airflow needs to know of this package. Standard library only: it is read before anything is configured."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Return the provider contract."""
    package = "airflow_provider_aiguard"
    return {
        "package-name": "airflow-provider-aiguard",
        "name": "AI Guard",
        "description": "Provenance, confidence and guardrails for AI-augmented ETL.",
        "integrations": [{"integration-name": "AI Guard", "external-doc-url": "", "tags": ["service"]}],
        "operators": [
            {
                "integration-name": "AI Guard",
                "python-modules": [
                    f"{package}.operators.{name}"
                    for name in (
                        "alignment",
                        "budget",
                        "calibration",
                        "concept",
                        "confidence",
                        "diversity",
                        "drift",
                        "expectations",
                        "ground_truth",
                        "importance",
                        "inference",
                        "latency",
                        "profile",
                        "schema",
                        "skew",
                    )
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": "AI Guard",
                "python-modules": [
                    f"{package}.sensors.{name}"
                    for name in (
                        "budget",
                        "calibration",
                        "confidence",
                        "diversity",
                        "drift",
                        "ground_truth",
                        "schema",
                        "skew",
                    )
                ],
            }
        ],
        "hooks": [{"integration-name": "AI Guard", "python-modules": [f"{package}.hooks.aiguard"]}],
        "triggers": [{"integration-name": "AI Guard", "python-modules": [f"{package}.triggers.guard"]}],
        "connection-types": [
            {
                "connection-type": "aiguard",
                "hook-class-name": f"{package}.hooks.aiguard.AIGuardHook",
                "hook-name": "AI Guard",
                "ui-field-behaviour": {"hidden-fields": ["host", "schema", "login", "password", "port"]},
                "conn-fields": {
                    "url": {
                        "label": "SQLAlchemy URL",
                        "description": "Where the store is, such as postgresql+psycopg://user:password@host/aiguard.",
                        "schema": {"type": ["string", "null"], "format": "password"},
                    }
                },
            }
        ],
        "task-decorators": [{"name": "inference", "class-name": f"{package}.decorators.inference.inference_task"}],
        "extra-links": [f"{package}.operators.links.ReportLink", f"{package}.operators.links.MarquezLink"],
        "plugins": [{"name": "aiguard", "plugin-class": f"{package}.plugin.plugin.AIGuardPlugin"}],
        "config": {
            "aiguard": {
                "description": "AI Guard.",
                "options": {
                    "marquez_url": {
                        "description": "Address of the Marquez web UI, for the lineage button of a task.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "http://localhost:3000",
                        "default": "",
                    }
                },
            }
        },
    }
