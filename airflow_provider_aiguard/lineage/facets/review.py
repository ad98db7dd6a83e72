"""``aiguard_review`` on a run: what people decided about claims."""

from __future__ import annotations

from typing import ClassVar

import attr
from openlineage.client.facet_v2 import RunFacet

from airflow_provider_aiguard.lineage.facets.base import schema_url


@attr.define(kw_only=True)
class AiguardReviewRunFacet(RunFacet):
    """How far a review batch got. Counts only: who decided what is in the store.

    :param batchId: the review batch.
    :param items: review items in it.
    :param open: items nobody has decided yet.
    :param confirmed: items where people agreed with the claim.
    :param corrected: items where people wrote another value.
    :param dropped: items that were closed without a decision.
    :param reviewers: people who decided at least one.
    :param agreement: chance-corrected agreement of the people, in [-1, 1]; absent if nothing was decided twice.
    :param targetNamespace: namespace of the dataset whose claims were reviewed.
    :param targetName: name of that dataset.
    :param detailUri: where a person reads more.
    """

    batchId: str  # noqa: N815
    items: int
    open: int
    confirmed: int
    corrected: int
    dropped: int = 0
    reviewers: int = 0
    agreement: float | None = None
    targetNamespace: str | None = None  # noqa: N815
    targetName: str | None = None  # noqa: N815
    detailUri: str | None = None  # noqa: N815

    _additional_skip_redact: ClassVar[list[str]] = ["batchId", "targetNamespace", "targetName", "detailUri"]

    @staticmethod
    def _get_schema() -> str:
        return schema_url("AiguardReviewRunFacet", "1-0-0")
