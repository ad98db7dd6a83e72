"""The facets of our own, by their key in an event. Each is described by a JSON Schema in ``lineage/schemas``."""

from __future__ import annotations

from airflow_provider_aiguard.lineage.facets.certificate import AiguardCertificateDatasetFacet
from airflow_provider_aiguard.lineage.facets.cost import AiguardCostRunFacet
from airflow_provider_aiguard.lineage.facets.provenance import AiguardProvenanceDatasetFacet
from airflow_provider_aiguard.lineage.facets.review import AiguardReviewRunFacet
from airflow_provider_aiguard.lineage.facets.run import AiguardRunRunFacet
from airflow_provider_aiguard.lineage.facets.verdict import AiguardVerdictRunFacet
from airflow_provider_aiguard.lineage.keys import (
    CERTIFICATE_KEY,
    COST_KEY,
    PROVENANCE_KEY,
    REVIEW_KEY,
    RUN_KEY,
    VERDICT_KEY,
)

FACETS = {
    PROVENANCE_KEY: AiguardProvenanceDatasetFacet,
    RUN_KEY: AiguardRunRunFacet,
    COST_KEY: AiguardCostRunFacet,
    VERDICT_KEY: AiguardVerdictRunFacet,
    CERTIFICATE_KEY: AiguardCertificateDatasetFacet,
    REVIEW_KEY: AiguardReviewRunFacet,
}
