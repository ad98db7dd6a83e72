"""Counts what a run has done so far, chunk by chunk."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import numpy.typing as npt

from airflow_provider_aiguard.core.claims import Claims, Usage
from airflow_provider_aiguard.core.confidence import CELLS, ConfidenceSummary
from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.run import MIXED, ColumnSummary, InferenceSummary, ModelIdentity, ModelSummary


@dataclass
class ColumnTally:
    """Counts of one output column."""

    provenance: dict[str, int] = field(default_factory=dict)
    confidence: ConfidenceSummary = field(default_factory=ConfidenceSummary)
    confidence_source: str | None = None

    def add_sources(self, sources: Iterable[str]) -> None:
        """Remember how confidences were made: ``mixed`` if it was not one way."""
        self.confidence_source = one_source(self.confidence_source, sources)

    def add_provenance(self, label: str, cells: int) -> None:
        """Count cells under a provenance."""
        if cells:
            self.provenance[str(label)] = self.provenance.get(str(label), 0) + cells

    def add_confidences(self, numbers: npt.NDArray[np.float64]) -> None:
        """Count the confidences of inferred cells; NaN is a missing one."""
        self.confidence = self.confidence.merge(summarise(numbers))


@dataclass
class ModelTally:
    """Counts of one model of a step; see :class:`~airflow_provider_aiguard.core.run.ModelSummary`."""

    model: ModelIdentity
    priced: bool
    asked: int = 0
    saved: int = 0
    answered: int = 0
    cost_micros: int = 0
    seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)
    latency: LatencySummary = field(default_factory=LatencySummary)
    confidence_source: str | None = None

    def add_sources(self, sources: Iterable[str]) -> None:
        """Remember how its confidences were made."""
        self.confidence_source = one_source(self.confidence_source, sources)

    def add_call(self, claims: Claims, seconds: float, rows: int) -> None:
        """Count what the model used to answer, and how long it took.

        :param claims: its answer.
        :param seconds: until it was there.
        :param rows: what it was asked about.
        """
        self.usage += claims.usage
        took = LatencySummary.of([(seconds, rows)]) if claims.latency is None else claims.latency
        self.latency = self.latency.merge(took)

    def summary(self) -> ModelSummary:
        """The counts as they are now."""
        return ModelSummary(
            model=self.model,
            asked=self.asked,
            saved=self.saved,
            answered=self.answered,
            cost_micros=self.cost_micros if self.priced else None,
            seconds=round(self.seconds, 3),
            usage=self.usage,
            confidence_source=self.confidence_source,
        )


@dataclass
class Tally:
    """Everything a run counts. :meth:`summary` is a snapshot."""

    run_id: str
    model: ModelIdentity
    source: str
    target: str
    columns: Mapping[str, ColumnTally]
    models: Sequence[ModelTally]
    rows: int = 0
    inferred: int = 0
    rejects: int = 0
    not_processed: int = 0
    chunks: int = 0
    saved: int = 0
    degraded: dict[str, int] = field(default_factory=dict)
    sample_share: float = 1.0
    sample_steps: list[tuple[int, float]] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def cost_micros(self) -> int | None:
        """What was spent on all models together; ``None`` if one that was asked has no price."""
        seen = [model for model in self.models if model.asked] or self.models
        return sum(model.cost_micros for model in seen) if all(model.priced for model in seen) else None

    def add_share(self, share: float) -> None:
        """Remember which share of the chunk that is not counted yet was asked about."""
        if share != self.sample_share:
            self.sample_steps.append((self.rows, share))
        self.sample_share = share

    def summary(self) -> InferenceSummary:
        """The counts as they are now."""
        return InferenceSummary(
            run_id=self.run_id,
            model=self.model,
            source=self.source,
            target=self.target,
            rows=self.rows,
            inferred=self.inferred,
            rejects=self.rejects,
            not_processed=self.not_processed,
            degraded=dict(self.degraded),
            sample_share=self.sample_share,
            sample_steps=tuple(self.sample_steps),
            chunks=self.chunks,
            saved=self.saved,
            cost_micros=self.cost_micros,
            seconds=round(time.monotonic() - self.started, 3),
            model_seconds=round(sum(model.seconds for model in self.models), 3),
            usage=sum((model.usage for model in self.models), Usage()),
            latency=reduce(LatencySummary.merge, (model.latency for model in self.models)),
            models=tuple(model.summary() for model in self.models),
            columns={
                name: ColumnSummary(
                    provenance=dict(c.provenance), confidence=c.confidence, confidence_source=c.confidence_source
                )
                for name, c in self.columns.items()
            },
        )


def one_source(known: str | None, more: Iterable[str]) -> str | None:
    """Name the one way confidences were made, :data:`~airflow_provider_aiguard.core.run.MIXED` if there are several."""
    found = {str(source) for source in more} | ({known} if known else set())
    return MIXED if len(found) > 1 else next(iter(found), None)


def summarise(numbers: npt.NDArray[np.float64]) -> ConfidenceSummary:
    """Summarise confidences in [0, 1]; NaN is a missing one."""
    present = numbers[~np.isnan(numbers)]
    # 0.29 * 100 is 28.999…: the nudge keeps two-decimal confidences in the cell a person expects.
    cells = np.minimum((present * CELLS + 1e-9).astype(int), CELLS - 1)
    counts = np.bincount(cells, minlength=CELLS)
    return ConfidenceSummary(
        total=float(present.sum()), counts=tuple(int(n) for n in counts), missing=len(numbers) - len(present)
    )
