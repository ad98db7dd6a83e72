"""How right was the model?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_aiguard.core.calibration import bins_from_list, pooled
from airflow_provider_aiguard.core.errors import NotRecordedError
from airflow_provider_aiguard.core.limits.ground_truth import COUNTED, ERRORS, GroundTruthLimits, check_extras
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import ground_truth as ground_truth_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources
from airflow_provider_aiguard.guards.questions.calibration import series_of
from airflow_provider_aiguard.guards.scorers import score
from airflow_provider_aiguard.tables.calibration import calibration_evidence
from airflow_provider_aiguard.tables.delay import truth_delay
from airflow_provider_aiguard.tables.evidence import truth_evidence
from airflow_provider_aiguard.tables.pairs import read_pairs

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from airflow_provider_aiguard.core.evidence import TruthEvidence


@dataclass(frozen=True, kw_only=True)
class GroundTruthQuestion(Question):
    """How right was the model, now that the truth is there?

    :param table: the rows with claims.
    :param column: the AI-touched column.
    :param truth: the rows with the truth, reached by the same connection and with the same key.
    :param truth_column: column of ``truth`` that holds it; NULL while it has not arrived.
    :param limits: how right is right enough.
    :param truth_time_column: column of ``truth``: when it arrived. With it, the delay of the truth is checked, too.
    :param claim_time_column: column of ``table``: when the claim was made. ``None``: when its run ended.
    :param estimate_from: name under which calibration checks keep what they measure. With it, the accuracy is estimated
        from the confidences, too.
    """

    guard: ClassVar[str] = "ground_truth"
    table: Table
    column: str
    truth: Table
    truth_column: str
    limits: GroundTruthLimits
    truth_time_column: str | None = None
    claim_time_column: str | None = None
    estimate_from: str | None = None

    def __post_init__(self) -> None:
        self.table.require_joinable(self.truth)
        check_extras(self.limits, self.truth_time_column, self.claim_time_column, self.estimate_from)

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:
        """Join the truth by key where the rows are and compare."""
        places = self.table, self.column, self.truth, self.truth_column
        with sources.connect(self.table.conn_id) as connection:
            evidence = self._evidence(connection, sources)
            claims = calibration_evidence(connection, *places) if self.estimate_from else None
        checks = ground_truth_guard.evaluate(evidence, self.limits)
        if claims is None or self.estimate_from is None:
            return checks
        past = sources.store.measurements.list(series_of(self.estimate_from), before=identity)
        bins = pooled([bins_from_list(measured.values["bins"]) for measured in past])
        return [*checks, ground_truth_guard.estimate(claims, bins, len(past), self.limits)]

    def _evidence(self, connection: Connection, sources: Sources) -> TruthEvidence:
        places = self.table, self.column, self.truth, self.truth_column
        metric = self.limits.metric
        evidence = truth_evidence(connection, *places, errors=metric in ERRORS)
        if metric not in (*COUNTED, *ERRORS):
            found = score(metric, *read_pairs(connection, *places), self.limits.alpha)
            evidence = replace(evidence, score=found)
        if self.truth_time_column is None:
            return evidence
        delay = truth_delay(
            connection,
            *places,
            truth_time_column=self.truth_time_column,
            claim_time_column=self.claim_time_column,
            run_times=lambda runs: _ends(sources, runs),
        )
        return replace(evidence, delay=delay)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "guard": self.guard,
            "table": self.table.to_dict(),
            "column": self.column,
            "truth": self.truth.to_dict(),
            "truth_column": self.truth_column,
            "limits": self.limits.to_dict(),
            "truth_time_column": self.truth_time_column,
            "claim_time_column": self.claim_time_column,
            "estimate_from": self.estimate_from,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GroundTruthQuestion:
        """The inverse of :meth:`to_dict`."""
        return cls(
            table=Table.from_dict(data["table"]),
            column=data["column"],
            truth=Table.from_dict(data["truth"]),
            truth_column=data["truth_column"],
            limits=GroundTruthLimits.from_dict(data["limits"]),
            truth_time_column=data["truth_time_column"],
            claim_time_column=data["claim_time_column"],
            estimate_from=data["estimate_from"],
        )


def _ends(sources: Sources, runs: Sequence[str]) -> dict[str, datetime]:
    """When runs ended; those that did not end, or that the store does not know, are left out."""
    ends = {}
    for run_id in runs:
        try:
            ended = sources.store.runs.get(run_id).finished_at
        except NotRecordedError:
            continue
        if ended is not None:
            ends[run_id] = ended
    return ends
