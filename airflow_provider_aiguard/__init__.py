"""AI Guard for Apache Airflow: provenance, confidence and guardrails for AI-augmented ETL."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.budget import Budget as Budget
    from airflow_provider_aiguard.core.calibration_map import CalibrationMap as CalibrationMap
    from airflow_provider_aiguard.core.certificate import Certificate as Certificate
    from airflow_provider_aiguard.core.claims import Claims as Claims
    from airflow_provider_aiguard.core.claims import Failure as Failure
    from airflow_provider_aiguard.core.price import Price as Price
    from airflow_provider_aiguard.core.provenance import ConfidenceSource as ConfidenceSource
    from airflow_provider_aiguard.core.provenance import Provenance as Provenance
    from airflow_provider_aiguard.core.reference import Reference as Reference
    from airflow_provider_aiguard.core.table import Table as Table
    from airflow_provider_aiguard.inference.cascade import Cascade as Cascade
    from airflow_provider_aiguard.inference.cascade import Level as Level
    from airflow_provider_aiguard.models.concurrency import Pacing as Pacing
    from airflow_provider_aiguard.models.http import HttpModel as HttpModel
    from airflow_provider_aiguard.models.llm.model import LanguageModel as LanguageModel
    from airflow_provider_aiguard.models.onnx import OnnxModel as OnnxModel
    from airflow_provider_aiguard.models.sklearn import SklearnModel as SklearnModel

__version__ = "0.1.0"

_LAZY_IMPORTS = {
    "Budget": "airflow_provider_aiguard.core.budget",
    "CalibrationMap": "airflow_provider_aiguard.core.calibration_map",
    "Cascade": "airflow_provider_aiguard.inference.cascade",
    "Certificate": "airflow_provider_aiguard.core.certificate",
    "Claims": "airflow_provider_aiguard.core.claims",
    "ConfidenceSource": "airflow_provider_aiguard.core.provenance",
    "Failure": "airflow_provider_aiguard.core.claims",
    "HttpModel": "airflow_provider_aiguard.models.http",
    "LanguageModel": "airflow_provider_aiguard.models.llm.model",
    "Level": "airflow_provider_aiguard.inference.cascade",
    "OnnxModel": "airflow_provider_aiguard.models.onnx",
    "Pacing": "airflow_provider_aiguard.models.concurrency",
    "Price": "airflow_provider_aiguard.core.price",
    "Provenance": "airflow_provider_aiguard.core.provenance",
    "Reference": "airflow_provider_aiguard.core.reference",
    "SklearnModel": "airflow_provider_aiguard.models.sklearn",
    "Table": "airflow_provider_aiguard.core.table",
}

__all__ = [
    "Budget",
    "CalibrationMap",
    "Cascade",
    "Certificate",
    "Claims",
    "ConfidenceSource",
    "Failure",
    "HttpModel",
    "LanguageModel",
    "Level",
    "OnnxModel",
    "Pacing",
    "Price",
    "Provenance",
    "Reference",
    "SklearnModel",
    "Table",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY_IMPORTS:
        return getattr(importlib.import_module(_LAZY_IMPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
