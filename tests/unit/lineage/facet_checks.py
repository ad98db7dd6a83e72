"""What tests of facets ask of them."""

from __future__ import annotations

import json
from typing import Any

from openlineage.client.serde import Serde
from openlineage_schema import validate_facet

from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity
from airflow_provider_aiguard.lineage.facets import FACETS

KEYS = {cls: key for key, cls in FACETS.items()}
LINK = "https://airflow.example/run"


def validate(facet: Any) -> dict[str, Any]:
    """The facet as JSON, after its own schema has accepted it."""
    data: dict[str, Any] = json.loads(Serde.to_json(facet))
    place = "run" if type(facet).__name__.endswith("RunFacet") else "facets"
    validate_facet(place, KEYS[type(facet)], data)
    return data


def told(facet: Any) -> dict[str, Any]:
    """What it says beyond what every facet has."""
    return {name: value for name, value in validate(facet).items() if not name.startswith("_")}


def size(facet: Any) -> int:
    return len(Serde.to_json(facet).encode())


def checked(outcome: Outcome, severity: Severity = Severity.ERROR, **changes: Any) -> CheckResult:
    values = {"check": "drift.ks", "message": "moved", "column": "hour", "value": 0.1234567, "limit": 0.1}
    return CheckResult(outcome=outcome, severity=severity, **{**values, **changes})
