"""Tables and events, as tests of the lineage graph write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from event_samples import NAMESPACE

from airflow_provider_aiguard.core.lineage import Node, column_node, dataset_node
from airflow_provider_aiguard.lineage.edges import edges_of

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.store import Store


def tell(store: Store, *events: dict[str, Any]) -> None:
    for one in events:
        flow = edges_of(one)
        assert flow is not None
        store.graph.record(flow)


def table(words: str) -> Node:
    """``name`` or ``name:column``."""
    name, _, column = words.partition(":")
    whole = dataset_node(NAMESPACE, name)
    return column_node(whole, column) if column else whole
