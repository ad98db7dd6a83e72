from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import attr
import pytest
from facet_checks import checked, size, validate
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lineage_samples import confidences, summary_of
from openlineage.client.serde import Serde

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary, ModelIdentity, ModelSummary
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.lineage.datasets import DatasetName
from airflow_provider_aiguard.lineage.facets import FACETS
from airflow_provider_aiguard.lineage.facets.base import MAX_FACET_BYTES, SCHEMA_BASE_URL, load_schema
from airflow_provider_aiguard.lineage.facets.certificate import ColumnCertificate
from airflow_provider_aiguard.lineage.facets.cost import cost_facet
from airflow_provider_aiguard.lineage.facets.provenance import (
    AiguardProvenanceDatasetFacet,
    ColumnProvenance,
    provenance_facet,
)
from airflow_provider_aiguard.lineage.facets.run import run_facet
from airflow_provider_aiguard.lineage.facets.verdict import verdict_facet

PARTS = {
    ColumnProvenance: AiguardProvenanceDatasetFacet,
    ColumnCertificate: FACETS["aiguard_certificate"],
}


@pytest.mark.parametrize(("key", "facet"), FACETS.items())
def test_the_schema_is_where_the_facet_says(key: str, facet: Any) -> None:
    url, _, pointer = facet._get_schema().partition("#")
    schema = load_schema(facet._get_schema())
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == url == f"{SCHEMA_BASE_URL}/1-0-0/{facet.__name__}.json"
    assert pointer == f"/$defs/{facet.__name__}"
    assert list(schema["properties"]) == [key]
    base = schema["$defs"][facet.__name__]["allOf"][0]["$ref"]
    assert base.startswith("https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/")
    assert base.endswith(facet.__mro__[1].__name__)


@pytest.mark.parametrize("facet", [*FACETS.values(), *PARTS])
def test_schema_and_class_agree(facet: Any) -> None:
    definition = load_schema(PARTS.get(facet, facet)._get_schema())["$defs"][facet.__name__]
    body = definition["allOf"][1] if "allOf" in definition else definition
    fields = [a for a in attr.fields(facet) if not a.name.startswith("_")]
    assert set(body["properties"]) == {a.name for a in fields}
    assert {a.name for a in fields if a.default is attr.NOTHING} <= set(body["required"])
    assert all(p.get("description") for p in body["properties"].values() if "$ref" not in p)


@pytest.mark.parametrize("facet", [*FACETS.values(), *PARTS])
def test_airflow_redacts_no_text_of_ours(facet: Any) -> None:
    numbers = ("int", "float")
    texts = {a.name for a in attr.fields(facet) if not a.name.startswith("_") and not str(a.type).startswith(numbers)}
    skipped = {*getattr(facet, "_additional_skip_redact", ()), *facet._skip_redact}
    assert texts <= skipped


@pytest.mark.parametrize("url", ["https://x/" + "a" * 500, "https://x/ä", "https://x/a b", "https://x/\n", ""])
def test_a_link_that_would_break_is_left_out(summary: InferenceSummary, url: str) -> None:
    assert "detailUri" not in validate(provenance_facet(summary, run_url=url))


ANY_TEXT = st.text(st.characters(), max_size=400)


@settings(max_examples=40, deadline=None)
@given(name=ANY_TEXT, version=ANY_TEXT, run_id=ANY_TEXT, column=ANY_TEXT.filter(bool), number=st.floats())
def test_any_text_and_any_number_make_a_valid_small_facet(
    name: str, version: str, run_id: str, column: str, number: float
) -> None:
    late = ColumnSummary(
        provenance={"ai_inferred": 1},
        confidence=ConfidenceSummary(total=math.nan, counts=confidences(0.5).counts),
        confidence_source=name,
    )
    summary = summary_of(
        {f"{column}{i}": late for i in range(60)},
        run_id=run_id,
        model=ModelIdentity(name=name, version=version, fingerprint=name),
        seconds=abs(number),
        model_seconds=math.nan,
    )
    target = DatasetName("duckdb://" + "x" * 2000, column * 5)
    budgets = [Budget("b" + name, 1)]
    for facet in (provenance_facet(summary), run_facet(summary, target=target), cost_facet(summary, budgets=budgets)):
        data = validate(facet)
        assert size(facet) < MAX_FACET_BYTES
        json.dumps(data, allow_nan=False)


def test_the_worst_text_still_fits() -> None:
    wide = "\U0001f6a8" * 3000  # twelve bytes a character in JSON
    summary = summary_of({}, run_id=wide, model=ModelIdentity(name=wide, version=wide, fingerprint=wide))
    facet = run_facet(summary, target=DatasetName("d" * 3000, wide), run_url="h" * 500)
    assert size(facet) < MAX_FACET_BYTES
    models = (ModelSummary(model=summary.model),) * 9
    cost = cost_facet(replace(summary, models=models), budgets=[Budget(wide, 1)], run_url="h" * 500)
    verdict = Verdict(guard=wide, subject=wide, checks=(checked(Outcome.BREACH, column=wide),))
    assert size(cost) < MAX_FACET_BYTES
    assert size(verdict_facet(verdict, reason=wide, reference=wide)) < MAX_FACET_BYTES
    assert json.loads(Serde.to_json(facet))["model"].endswith("…[cut]")
