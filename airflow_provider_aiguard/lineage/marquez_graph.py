"""Marquez as a second source: edges of events that never passed our transport, and where the two disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.lineage import Edge, EdgeKind, Node, NodeKind, dataset_node, job_node
from airflow_provider_aiguard.lineage.datasets import DatasetName
from airflow_provider_aiguard.lineage.marquez import marquez_edges

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_aiguard.core.ancestry import Step, Trace
    from airflow_provider_aiguard.lineage.marquez import MarquezClient


def edges_around(client: MarquezClient, subject: Node, *, depth: int) -> list[Edge]:
    """Ask Marquez for the edges around a dataset, or around the dataset of a column.

    :param client: of the Marquez to ask.
    :param subject: the dataset or the column.
    :param depth: most jobs to pass, in both directions.
    :raises MarquezUnavailableError: if Marquez does not answer.
    """
    return [
        Edge(
            dataset_node(one.source_namespace, one.source_name),
            dataset_node(one.target_namespace, one.target_name),
            job_node(one.job_namespace, one.job_name),
            EdgeKind.DATA,
            opaque=True,
        )
        for one in marquez_edges(client, DatasetName(subject.namespace, subject.name), depth=depth)
    ]


def disagreements(trace: Trace, theirs: Collection[Edge]) -> tuple[list[Edge], list[Edge]]:
    """Compare what was walked with what Marquez says.

    Marquez shows the latest version of each job: it lacks edges of jobs that run now, that said less in their last run,
    or that were deleted. Events lack what never passed our transport.

    :param trace: a walk from a dataset that took ``theirs`` too.
    :param theirs: what Marquez says.
    :returns: edges that events alone say, and edges that Marquez alone says; both of the walk.
    """
    steps = [step for steps in trace.steps.values() for step in steps]
    pairs = {(edge.source, edge.target) for edge in theirs}
    said = {_with_the_data(trace, step) for step in steps if step.last_at}
    into_jobs = {(source, job) for source, job in said if job.kind is NodeKind.JOB}
    through_jobs = {(source, target) for source, job in into_jobs for by, target in said if by == job}
    data = {step: _with_the_data(trace, step) for step in steps if step.kind is EdgeKind.DATA}
    ours = {_edge(pair, step) for step, pair in data.items() if step.last_at and pair not in pairs}
    alone = {_edge(pair, step) for step, pair in data.items() if not step.last_at and pair not in through_jobs}
    return sorted(ours, key=_order), sorted(alone, key=_order)


def _with_the_data(trace: Trace, step: Step) -> tuple[Node, Node]:
    return (step.there, step.here) if trace.direction.is_upstream else (step.here, step.there)


def _edge(pair: tuple[Node, Node], step: Step) -> Edge:
    return Edge(*pair, step.job, EdgeKind.DATA)


def _order(edge: Edge) -> tuple[Node, Node, Node]:
    return edge.source, edge.target, edge.job
