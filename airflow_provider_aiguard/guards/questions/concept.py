"""Has what the model learnt stopped being true?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_aiguard.core.concept import ConceptEvidence, ConceptRun
from airflow_provider_aiguard.core.errors import NotRecordedError
from airflow_provider_aiguard.core.limits.concept import ConceptLimits
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import concept as concept_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources
from airflow_provider_aiguard.tables.signature import truth_signature

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.store import Store


@dataclass(frozen=True, kw_only=True)
class ConceptQuestion(Question):
    """Has the error rate of a model changed over runs, how, and has it been so before?

    Asking records: what this run measured becomes the history of later ones. A retry replaces it.

    :param table: the claims of this run.
    :param column: the AI-touched column.
    :param truth: the rows with the truth, reached by the same connection and with the same key.
    :param truth_column: column of ``truth`` that holds it; NULL while it has not arrived.
    :param name: name of the series that the runs make.
    :param since: logical date, ISO 8601, before which runs are no baseline any more; empty for all.
    :param limits: when a change is called one.
    """

    guard: ClassVar[str] = "concept"
    table: Table
    column: str
    truth: Table
    truth_column: str
    name: str
    since: str = ""
    limits: ConceptLimits

    def __post_init__(self) -> None:
        self.table.require_joinable(self.truth)

    @property
    def series(self) -> str:
        """Where the store keeps what the runs measured."""
        return f"{self.guard}/{self.name}"

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:
        """Measure this run, keep it, and judge it with the runs before it."""
        measured = sources.store.measurements.list(self.series, before=identity)
        earlier = tuple(ConceptRun.from_dict(m.values) for m in measured)
        run = self._measure(sources, identity, earlier)
        sources.store.measurements.save(self.series, run.to_dict(), identity=identity)
        evidence = ConceptEvidence(column=self.column, runs=(*earlier, run), since=self.since)
        return concept_guard.evaluate(evidence, self.limits)

    def _measure(self, sources: Sources, identity: RunIdentity, earlier: tuple[ConceptRun, ...]) -> ConceptRun:
        like = next((run.signature for run in earlier if run.signature.counts), None)
        with sources.connect(self.table.conn_id) as connection:
            claims = truth_signature(connection, self.table, self.column, self.truth, self.truth_column, like=like)
        return ConceptRun(
            when=identity.logical_date,
            inferred=claims.inferred,
            labels=claims.signature.labels,
            errors=claims.signature.errors,
            model=_model(sources.store, claims.run),
            signature=claims.signature,
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "guard": self.guard,
            "table": self.table.to_dict(),
            "column": self.column,
            "truth": self.truth.to_dict(),
            "truth_column": self.truth_column,
            "name": self.name,
            "since": self.since,
            "limits": self.limits.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ConceptQuestion:
        """The inverse of :meth:`to_dict`."""
        return cls(
            table=Table.from_dict(data["table"]),
            column=data["column"],
            truth=Table.from_dict(data["truth"]),
            truth_column=data["truth_column"],
            name=data["name"],
            since=data["since"],
            limits=ConceptLimits.from_dict(data["limits"]),
        )


def _model(store: Store, run: str | None) -> str:
    """Name and version of the model that made the claims; empty if the store knows no such run."""
    try:
        return str(store.runs.get(run).summary.model) if run else ""
    except NotRecordedError:
        return ""
