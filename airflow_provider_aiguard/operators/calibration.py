"""Does confidence mean what it says, now that the truth is there?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_aiguard.core.limits.calibration import CalibrationLimits, check_series
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import require_joinable_specs, table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.calibration import CalibrationQuestion


class CalibrationArguments(BaseOperator):
    """Arguments of the calibration guard, shared by its operator and its sensor."""

    template_fields: Sequence[str] = ("table", "truth", "column", "truth_column", "name", "reference")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json", "truth": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        column: str,
        truth: Table | str,
        truth_column: str | None = None,
        max_ece: float | None = None,
        max_brier: float | None = None,
        max_rise: float | None = None,
        reference: str | None = None,
        name: str | None = None,
        min_truth_share: float = 0.5,
        min_labels: int = 500,
        alpha: float = 0.05,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.truth = table_spec(truth, conn_id=conn_id or self.table["conn_id"], key=self.table["key"])
        self.column = column
        self.truth_column = truth_column or column
        self.max_ece = max_ece
        self.max_brier = max_brier
        self.max_rise = max_rise
        self.reference = reference
        self.name = name
        self.min_truth_share = min_truth_share
        self.min_labels = min_labels
        self.alpha = alpha
        check_series(self._limits(), name, reference)
        require_joinable_specs(self.table, self.truth)

    def question(self) -> CalibrationQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.calibration import CalibrationQuestion

        return CalibrationQuestion(
            table=Table.from_dict(self.table),
            column=self.column,
            truth=Table.from_dict(self.truth),
            truth_column=self.truth_column,
            limits=self._limits(),
            name=self.name,
            reference=self.reference,
        )

    def _limits(self) -> CalibrationLimits:
        return CalibrationLimits(
            max_ece=self.max_ece,
            max_brier=self.max_brier,
            max_rise=self.max_rise,
            min_truth_share=self.min_truth_share,
            min_labels=self.min_labels,
            alpha=self.alpha,
        )


class CalibrationCheckOperator(CalibrationArguments, GuardOperator):
    """Joins claims with labels that arrived later and fails when confidence is far from how often they are right.

    Every number comes with an interval, and a breach needs the whole interval above the limit. Give at least one of
    ``max_ece``, ``max_brier`` and ``max_rise``.

    :param table: the rows with claims, with their key. Templated.
    :param column: the AI-touched column; its companions are found by name. Templated.
    :param truth: the rows with the truth, with the same key and on the same connection; its ``where`` is its own.
        Templated.
    :param truth_column: column of ``truth`` that holds it, NULL before it arrives. Default: ``column``. Templated.
    :param max_ece: largest expected calibration error on 15 equal bins, in [0, 1].
    :param max_brier: largest Brier score, in [0, 1].
    :param max_rise: how much the expected calibration error may exceed that of ``reference``, in [0, 1].
    :param reference: ``name`` of an earlier calibration check: the latest under it before this run is what ``max_rise``
        is counted from. Templated.
    :param name: name to keep the counts under: for ``reference`` of later checks, and for ``estimate_from`` of the
        ground truth check. Default: they are not kept. Templated.
    :param min_truth_share: share of the claims, in [0, 1], that must have a truth and a confidence; less is undecided.
        Default 0.5.
    :param min_labels: labels with a confidence needed for a verdict; fewer are undecided. Default 500.
    :param alpha: one minus the confidence level of the intervals, in (0, 1). Default 0.05.
    :param on_breach: what bad calibration does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same when no verdict can be reached: no table, too few labels, no reference. Default
        ``"fail"``.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """
