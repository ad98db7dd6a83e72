from __future__ import annotations

import dataclasses

import pytest

from airflow_provider_aiguard.core.claims import Claim, Claims, Failure, Usage
from airflow_provider_aiguard.core.provenance import Provenance


def test_claims_without_extras_claim_nothing_more() -> None:
    claims = Claims(values={"late": [True]})
    assert (claims.confidences, claims.confidence_source, claims.failures) == ({}, None, {})
    assert claims.usage == Usage(requests=0, input_tokens=0, output_tokens=0)


def test_an_observed_claim_has_neither_confidence_nor_run() -> None:
    claim = Claim(value=3, provenance=Provenance.OBSERVED)
    assert (claim.confidence, claim.run_id) == (None, None)


@pytest.mark.parametrize(
    ("frozen", "field"),
    [(Claims(values={}), "values"), (Failure("timeout"), "reason"), (Usage(), "requests")],
)
def test_claims_do_not_change(frozen: object, field: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match=field):
        setattr(frozen, field, None)
