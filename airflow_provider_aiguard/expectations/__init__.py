"""Great Expectations: our guards as expectations, suites as guards, and suites from feature schemas.

The names are imported when they are asked for: Great Expectations takes seconds to load.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_aiguard.expectations.confidence import (
        ExpectColumnConfidenceToBeSure as ExpectColumnConfidenceToBeSure,
    )
    from airflow_provider_aiguard.expectations.drift import ExpectTableToMatchBaseline as ExpectTableToMatchBaseline
    from airflow_provider_aiguard.expectations.export import suite_of as suite_of
    from airflow_provider_aiguard.expectations.ground_truth import (
        ExpectColumnAccuracyAgainstTruth as ExpectColumnAccuracyAgainstTruth,
    )
    from airflow_provider_aiguard.expectations.schema import ExpectTableToMatchSchema as ExpectTableToMatchSchema

EXPECTATIONS = {
    "ExpectColumnAccuracyAgainstTruth": "airflow_provider_aiguard.expectations.ground_truth",
    "ExpectColumnConfidenceToBeSure": "airflow_provider_aiguard.expectations.confidence",
    "ExpectTableToMatchBaseline": "airflow_provider_aiguard.expectations.drift",
    "ExpectTableToMatchSchema": "airflow_provider_aiguard.expectations.schema",
}
"""Our expectations and where they are; Great Expectations knows one once its module is imported."""

__all__ = [
    "ExpectColumnAccuracyAgainstTruth",
    "ExpectColumnConfidenceToBeSure",
    "ExpectTableToMatchBaseline",
    "ExpectTableToMatchSchema",
    "register",
    "suite_of",
]


def __getattr__(name: str) -> Any:
    if name in EXPECTATIONS or name == "suite_of":
        return getattr(importlib.import_module(EXPECTATIONS.get(name, f"{__name__}.export")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def register() -> None:
    """Make our expectations known to Great Expectations, so that suites in JSON may name them."""
    for module in EXPECTATIONS.values():
        importlib.import_module(module)
