"""Does the model still lean on the same features?"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_aiguard.core.importance import ImportanceEvidence
from airflow_provider_aiguard.core.limits.importance import ImportanceLimits
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import importance as importance_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources
from airflow_provider_aiguard.models.importance import permutation_importance
from airflow_provider_aiguard.tables.columns import read_columns
from airflow_provider_aiguard.tables.sample import sample_rows
from airflow_provider_aiguard.tables.schema import feature_columns

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ImportanceQuestion(Question):
    """Does the model still lean on the same features?

    Asking measures: the importances join the series ``importance/<name>``. A model is no plain data, so this question
    cannot be handed to the triggerer.

    :param table: rows with features and truth, with their key.
    :param truth_column: the column that holds the truth; rows where it is NULL are left out.
    :param model: a model, or anything with ``predict``.
    :param column: the model's output column.
    :param features: columns the model sees; empty for all but key, truth and companions.
    :param name: name of the series.
    :param sample: rows to use, drawn at random.
    :param repeats: disjoint parts of the sample.
    :param seed: of the sample and the shuffling.
    :param limits: how stable is stable enough.
    """

    guard: ClassVar[str] = "importance"
    table: Table
    truth_column: str
    model: Any
    column: str
    features: tuple[str, ...] = ()
    name: str
    sample: int
    repeats: int
    seed: int
    limits: ImportanceLimits

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:
        """Measure the importances, remember them, and compare them with the reference."""
        series = f"importance/{self.name}"
        evidence = self._measure(sources)
        earlier = sources.store.measurements.list(series, before=identity)
        sources.store.measurements.save(series, evidence.to_dict(), identity=identity)
        usable = [m.values for m in earlier if m.values["rows"] >= self.limits.min_rows]
        chosen = usable[0 if self.limits.reference == "first" else -1] if usable else None
        reference = None if chosen is None else ImportanceEvidence.from_dict(chosen)
        return importance_guard.evaluate(evidence, reference, self.limits)

    def _measure(self, sources: Sources) -> ImportanceEvidence:
        with sources.connect(self.table.conn_id) as connection:
            features = self.features or tuple(
                name
                for name in feature_columns(self.table, read_columns(connection, self.table))
                if name not in {self.truth_column, self.column}
            )
            rows = sample_rows(
                connection,
                self.table,
                [*features, self.truth_column],
                rows=self.sample,
                seed=self.seed,
                present=self.truth_column,
            )
        log.info("Asking the model %d times about %d rows", len(features) + 1, len(rows))
        try:
            return permutation_importance(
                self.model,
                rows[list(features)],
                rows[self.truth_column],
                column=self.column,
                parts=self.repeats,
                seed=self.seed,
            )
        finally:
            close = getattr(self.model, "close", None)  # an estimator has none
            if close is not None:
                close()
