"""A model in the graph: a dataset of its own, so that what it touched is one click away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openlineage.client.facet_v2 import (
    DatasetFacet,
    dataset_type_dataset,
    dataset_version_dataset,
    documentation_dataset,
)

from airflow_provider_aiguard.lineage.sanitise import clean_text

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.run import ModelIdentity

_MAX_TEXT = 160


def model_facets(model: ModelIdentity) -> dict[str, DatasetFacet]:
    """Say that a dataset is a model, and which.

    The same whoever names the model: Marquez shows what the latest event says.

    :param model: the model; without a fingerprint there is no ``version``.
    """
    text = clean_text(f"Model {model.name}, version {model.version}", _MAX_TEXT)
    facets: dict[str, DatasetFacet] = {
        "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet(datasetType="MODEL"),
        "documentation": documentation_dataset.DocumentationDatasetFacet(description=text),
    }
    if model.fingerprint:
        fingerprint = clean_text(model.fingerprint, _MAX_TEXT)
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=fingerprint)
    return facets
