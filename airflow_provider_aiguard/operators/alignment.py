"""Do the predictions still move with the business?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_aiguard.core.alignment import Aggregate
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.alignment import AlignmentLimits
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.alignment import AlignmentQuestion


class AlignmentCheckOperator(GuardOperator):
    """Puts an aggregate of the predictions beside a business KPI, run by run, and fails when they part.

    Each run adds one point, and all of them are correlated, without the slow drift that two series share by chance. The
    first ``min_runs - 1`` runs are undecided.

    :param table: the predictions of this run. Templated.
    :param column: the predicted column. Templated.
    :param aggregate: what to make of it: ``"mean"``, ``"sum"``, ``"count"`` or ``"share_true"``.
    :param kpi: SQL that gives the KPI of this run, one number. What is rendered into it is SQL: values from outside
        belong into ``kpi_parameters``. Templated.
    :param name: name of the series that the runs are compared in. Templated.
    :param min_correlation: lowest correlation, in (0, 1]. Negate the KPI if it falls when predictions rise.
    :param kpi_parameters: bind parameters of ``kpi``. Templated.
    :param kpi_conn_id: connection that ``kpi`` runs on. Default: that of the table.
    :param max_lead: runs by which the predictions may lead the KPI, 0 or more. Default 0.
    :param min_runs: runs needed for a verdict, at least 10 more than ``max_lead``; fewer are undecided. Default 20.
    :param alpha: one minus the confidence level of the interval over all leads, in (0, 1). Default 0.05.
    :param on_breach: what parting does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same when there is no verdict: too few runs, no KPI yet. Default ``"fail"``: set ``"warn"``
        while the series begins.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """

    template_fields: Sequence[str] = ("table", "column", "kpi", "kpi_parameters", "name")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json", "kpi": "sql", "kpi_parameters": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        column: str,
        aggregate: str,
        kpi: str,
        name: str,
        min_correlation: float,
        kpi_parameters: Mapping[str, Any] | None = None,
        kpi_conn_id: str | None = None,
        max_lead: int = 0,
        min_runs: int = 20,
        alpha: float = 0.05,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.column = column
        self.aggregate = aggregate
        self.kpi = kpi
        self.name = name
        self.min_correlation = min_correlation
        self.kpi_parameters = dict(kpi_parameters or {})
        self.kpi_conn_id = kpi_conn_id
        self.max_lead = max_lead
        self.min_runs = min_runs
        self.alpha = alpha
        self._limits()
        if aggregate not in tuple(Aggregate):
            raise ConfigurationError(f"aggregate must be one of {[str(a) for a in Aggregate]!r}; got {aggregate!r}.")

    def question(self) -> AlignmentQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.alignment import AlignmentQuestion

        return AlignmentQuestion(
            table=Table.from_dict(self.table),
            column=self.column,
            aggregate=Aggregate(self.aggregate),
            kpi=self.kpi,
            kpi_parameters=self.kpi_parameters,
            kpi_conn_id=self.kpi_conn_id,
            name=self.name,
            limits=self._limits(),
        )

    def _limits(self) -> AlignmentLimits:
        return AlignmentLimits(
            min_correlation=self.min_correlation,
            max_lead=self.max_lead,
            min_runs=self.min_runs,
            alpha=self.alpha,
        )
