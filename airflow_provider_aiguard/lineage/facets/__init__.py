"""The facets of our own, by their key in an event. Each is described by a JSON Schema in ``lineage/schemas``."""

from __future__ import annotations

from airflow_provider_aiguard.lineage.facets.certificate import CERTIFICATE_KEY, AiguardCertificateDatasetFacet
from airflow_provider_aiguard.lineage.facets.cost import COST_KEY, AiguardCostRunFacet
from airflow_provider_aiguard.lineage.facets.provenance import PROVENANCE_KEY, AiguardProvenanceDatasetFacet
from airflow_provider_aiguard.lineage.facets.review import REVIEW_KEY, AiguardReviewRunFacet
from airflow_provider_aiguard.lineage.facets.run import RUN_KEY, AiguardRunRunFacet
from airflow_provider_aiguard.lineage.facets.verdict import VERDICT_KEY, AiguardVerdictRunFacet

FACETS = {
    PROVENANCE_KEY: AiguardProvenanceDatasetFacet,
    RUN_KEY: AiguardRunRunFacet,
    COST_KEY: AiguardCostRunFacet,
    VERDICT_KEY: AiguardVerdictRunFacet,
    CERTIFICATE_KEY: AiguardCertificateDatasetFacet,
    REVIEW_KEY: AiguardReviewRunFacet,
}
