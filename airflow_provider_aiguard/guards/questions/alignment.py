"""Do the predictions still move with the business?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_aiguard.core.alignment import Aggregate, AlignmentEvidence
from airflow_provider_aiguard.core.limits.alignment import AlignmentLimits
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import alignment as alignment_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources
from airflow_provider_aiguard.tables.aggregate import aggregate_column, query_number

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.measurement import Measurement


@dataclass(frozen=True, kw_only=True)
class AlignmentQuestion(Question):
    """Do the predictions still move with the business?

    Asking measures: the two numbers of this run join the series ``alignment/<name>``. It is asked once a run, so no
    sensor asks it.

    :param table: the predictions of this run.
    :param column: the predicted column.
    :param aggregate: what to make of it.
    :param kpi: SQL that gives the KPI of this run, one number.
    :param kpi_parameters: its bind parameters.
    :param kpi_conn_id: connection it runs on.
    :param name: name of the series.
    :param limits: how closely is closely enough.
    """

    guard: ClassVar[str] = "alignment"
    table: Table
    column: str
    aggregate: Aggregate
    kpi: str
    kpi_parameters: Mapping[str, Any] = field(default_factory=dict)
    kpi_conn_id: str | None = None
    name: str
    limits: AlignmentLimits

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:
        """Measure both, remember them, and correlate all runs up to this one."""
        with sources.connect(self.table.conn_id) as connection:
            prediction = aggregate_column(connection, self.table, self.column, self.aggregate)
        with sources.connect(self.kpi_conn_id or self.table.conn_id) as connection:
            kpi = query_number(connection, self.kpi, self.kpi_parameters)
        series = f"alignment/{self.name}"
        points = _points(sources.store.measurements.list(series, before=identity))
        sources.store.measurements.save(series, {"prediction": prediction, "kpi": kpi}, identity=identity)
        current = prediction is not None and kpi is not None
        if prediction is not None and kpi is not None:
            points.append((prediction, kpi))
        evidence = AlignmentEvidence(
            column=self.column,
            aggregate=self.aggregate,
            predictions=tuple(point[0] for point in points),
            kpis=tuple(point[1] for point in points),
            current=current,
        )
        return alignment_guard.evaluate(evidence, self.limits)


def _points(measured: Sequence[Measurement]) -> list[tuple[float, float]]:
    """Both numbers of the runs that have both."""
    pairs = [(m.values.get("prediction"), m.values.get("kpi")) for m in measured]
    return [(prediction, kpi) for prediction, kpi in pairs if prediction is not None and kpi is not None]
