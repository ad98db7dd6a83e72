"""Does confidence mean what it says?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_aiguard.core.calibration import CalibrationBin, bins_from_list, bins_to_list
from airflow_provider_aiguard.core.limits.calibration import CalibrationLimits, check_series
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import calibration as calibration_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources
from airflow_provider_aiguard.tables.calibration import calibration_evidence


def series_of(name: str) -> str:
    """Series of measurements that calibration checks of this name keep."""
    return f"calibration/{name}"


@dataclass(frozen=True, kw_only=True)
class CalibrationQuestion(Question):
    """Does confidence mean what it says, now that the truth is there?

    :param table: the rows with claims.
    :param column: the AI-touched column.
    :param truth: the rows with the truth, reached by the same connection and with the same key.
    :param truth_column: column of ``truth`` that holds it; NULL while it has not arrived.
    :param limits: how well calibrated is well enough.
    :param name: name to keep under what was counted, for later checks, once enough truth is in: early labels are seldom
        typical. ``None`` keeps nothing.
    :param reference: name of what an earlier check kept: the latest before this run is what the error is compared with.
    """

    guard: ClassVar[str] = "calibration"
    table: Table
    column: str
    truth: Table
    truth_column: str
    limits: CalibrationLimits
    name: str | None = None
    reference: str | None = None

    def __post_init__(self) -> None:
        self.table.require_joinable(self.truth)
        check_series(self.limits, self.name, self.reference)

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:
        """Join the truth by key where the rows are, count by bin, keep the counts, and compare."""
        with sources.connect(self.table.conn_id) as connection:
            evidence = calibration_evidence(connection, self.table, self.column, self.truth, self.truth_column)
        # Read before it is written: under the same name, a run is compared with the one before it.
        reference = self._reference(sources, identity) if self.reference else None
        enough = (evidence.truth_share or 0) >= self.limits.min_truth_share
        if self.name and evidence.usable and enough:
            counted = {"bins": bins_to_list(evidence.bins), "squares": evidence.squares, "fourths": evidence.fourths}
            sources.store.measurements.save(series_of(self.name), counted, identity=identity)
        return calibration_guard.evaluate(evidence, self.limits, reference)

    def _reference(self, sources: Sources, identity: RunIdentity) -> tuple[CalibrationBin, ...]:
        kept = sources.store.measurements.list(series_of(self.reference or ""), before=identity)
        return bins_from_list(kept[-1].values["bins"]) if kept else ()

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "guard": self.guard,
            "table": self.table.to_dict(),
            "column": self.column,
            "truth": self.truth.to_dict(),
            "truth_column": self.truth_column,
            "limits": self.limits.to_dict(),
            "name": self.name,
            "reference": self.reference,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CalibrationQuestion:
        """The inverse of :meth:`to_dict`."""
        return cls(
            table=Table.from_dict(data["table"]),
            column=data["column"],
            truth=Table.from_dict(data["truth"]),
            truth_column=data["truth_column"],
            limits=CalibrationLimits.from_dict(data["limits"]),
            name=data["name"],
            reference=data["reference"],
        )
