"""A walk through the lineage graph as lines of text: each subtree once, circles marked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from airflow_provider_aiguard.core.ancestry import Step, Trace
from airflow_provider_aiguard.core.lineage import EdgeKind, Node, NodeKind, Origin
from airflow_provider_aiguard.lineage.sanitise import clean_text

MAX_NAME = 200

_VERBS = {
    EdgeKind.FILTER: "decides its rows; ",
    EdgeKind.MODEL: "model; ",
    EdgeKind.RENAME: "renamed; ",
    EdgeKind.ALIAS: "another name; ",
}


def tree_lines(trace: Trace) -> list[str]:
    """Draw a walk.

    :param trace: the walk.

    A node that was drawn above is named again, not drawn again.
    """
    return list(_lines(trace))


def origin_text(origin: Origin) -> str:
    """Say where values came from.

    >>> origin_text(Origin(origin="ai_inferred", run_id="r", model="gbm", model_version="3", confidence=0.861))
    'ai_inferred by gbm@3, mean confidence 0.86, run r'
    """
    model = f" by {origin.model}@{origin.model_version}" if origin.model else ""
    share = "" if origin.ai_share in (None, 0.0, 1.0) else f", {origin.ai_share:.0%} inferred"
    confidence = "" if origin.confidence is None else f", mean confidence {origin.confidence:.2f}"
    run = f", run {origin.run_id}" if origin.run_id else ""
    return clean_text(f"{origin.origin}{model}{share}{confidence}{run}", MAX_NAME)


def _lines(trace: Trace) -> Iterator[str]:
    drawn: set[Node] = set()
    path: list[Node] = []
    # What is left to draw: the node, the line before it, the margin of what is below it, and how it was reached.
    left: list[tuple[Node, str, str, str, int]] = [(trace.subject, "", "", "", 0)]
    while left:
        node, head, margin, reached, depth = left.pop()
        del path[depth:]
        branches = _branches(trace, node)
        again = " (drawn above)" if branches and node in drawn else ""
        mark = " (a circle: it is above itself)" if node in path else again
        yield f"{head}{_node_text(trace, node)}{reached}{mark or _end(trace, node)}"
        if mark:
            continue
        drawn.add(node)
        path.append(node)
        for position, (there, text) in enumerate(reversed(branches)):
            corner, bar = ("└─ ", "   ") if not position else ("├─ ", "│  ")
            left.append((there, margin + corner, margin + bar, text, depth + 1))


def _branches(trace: Trace, node: Node) -> list[tuple[Node, str]]:
    arrow = "  ← " if trace.direction.is_upstream else "  → "
    steps = trace.steps.get(node, ())
    return [(there, arrow + _steps_text(list(some))) for there, some in groupby(steps, key=lambda step: step.there)]


def _node_text(trace: Trace, node: Node) -> str:
    elsewhere = node.namespace != trace.subject.namespace or node == trace.subject
    namespace = f" in {clean_text(node.namespace, MAX_NAME)}" if elsewhere and node.kind is not NodeKind.JOB else ""
    job = "job " if node.kind is NodeKind.JOB else ""
    origin = trace.origins.get(node)
    return f"{job}{clean_text(str(node), MAX_NAME)}{namespace}{f' [{origin_text(origin)}]' if origin else ''}"


def _steps_text(steps: list[Step]) -> str:
    """How a node is reached: by the job that said so last, and how many others do."""
    last = max(steps, key=lambda step: (step.complete, step.last_at is not None, step.last_at, step.last_run))
    more = len({step.job for step in steps}) - 1
    others = f" and {more} more" if more else ""
    job = "" if NodeKind.JOB in (last.here.kind, last.there.kind) else f"{last.job.name or 'no job'}{others}, "
    if last.last_at is None:
        return clean_text(f"{job}Marquez alone says so", MAX_NAME)
    run = f"run {last.last_run}, " if last.last_run else ""
    unfinished = "" if last.complete else ", no run of it finished"
    return clean_text(f"{_how(last, steps)}{job}{run}{last.last_at:%Y-%m-%d %H:%M} UTC{unfinished}", MAX_NAME)


def _how(last: Step, steps: list[Step]) -> str:
    ends = (last.here.kind, last.there.kind)
    if last.kind is EdgeKind.COLUMN and not any(step.direct for step in steps):
        return "in a condition; "
    if last.kind is EdgeKind.DATA and NodeKind.COLUMN in ends:
        return "columns not told; "
    return _VERBS.get(last.kind, "")


def _end(trace: Trace, node: Node) -> str:
    if node in trace.unasked:
        return " …"
    if trace.steps.get(node) or not trace.direction.is_upstream:
        return ""
    return " (named no input)" if node.kind is NodeKind.JOB else " (no event says where it came from)"
