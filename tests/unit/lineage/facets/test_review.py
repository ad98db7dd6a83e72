from __future__ import annotations

import pytest
from facet_checks import told, validate
from jsonschema import ValidationError

from airflow_provider_aiguard.lineage.facets.review import AiguardReviewRunFacet


def test_review() -> None:
    facet = AiguardReviewRunFacet(batchId="b-1", items=20, open=5, confirmed=12, corrected=3, agreement=-0.2)
    data = told(facet)
    assert (data["items"], data["dropped"], data["reviewers"], data["agreement"]) == (20, 0, 0, -0.2)
    with pytest.raises(ValidationError, match="minimum"):
        validate(AiguardReviewRunFacet(batchId="b-1", items=-1, open=0, confirmed=0, corrected=0))
