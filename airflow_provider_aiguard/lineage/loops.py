"""Feedback loops: a model that learns from what a model of its name inferred."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_aiguard.lineage.datasets import MODEL_NAMESPACE, model_dataset

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.ancestry import Ancestor, Ancestry


def own_work(found: Ancestry, model: str) -> Ancestor | None:
    """Find what makes a training set descend from the model that is trained on it, in whatever version.

    :param found: what stands behind the training set.
    :param model: name of the model.
    :returns: the nearest such ancestor, the model itself or what it wrote; ``None`` if no event tells of one.
    """
    family = _family(model_dataset(model, "").name)
    for one in found.ancestors:
        is_it = one.node.namespace == MODEL_NAMESPACE and _family(one.node.name) == family
        if is_it or (one.origin is not None and one.origin.model == model):
            return one
    return None


def _family(name: str) -> str:
    """What is before the last ``/`` is the same for all versions."""
    return name.rpartition("/")[0]
