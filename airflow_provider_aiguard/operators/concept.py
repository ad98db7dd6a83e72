"""Has what the model learnt stopped being true, and how?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.concept import ConceptLimits
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.concept import ConceptQuestion


class ConceptDriftCheckOperator(GuardOperator):
    """Measures how often the model was right in this run, and fails when the error rate has changed over runs.

    It tells the type of the change once it can (abrupt, incremental, gradual, recurring), names an earlier regime that
    came back ("as in 2013-02"), and says what to do about it. What it measures stays in the store, and later runs are
    compared with it; a retry replaces it. An alarm stands until another model runs or ``since`` is moved.

    There is no sensor: asking records a measurement, and a run has one.

    :param table: the claims of this run, with their key. Templated.
    :param column: the AI-touched column. Templated.
    :param truth: the rows with the truth, with the same key and on the same connection; its ``where`` is its own.
        Templated.
    :param name: name of the series that the runs of this check make in the store. Templated.
    :param truth_column: column of ``truth`` that holds it, NULL before it arrives. Default: ``column``. Templated.
    :param since: logical date, such as ``"2013-07-01"``, before which runs are no baseline any more: a person accepts a
        change without another model. Default: all runs count. Templated.
    :param run_length: runs between false alarms, on average, at least 10. Default 1,000.
    :param min_change: smallest change of the error rate that matters, in [0, 1]. Default 0.01, one point.
    :param min_runs: runs needed to say that nothing changed; fewer are undecided. Default 10.
    :param min_labels: labels a run needs to count; fewer are undecided. Default 30.
    :param min_truth_share: share of a run's claims, in [0, 1], whose truth is needed; less is undecided. Default 0.5.
    :param on_breach: what a change does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same while there is no verdict: too few runs or labels. Default ``"fail"``.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """

    template_fields: Sequence[str] = ("table", "truth", "column", "truth_column", "name", "since")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json", "truth": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        column: str,
        truth: Table | str,
        name: str,
        truth_column: str | None = None,
        since: str = "",
        run_length: float = 1_000,
        min_change: float = 0.01,
        min_runs: int = 10,
        min_labels: int = 30,
        min_truth_share: float = 0.5,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.truth = table_spec(truth, conn_id=conn_id or self.table["conn_id"], key=self.table["key"])
        self.column = column
        self.truth_column = truth_column or column
        self.name = name
        self.since = since
        self.run_length = run_length
        self.min_change = min_change
        self.min_runs = min_runs
        self.min_labels = min_labels
        self.min_truth_share = min_truth_share
        self._limits()
        if not isinstance(name, str) or not name.strip():
            raise ConfigurationError(f"name must be the name of a series, such as 'late'; got {name!r}.")
        if not any("{{" in str((spec["conn_id"], spec["key"])) for spec in (self.table, self.truth)):
            Table.from_dict(self.table).require_joinable(Table.from_dict(self.truth))

    def question(self) -> ConceptQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.concept import ConceptQuestion

        return ConceptQuestion(
            table=Table.from_dict(self.table),
            column=self.column,
            truth=Table.from_dict(self.truth),
            truth_column=self.truth_column,
            name=self.name,
            since=self.since,
            limits=self._limits(),
        )

    def _limits(self) -> ConceptLimits:
        return ConceptLimits(
            run_length=self.run_length,
            min_change=self.min_change,
            min_runs=self.min_runs,
            min_labels=self.min_labels,
            min_truth_share=self.min_truth_share,
        )
