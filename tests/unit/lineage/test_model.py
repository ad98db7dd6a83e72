from __future__ import annotations

from openlineage.client.serde import Serde

from airflow_provider_aiguard.core.run import ModelIdentity
from airflow_provider_aiguard.lineage.model import model_facets


def test_a_model_says_that_it_is_one_and_which() -> None:
    facets = model_facets(ModelIdentity(name="flights-gbm", version="3", fingerprint="ab" * 32))
    assert Serde.to_dict(facets["datasetType"])["datasetType"] == "MODEL"
    assert Serde.to_dict(facets["documentation"])["description"] == "Model flights-gbm, version 3"
    assert Serde.to_dict(facets["version"])["datasetVersion"] == "ab" * 32


def test_without_a_fingerprint_there_is_no_version() -> None:
    assert "version" not in model_facets(ModelIdentity(name="m", version="1", fingerprint=""))


def test_long_names_are_cut() -> None:
    facets = model_facets(ModelIdentity(name="m" * 500, version="1", fingerprint="f" * 500))
    assert len(Serde.to_dict(facets["documentation"])["description"]) == 160
    assert len(Serde.to_dict(facets["version"])["datasetVersion"]) == 160
