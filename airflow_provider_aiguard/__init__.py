"""AI Guard for Apache Airflow: provenance, confidence and guardrails for AI-augmented ETL."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.budget import Budget as Budget
    from airflow_provider_aiguard.core.claims import Claims as Claims
    from airflow_provider_aiguard.core.claims import Failure as Failure
    from airflow_provider_aiguard.core.provenance import ConfidenceSource as ConfidenceSource
    from airflow_provider_aiguard.core.provenance import Provenance as Provenance
    from airflow_provider_aiguard.core.table import Table as Table
    from airflow_provider_aiguard.models.sklearn import SklearnModel as SklearnModel

__version__ = "0.1.0"

_LAZY_IMPORTS = {
    "Budget": "airflow_provider_aiguard.core.budget",
    "Claims": "airflow_provider_aiguard.core.claims",
    "ConfidenceSource": "airflow_provider_aiguard.core.provenance",
    "Failure": "airflow_provider_aiguard.core.claims",
    "Provenance": "airflow_provider_aiguard.core.provenance",
    "SklearnModel": "airflow_provider_aiguard.models.sklearn",
    "Table": "airflow_provider_aiguard.core.table",
}

__all__ = [
    "Budget",
    "Claims",
    "ConfidenceSource",
    "Failure",
    "Provenance",
    "SklearnModel",
    "Table",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY_IMPORTS:
        return getattr(importlib.import_module(_LAZY_IMPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
