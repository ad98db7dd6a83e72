"""From one OpenLineage event to edges: any operator's event, as a plain dict.

COMPLETE decides. Other events only add, and an edge that no COMPLETE event has said is marked so:

========================  ======================================================================
COMPLETE                  everything, and where the values came from
FAIL, ABORT, RUNNING      what was read and written: a run that failed may have written a part
START, OTHER              what was read; outputs are an intention
no type (a job, dataset)  what is declared
========================  ======================================================================

An event with inputs and outputs gives an edge from every input to every output. One that lacks either side, or has
more than :data:`MAX_PAIRS` such pairs, gives edges to and from its job instead, so that what several events of a run
say is joined at the job. Nothing an event holds makes this fail: what cannot be read is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.lineage import (
    Edge,
    EdgeKind,
    Flow,
    Node,
    Origin,
    column_node,
    dataset_node,
    job_node,
)
from airflow_provider_aiguard.lineage.keys import PROVENANCE_KEY, RUN_KEY
from airflow_provider_aiguard.lineage.sanitise import finite, moment_of
from airflow_provider_aiguard.store.flows import add_flow

if TYPE_CHECKING:
    from sqlalchemy import Connection

MAX_PAIRS = 1_000
"""Most pairs of an input and an output of one event."""

MAX_COLUMN_EDGES = 2_000
"""Most column edges of one event. An output with which they would be more is told by datasets alone."""

_READS_ONLY = ("START", "OTHER")


def edges_of(event: Mapping[str, Any]) -> Flow | None:
    """Read what an event says flowed.

    :param event: an OpenLineage run, job or dataset event, as JSON gives it.
    :returns: ``None`` if it says nothing about datasets, or does not say when.
    """
    event = _mapping(event)
    at = moment_of(event.get("eventTime"))
    if at is None:
        return None
    kind = (_text(event.get("eventType")) or "").upper()
    named = _mapping(event.get("job"))
    job = job_node(_text(named.get("namespace")) or "", _text(named.get("name")) or "")
    reading = _Reading(event, job, reads_only=kind in _READS_ONLY)
    edges = _merged(reading.edges())
    if not edges:
        return None
    complete = kind == "COMPLETE"
    run_id = _text(_mapping(event.get("run")).get("runId")) or ""
    origins = dict(reading.origins()) if complete else {}
    return Flow(run_id=run_id, at=at, complete=complete, job=job, edges=edges, origins=origins)


def add_edges(conn: Connection, event: Mapping[str, Any]) -> None:
    """Write what an event says into the store's graph, in the transaction that keeps the event.

    :param event: see :func:`edges_of`.
    """
    flow = edges_of(event)
    if flow:
        add_flow(conn, flow)


class _Reading:
    """One event, taken apart."""

    def __init__(self, event: Mapping[str, Any], job: Node, *, reads_only: bool) -> None:
        self._job = job
        self._reads_only = reads_only
        self._inputs = _datasets(event.get("inputs"))
        self._outputs = {} if reads_only else _datasets(event.get("outputs")) or _target_of_ours(event)
        declared = _datasets([event.get("dataset")])
        self._named = [*self._inputs.items(), *self._outputs.items(), *declared.items()]
        self._outputs |= {node: facets for node, facets in declared.items() if _facet(facets, "columnLineage")}
        self._left = MAX_COLUMN_EDGES

    def edges(self) -> Iterator[Edge]:
        """All edges, some perhaps twice."""
        sources: dict[Node, set[Node]] = {}
        unsaid: dict[Node, set[Node]] = {}
        for target, facets in self._outputs.items():
            told = list(self._columns(target, facets))
            sources[target] = {*self._inputs, *(edge.source.dataset for edge in told)}
            if len(told) > self._left:
                told = []
            self._left -= len(told)
            unsaid[target] = sources[target] - {edge.source.dataset for edge in told}
            yield from told
        yield from self._between_datasets(sources, unsaid)
        for node, facets in self._named:
            yield from self._names(node, facets)

    def origins(self) -> Iterator[tuple[Node, Origin]]:
        """Where what was written came from, where our facet says so."""
        for node, facets in self._outputs.items():
            facet = _facet(facets, PROVENANCE_KEY)
            if origin := _origin(facet, facet):
                yield node, origin
            for column in _mappings(facet.get("columns")):
                name, origin = _text(column.get("name")), _origin(column, facet)
                if name and origin:
                    yield column_node(node, name), origin

    def _between_datasets(self, sources: Mapping[Node, set[Node]], unsaid: Mapping[Node, set[Node]]) -> Iterator[Edge]:
        """Edges of datasets, opaque where the event did not say which columns came from which."""
        through_job = sum(map(len, sources.values())) > MAX_PAIRS
        for target, found in sources.items():
            if found and not through_job:
                for source in found:
                    yield self._edge(source, target, EdgeKind.DATA, opaque=source in unsaid[target])
            elif self._job.name:
                yield self._edge(self._job, target, EdgeKind.WRITE, opaque=not found or bool(unsaid[target]))
        if self._job.name and (through_job or not sources):
            for source in {*self._inputs}.union(*sources.values()):
                yield self._edge(source, self._job, EdgeKind.READ)

    def _columns(self, target: Node, facets: Mapping[str, Any]) -> Iterator[Edge]:
        """Edges from columns, and from models to the columns they filled."""
        facet = _facet(facets, "columnLineage")
        for name, entry in _mapping(facet.get("fields")).items():
            for field in _mappings(_mapping(entry).get("inputFields")):
                if (source := _column(field)) and name:
                    direct = _direct(field, _mapping(entry))
                    yield self._edge(source, column_node(target, name), EdgeKind.COLUMN, direct=direct)
        for field in _mappings(facet.get("dataset")):
            if source := _column(field):
                yield self._edge(source, target, EdgeKind.FILTER, direct=False)
        models = [node for node, inputs in self._inputs.items() if _is_model(inputs)]
        for model, name in product(models, _filled(_facet(facets, PROVENANCE_KEY))):
            yield self._edge(model, column_node(target, name), EdgeKind.MODEL)

    def _names(self, node: Node, facets: Mapping[str, Any]) -> Iterator[Edge]:
        change = _facet(facets, "lifecycleStateChange")
        former = _dataset(_mapping(change.get("previousIdentifier")))
        renamed = change.get("lifecycleStateChange") == "RENAME" and not self._reads_only
        if renamed and former and former != node:
            yield self._edge(former, node, EdgeKind.RENAME)
        for identifier in _mappings(_facet(facets, "symlinks").get("identifiers")):
            if (other := _dataset(identifier)) and other != node:
                yield self._edge(other, node, EdgeKind.ALIAS)
                yield self._edge(node, other, EdgeKind.ALIAS)

    def _edge(self, source: Node, target: Node, kind: EdgeKind, *, direct: bool = True, opaque: bool = False) -> Edge:
        return Edge(source, target, self._job, kind, direct=direct, opaque=opaque)


def _merged(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """Each pair of nodes and kind once: direct or opaque if any of them is."""
    found: dict[tuple[Node, Node, EdgeKind], Edge] = {}
    for edge in edges:
        key = edge.source, edge.target, edge.kind
        known = found.setdefault(key, edge)
        if known is not edge:
            found[key] = replace(known, direct=edge.direct or known.direct, opaque=edge.opaque or known.opaque)
    return tuple(found.values())


def _datasets(items: Any) -> dict[Node, Mapping[str, Any]]:
    """Facets by dataset, in the event's order."""
    found: dict[Node, Mapping[str, Any]] = {}
    for item in _mappings(items):
        if node := _dataset(item):
            found[node] = {**found.get(node, {}), **_mapping(item.get("facets"))}
    return found


