"""Nodes and edges of lineage: what events say came from what."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from airflow_provider_aiguard.core.provenance import Provenance


class NodeKind(StrEnum):
    """What a node is."""

    DATASET = "dataset"
    COLUMN = "column"
    JOB = "job"


class EdgeKind(StrEnum):
    """What an edge says. It points with the data: from what was read to what was made of it."""

    DATA = "data"
    """Dataset to dataset: a job read the one and wrote the other."""
    COLUMN = "column"
    """Column to column: values of the one were computed from the other."""
    FILTER = "filter"
    """Column to dataset: the column decided which rows the dataset has, so it stands behind every column of it."""
    MODEL = "model"
    """Dataset to column: a model filled the column."""
    READ = "read"
    """Dataset to job: the job read it, and did not say what it wrote."""
    WRITE = "write"
    """Job to dataset: the job wrote it, and did not say what it read."""
    RENAME = "rename"
    """Dataset to dataset: the former name to the present one."""
    ALIAS = "alias"
    """Dataset to dataset, both ways: two names of one thing."""


@dataclass(frozen=True, order=True)
class Node:
    """A dataset, one of its columns, or a job.

    :param kind: which of them.
    :param namespace: namespace of the dataset or job, as events have it.
    :param name: name of the dataset or job.
    :param column: name of the column; empty unless the node is one.
    """

    kind: NodeKind
    namespace: str
    name: str
    column: str = ""

    def __str__(self) -> str:
        return f"{self.name}.{self.column}" if self.column else self.name

    @property
    def words(self) -> tuple[str, str, str, str]:
        """What nodes are sorted by. Many are compared faster by it than by themselves."""
        return str(self.kind), self.namespace, self.name, self.column

    @property
    def dataset(self) -> Node:
        """The dataset of a column; a dataset itself."""
        return dataset_node(self.namespace, self.name)


def dataset_node(namespace: str, name: str) -> Node:
    """Name a dataset as a node."""
    return Node(NodeKind.DATASET, namespace, name)


def column_node(dataset: Node, column: str) -> Node:
    """Name a column of a dataset as a node."""
    return Node(NodeKind.COLUMN, dataset.namespace, dataset.name, column)


def job_node(namespace: str, name: str) -> Node:
    """Name a job as a node."""
    return Node(NodeKind.JOB, namespace, name)


@dataclass(frozen=True)
class Edge:
    """What one event says about two nodes.

    :param source: where the data came from.
    :param target: what was made of it.
    :param job: the job that did it.
    :param kind: what the edge says.
    :param direct: of columns: whether the value itself was used, and not only in a condition, a grouping or an order.
    :param opaque: of datasets: whether the event did not say which columns came from which. Every column of the
        target may then come from the source.
    """

    source: Node
    target: Node
    job: Node
    kind: EdgeKind
    direct: bool = True
    opaque: bool = False


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where the values that one run wrote came from.

    :param origin: a :class:`Provenance`, ``mixed`` or ``unlabelled``.
    :param run_id: the run, as the companion columns hold it.
    :param model: name of the model; empty if there was none.
    :param model_version: its version.
    :param confidence: mean confidence of the inferred cells, in [0, 1].
    :param ai_share: inferred cells over all cells written, in [0, 1]; of datasets only.
    """

    origin: str
    run_id: str = ""
    model: str = ""
    model_version: str = ""
    confidence: float | None = None
    ai_share: float | None = None

    @property
    def is_fact(self) -> bool:
        """Whether every value was observed or set by a person."""
        return self.origin in (Provenance.OBSERVED, Provenance.HUMAN_ANNOTATED)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """What one event says flowed.

    :param run_id: the run in OpenLineage; empty for an event that has none.
    :param at: when it happened, with zone.
    :param complete: whether it is the event of a run that succeeded.
    :param job: whose run it was.
    :param edges: each pair of nodes and kind once.
    :param origins: where written values came from, by dataset or column.
    """

    run_id: str
    at: datetime
    complete: bool
    job: Node
    edges: tuple[Edge, ...] = ()
    origins: dict[Node, Origin] = field(default_factory=dict)
