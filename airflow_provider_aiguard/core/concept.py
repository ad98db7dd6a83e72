"""How right a model was, run by run: evidence of the concept drift guard. Counts only, never rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from airflow_provider_aiguard.core.errors import ConfigurationError

CELLS = 10
"""Counts a predicted class has in a signature: right in confidence quartile 1 to 4 and without a confidence, then wrong
likewise."""


class DriftType(StrEnum):
    """How the error rate moved from one level to another."""

    ABRUPT = "abrupt"
    INCREMENTAL = "incremental"
    GRADUAL = "gradual"
    RECURRING = "recurring"


@dataclass(frozen=True, kw_only=True)
class TruthSignature:
    """Labelled claims by predicted class, confidence quartile, and whether they were right.

    Two concepts may have the same rows and the same error rate: where a model errs still tells them apart.

    :param edges: borders of the confidence quartiles, ascending, at most three; a border belongs to the quartile below.
    :param counts: for each predicted class, as text, ``CELLS`` counts.
    """

    edges: tuple[float, ...] = ()
    counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def labels(self) -> int:
        """Labelled claims counted."""
        return sum(map(sum, self.counts.values()))

    @property
    def errors(self) -> int:
        """Those of them that were wrong."""
        return sum(sum(cells[CELLS // 2 :]) for cells in self.counts.values())

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {"edges": list(self.edges), "counts": {name: list(cells) for name, cells in self.counts.items()}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TruthSignature:
        """The inverse of :meth:`to_dict`."""
        counts = {name: tuple(cells) for name, cells in data["counts"].items()}
        return cls(edges=tuple(data["edges"]), counts=counts)


@dataclass(frozen=True, kw_only=True)
class ConceptRun:
    """How right the claims of one run were, as far as their truth is in.

    :param when: logical date of the run, ISO 8601; empty outside Airflow.
    :param inferred: claims of the run.
    :param labels: those of them whose truth is in.
    :param errors: labels that differ from the claim.
    :param model: which model claimed, such as ``flights-gbm@2013-01``; empty if nobody recorded it.
    :param signature: the labels in detail.
    """

    when: str
    inferred: int
    labels: int
    errors: int
    model: str = ""
    signature: TruthSignature = field(default_factory=TruthSignature)

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= self.labels <= self.inferred:
            raise ConfigurationError(
                f"A run of a concept series counts 0 <= errors <= labels <= inferred; got {self.errors!r}, "
                f"{self.labels!r} and {self.inferred!r} for {self.when!r}. Give the series another name=."
            )
        if any(len(cells) != CELLS or min(cells) < 0 for cells in self.signature.counts.values()):
            raise ConfigurationError(
                f"The truth signature of the run of {self.when!r} needs {CELLS} counts of at least 0 a class. "
                "Give the series another name=."
            )

    @property
    def truth_share(self) -> float:
        """Share of the claims whose truth is in; 0 without claims."""
        return self.labels / self.inferred if self.inferred else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {**asdict(self), "signature": self.signature.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ConceptRun:
        """The inverse of :meth:`to_dict`.

        :raises ConfigurationError: if the data is none of a run, or has counts that cannot be.
        """
        try:
            return cls(**{**data, "signature": TruthSignature.from_dict(data["signature"])})
        except (AttributeError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"A stored run of a concept series cannot be read: {error}. It is of another version of this package; "
                "give the series another name=."
            ) from error


@dataclass(frozen=True, kw_only=True)
class ConceptEvidence:
    """The runs of one series, oldest first; the last one is the run that asks.

    :param column: the AI-touched column.
    :param runs: the runs, at least the one that asks.
    :param since: logical date, ISO 8601: a person says that runs before it are no baseline any more. Empty for all.
    """

    column: str
    runs: tuple[ConceptRun, ...]
    since: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {"column": self.column, "runs": [run.to_dict() for run in self.runs], "since": self.since}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ConceptEvidence:
        """The inverse of :meth:`to_dict`."""
        return cls(**{**data, "runs": tuple(ConceptRun.from_dict(run) for run in data["runs"])})