def _dataset(item: Mapping[str, Any]) -> Node | None:
    namespace, name = _text(item.get("namespace")), _text(item.get("name"))
    return dataset_node(namespace, name) if namespace and name else None


def _column(field: Mapping[str, Any]) -> Node | None:
    dataset, name = _dataset(field), _text(field.get("field"))
    return column_node(dataset, name) if dataset and name else None


def _target_of_ours(event: Mapping[str, Any]) -> dict[Node, Mapping[str, Any]]:
    """Where a failed AI step's finished chunks are: its event names no outputs, but its run says where it wrote."""
    run = _mapping(_mapping(_mapping(event.get("run")).get("facets")).get(RUN_KEY))
    target = _dataset({"namespace": run.get("targetNamespace"), "name": run.get("targetName")})
    return {target: {}} if target and run.get("chunks") else {}


def _filled(facet: Mapping[str, Any]) -> list[str]:
    """Columns that a model filled; none unless the facet lists them all."""
    if facet.get("columnsOmitted"):
        return []
    columns = [column for column in _mappings(facet.get("columns")) if _text(column.get("model"))]
    return [name for column in columns if (name := _text(column.get("name")))]


def _is_model(facets: Mapping[str, Any]) -> bool:
    return (_text(_facet(facets, "datasetType").get("datasetType")) or "").upper() == "MODEL"


def _direct(field: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether a value was used itself; so it was if nobody says how."""
    kinds = [_text(t.get("type")) for t in _mappings(field.get("transformations"))]
    kinds = kinds or [_text(entry.get("transformationType"))]
    return any((kind or "").upper() != "INDIRECT" for kind in kinds)


def _origin(part: Mapping[str, Any], facet: Mapping[str, Any]) -> Origin | None:
    origin = _text(part.get("origin"))
    if not origin:
        return None
    return Origin(
        origin=origin,
        run_id=_text(facet.get("runId")) or "",
        model=_text(part.get("model")) or "",
        model_version=_text(part.get("modelVersion")) or "",
        confidence=_share(part.get("confidenceMean")),
        ai_share=_share(part.get("aiShare")),
    )


def _share(value: Any) -> float | None:
    number = finite(value)
    return float(number) if number is not None and 0 <= number <= 1 else None


def _facet(facets: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    facet = _mapping(facets.get(key))
    return {} if facet.get("_deleted") else facet


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []
