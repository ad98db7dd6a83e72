"""What makes a training set descend from the model that is trained on it."""

from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.ancestry import Ancestor, Ancestry
from airflow_provider_aiguard.core.lineage import Node, Origin, dataset_node
from airflow_provider_aiguard.lineage.datasets import MODEL_NAMESPACE, model_dataset
from airflow_provider_aiguard.lineage.loops import own_work

RAW = dataset_node("duckdb:///w", "main.raw")


def behind(node: Node, origin: Origin | None = None) -> Ancestry:
    return Ancestry(dataset_node("duckdb:///w", "main.t"), (Ancestor(RAW, 1), Ancestor(node, 2, origin)), ())


@pytest.mark.parametrize("version", ["1", "a/b:c"])
@pytest.mark.parametrize("name", ["gbm", "team/gbm", "a:b"])
def test_a_model_of_the_name_in_any_version(name: str, version: str) -> None:
    found = behind(dataset_node(MODEL_NAMESPACE, model_dataset(name, version).name))
    own = own_work(found, name)
    assert own is not None
    assert own.node.namespace == MODEL_NAMESPACE


@pytest.mark.parametrize(
    "node", [dataset_node(MODEL_NAMESPACE, "gbm-2/1"), dataset_node(MODEL_NAMESPACE, "team/gbm/1"), RAW,
             dataset_node("file", "gbm/1")],
)  # fmt: skip
def test_another_model_or_table_is_none(node: Node) -> None:
    assert own_work(behind(node), "gbm") is None


def test_what_the_model_wrote() -> None:
    assert own_work(behind(RAW, Origin(origin="ai_inferred", model="gbm")), "gbm")
    assert own_work(behind(RAW, Origin(origin="ai_inferred", model="other")), "gbm") is None
    assert own_work(behind(RAW, Origin(origin="observed")), "gbm") is None
