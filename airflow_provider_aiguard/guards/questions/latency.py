"""Did the model answer in time?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

from airflow_provider_aiguard.core.errors import NotRecordedError
from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.limits.latency import LatencyLimits
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import latency as latency_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources


@dataclass(frozen=True, kw_only=True)
class LatencyQuestion(Question):
    """Did the model answer in time?

    Asked of the calls of all runs of this DAG run that wrote the table: mapped ones, and tries that failed.

    :param table: what they wrote.
    :param limits: how long they may take.
    """

    guard: ClassVar[str] = "latency"
    table: Table
    limits: LatencyLimits

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:
        """Read what the runs remember, and compare."""
        runs = sources.store.runs.list(dag_id=identity.dag_id, dag_run_id=identity.dag_run_id)
        took = [run.summary.latency for run in runs if run.summary.target == self.table.full_name]
        if not took:
            raise NotRecordedError(
                f"No AI step of this DAG run has written {self.table.full_name!r}. Put the check behind the step, in "
                "the same DAG."
            )
        return latency_guard.evaluate(reduce(LatencySummary.merge, took), self.limits)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {"guard": self.guard, "table": self.table.to_dict(), "limits": self.limits.to_dict()}
