"""What stands behind a dataset or a column, how much of that is known, and what was seen on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from airflow_provider_aiguard.core.lineage import EdgeKind, Node, Origin


class Direction(StrEnum):
    """Which way to walk along edges."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"

    @property
    def is_upstream(self) -> bool:
        """Whether against the data, from what was made to what it was made of."""
        return self is Direction.UPSTREAM


@dataclass(frozen=True)
class Ancestor:
    """A node that data came from.

    :param node: the node: a dataset, a column, or a job that did not say what it read.
    :param depth: the fewest steps to it.
    :param origin: where its values came from, as the run that last wrote it said; ``None`` if none said so.
    """

    node: Node
    depth: int
    origin: Origin | None = None


@dataclass(frozen=True)
class Root:
    """A node behind which nothing is known.

    :param node: the node.
    :param origin: where its values came from, if a run said so.
    :param recorded: whether an event says who wrote it.
    """

    node: Node
    origin: Origin | None = None
    recorded: bool = False

    @property
    def is_fact(self) -> bool:
        """Whether its values are known to be observed or set by a person."""
        return self.recorded and self.origin is not None and self.origin.is_fact


@dataclass(frozen=True)
class Ancestry:
    """All that stands behind a dataset or a column, as far as events say.

    :param subject: the dataset or column.
    :param ancestors: what it came from, the nearest first; itself too if there is a way from it to itself.
    :param roots: where that ends. Of nodes that only feed each other, all are roots.
    """

    subject: Node
    ancestors: tuple[Ancestor, ...]
    roots: tuple[Root, ...]

    @property
    def facts(self) -> tuple[Root, ...]:
        """Roots whose values are known to be observed or set by a person."""
        return tuple(root for root in self.roots if root.is_fact)

    @property
    def unlabelled(self) -> tuple[Root, ...]:
        """Roots of which it is known who wrote them, and not that their values are facts."""
        return tuple(root for root in self.roots if root.recorded and not root.is_fact)

    @property
    def unrecorded(self) -> tuple[Root, ...]:
        """Roots that no event says who wrote."""
        return tuple(root for root in self.roots if not root.recorded)

    @property
    def coverage(self) -> float:
        """Share of the roots that are known facts, in [0, 1]. Below 1 an absence among the ancestors proves nothing."""
        return len(self.facts) / len(self.roots) if self.roots else 0.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a walk: an edge, seen from where one stands.

    :param here: where one stands.
    :param there: where the step leads.
    :param kind: what the edge says.
    :param job: the job that did it.
    :param direct: see :class:`Edge`.
    :param opaque: see :class:`Edge`.
    :param complete: whether a run that succeeded has said so.
    :param last_run: the last such run in OpenLineage; of an edge that is not complete, the last run.
    :param last_at: when it said so, with zone; ``None`` if no event did, but another source.
    """

    here: Node
    there: Node
    kind: EdgeKind
    job: Node
    direct: bool
    opaque: bool
    complete: bool
    last_run: str
    last_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What a walk saw, to be shown.

    :param subject: where it started.
    :param direction: which way it went.
    :param steps: every step taken, by node.
    :param origins: where values came from, as the run that last wrote them said.
    :param unasked: where the walk stopped for its length, and did not look further.
    """

    subject: Node
    direction: Direction
    steps: Mapping[Node, tuple[Step, ...]]
    origins: Mapping[Node, Origin] = field(default_factory=dict)
    unasked: frozenset[Node] = frozenset()
