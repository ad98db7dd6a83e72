"""``aiguard lineage upstream|downstream``: what a table or a column came from, and what was made of it."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.ancestry import Direction
from airflow_provider_aiguard.core.errors import ConfigurationError, NotRecordedError
from airflow_provider_aiguard.core.lineage import dataset_node

if TYPE_CHECKING:
    from airflow_provider_aiguard.cli import Open
    from airflow_provider_aiguard.core.ancestry import Step, Trace
    from airflow_provider_aiguard.core.lineage import Edge, Node
    from airflow_provider_aiguard.lineage.marquez import MarquezClient
    from airflow_provider_aiguard.store.store import Store

MAX_NODES = 1_000
"""Nodes after which a tree is cut: nobody reads further."""

_MARQUEZ_SECONDS = 30


def add_graph(inner: Any, common: argparse.ArgumentParser, open_store: Open) -> None:
    """Add both commands.

    :param inner: where commands under ``aiguard lineage`` are added.
    :param common: options that all commands take.
    :param open_store: opens the store that the options name.
    """
    texts = {"upstream": "what a table or a column came from", "downstream": "what was made of a table or a column"}
    for direction in Direction:
        made = inner.add_parser(str(direction), parents=[common], help=texts[direction])
        made.add_argument("name", help="table or table.column, as events name it or the end of that name")
        made.add_argument("--namespace", help="only here, such as postgres://db:5432")
        made.add_argument("--depth", type=int, default=20, help="most steps (default: %(default)s)")
        made.add_argument("--as-of", metavar="TIME", help="what was known then: ISO 8601, or the id of a run")
        made.add_argument("--limit", type=int, help=f"most tables and columns (default: {MAX_NODES}; all with --json)")
        made.add_argument(
            "--marquez",
            nargs="?",
            const="",
            metavar="URL",
            help="take what this Marquez says, too, and compare; without a URL, the configured one",
        )
        made.set_defaults(run=lambda options, direction=direction: _show(options, direction, open_store))


def _show(options: argparse.Namespace, direction: Direction, opened: Open) -> tuple[int, dict[str, Any]]:
    from airflow_provider_aiguard.lineage.tree import tree_lines

    limit = _limit(options)
    compare = options.marquez is not None
    with opened(options) as store:
        subject = _subject(store, options)
        theirs = _asked(options.marquez, subject, options.depth) if compare else []

        def trace_of(node: Node) -> Trace:
            as_of = _moment(store, options.as_of)
            return store.graph.trace(node, direction, depth=options.depth, limit=limit, as_of=as_of, also=theirs)

        trace = trace_of(subject)
        whole = trace_of(subject.dataset) if compare else trace
    lines, answer = tree_lines(trace), _answer(trace)
    if trace.unasked:
        seen = {trace.subject, *(step.there for steps in trace.steps.values() for step in steps)}
        cause = "--depth" if limit is None or len(seen) < limit else "--limit"
        lines.append(f"… There is more behind what ends with this mark: raise {cause}, or ask for it.")
    if compare:
        compared = _compared(whole, theirs)
        lines += compared.pop("lines")
        answer |= compared
    return 0, {**answer, "text": "\n".join(lines)}


def _limit(options: argparse.Namespace) -> int | None:
    """Nodes to stop at."""
    for name in ("depth", "limit"):
        given = getattr(options, name)
        if given is not None and given < 1:
            raise ConfigurationError(f"--{name} must be at least 1; got {given}.")
    if options.limit is None:
        return None if options.json else MAX_NODES
    return int(options.limit)


def _subject(store: Store, options: argparse.Namespace) -> Node:
    try:
        return the_one(store, options.name, options.namespace)
    except NotRecordedError:
        if options.marquez is None or not options.namespace:
            raise
        # Marquez may know what no event of ours names.
        return dataset_node(options.namespace, options.name)


def the_one(store: Store, name: str, namespace: str | None) -> Node:
    """Find the dataset or column a person means.

    :raises NotRecordedError: if no event names it.
    :raises ConfigurationError: if it may be several.
    """
    from airflow_provider_aiguard.lineage.datasets import sql_dataset

    found = store.graph.find(name, namespace=namespace)
    found = found or store.graph.find(sql_dataset("", name).name, namespace=namespace)
    if not found:
        where = f" in {namespace!r}" if namespace else ""
        raise NotRecordedError(
            f"No lineage event names {name!r}{where}, neither as a table nor as table.column. Tables are known once a "
            "task that sends events has read or written them; columns, once an event told what they came from."
        )
    if len(found) > 1:
        candidates = "; ".join(f"{one} in {one.namespace}" for one in found)
        raise ConfigurationError(f"{name!r} may be several: {candidates}. Give more of the name, or --namespace.")
    return found[0]


def _moment(store: Store, words: str | None) -> datetime | None:
    if words is None:
        return None
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        run = store.runs.get(words)
        return run.finished_at or run.started_at
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _asked(url: str, subject: Node, depth: int) -> list[Edge]:
    from airflow_provider_aiguard.lineage.marquez import MarquezClient
    from airflow_provider_aiguard.lineage.marquez_graph import edges_around

    with MarquezClient(url) if url else _configured() as client:
        return edges_around(client, subject, depth=depth)


def _configured() -> MarquezClient:
    from airflow_provider_aiguard.hooks.lineage import configured_transport
    from airflow_provider_aiguard.lineage.tagging import client_of

    config = configured_transport().config()
    backend = config.backend()
    if backend is None:
        reason = config.problems[0] if config.problems else "The transport has no 'url'."
        raise ConfigurationError(f"{reason} Set it, or give --marquez one.")
    return client_of(backend, seconds=_MARQUEZ_SECONDS)


def _compared(trace: Trace, theirs: list[Edge]) -> dict[str, Any]:
    from airflow_provider_aiguard.lineage.marquez_graph import disagreements

    events, marquez = disagreements(trace, theirs)
    lines = [
        f"{who} alone: {edge.source} → {edge.target} by {edge.job}"
        for who, edges in (("Events", events), ("Marquez", marquez))
        for edge in edges
    ]
    lines = lines or ["Events and Marquez say the same."]
    told = {name: [_edge(one) for one in some] for name, some in (("events_alone", events), ("marquez_alone", marquez))}
    return {"lines": lines, **told}


def _answer(trace: Trace) -> dict[str, Any]:
    steps = [step for steps in trace.steps.values() for step in steps]
    return {
        "subject": _node(trace.subject),
        "direction": str(trace.direction),
        "whole": not trace.unasked,
        "steps": [_step(step) for step in steps],
        "origins": [{**_node(node), **asdict(origin)} for node, origin in trace.origins.items()],
    }


def _node(node: Node) -> dict[str, str]:
    return {**asdict(node), "kind": str(node.kind)}


def _edge(edge: Edge) -> dict[str, Any]:
    return {"source": _node(edge.source), "target": _node(edge.target), "job": _node(edge.job)}


def _step(step: Step) -> dict[str, Any]:
    return {
        "here": _node(step.here),
        "there": _node(step.there),
        "job": _node(step.job),
        "kind": str(step.kind),
        "direct": step.direct,
        "complete": step.complete,
        "last_run": step.last_run,
        "last_at": step.last_at and step.last_at.isoformat(),
    }
