"""Counts what a run has done so far, chunk by chunk."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from airflow_provider_aiguard.core.claims import Claims, Usage
from airflow_provider_aiguard.core.confidence import CELLS, ConfidenceSummary
from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary, ModelIdentity


@dataclass
class ColumnTally:
    """Counts of one output column."""

    provenance: dict[str, int] = field(default_factory=dict)
    confidence: ConfidenceSummary = field(default_factory=ConfidenceSummary)
    confidence_source: str | None = None

    def add_provenance(self, label: str, cells: int) -> None:
        """Count cells under a provenance."""
        if cells:
            self.provenance[str(label)] = self.provenance.get(str(label), 0) + cells

    def add_confidences(self, numbers: npt.NDArray[np.float64]) -> None:
        """Count the confidences of inferred cells; NaN is a missing one."""
        self.confidence = self.confidence.merge(summarise(numbers))


@dataclass
class Tally:
    """Everything a run counts. :meth:`summary` is a snapshot."""

    run_id: str
    model: ModelIdentity
    source: str
    target: str
    columns: Mapping[str, ColumnTally]
    priced: bool
    rows: int = 0
    inferred: int = 0
    rejects: int = 0
    chunks: int = 0
    saved: int = 0
    cost_micros: int = 0
    model_seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)
    latency: LatencySummary = field(default_factory=LatencySummary)
    started: float = field(default_factory=time.monotonic)

    def add_call(self, claims: Claims, seconds: float, rows: int) -> None:
        """Count what a model used to answer, and how long it took.

        :param claims: its answer.
        :param seconds: until it was there.
        :param rows: what it was asked about.
        """
        self.usage += claims.usage
        took = LatencySummary.of([(seconds, rows)]) if claims.latency is None else claims.latency
        self.latency = self.latency.merge(took)

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
            chunks=self.chunks,
            saved=self.saved,
            cost_micros=self.cost_micros if self.priced else None,
            seconds=round(time.monotonic() - self.started, 3),
            model_seconds=round(self.model_seconds, 3),
            usage=self.usage,
            latency=self.latency,
            columns={
                name: ColumnSummary(
                    provenance=dict(c.provenance), confidence=c.confidence, confidence_source=c.confidence_source
                )
                for name, c in self.columns.items()
            },
        )


def summarise(numbers: npt.NDArray[np.float64]) -> ConfidenceSummary:
    """Summarise confidences in [0, 1]; NaN is a missing one."""
    present = numbers[~np.isnan(numbers)]
    # 0.29 * 100 is 28.999…: the nudge keeps two-decimal confidences in the cell a person expects.
    cells = np.minimum((present * CELLS + 1e-9).astype(int), CELLS - 1)
    counts = np.bincount(cells, minlength=CELLS)
    return ConfidenceSummary(
        total=float(present.sum()), counts=tuple(int(n) for n in counts), missing=len(numbers) - len(present)
    )
