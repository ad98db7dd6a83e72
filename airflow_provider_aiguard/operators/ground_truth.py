"""How often was the model right, now that the truth is there?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.ground_truth import GroundTruthQuestion


class GroundTruthArguments(BaseOperator):
    """Arguments of the ground truth guard, shared by its operator and its sensor."""

    template_fields: Sequence[str] = ("table", "truth", "column", "truth_column")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json", "truth": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        column: str,
        truth: Table | str,
        min_accuracy: float,
        truth_column: str | None = None,
        min_truth_share: float = 0.5,
        min_labels: int = 30,
        alpha: float = 0.05,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.truth = table_spec(truth, conn_id=conn_id or self.table["conn_id"], key=self.table["key"])
        self.column = column
        self.truth_column = truth_column or column
        self.min_accuracy = min_accuracy
        self.min_truth_share = min_truth_share
        self.min_labels = min_labels
        self.alpha = alpha
        self._limits()
        if not any("{{" in str((spec["conn_id"], spec["key"])) for spec in (self.table, self.truth)):
            Table.from_dict(self.table).require_joinable(Table.from_dict(self.truth))

    def question(self) -> GroundTruthQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.ground_truth import GroundTruthQuestion

        return GroundTruthQuestion(
            table=Table.from_dict(self.table),
            column=self.column,
            truth=Table.from_dict(self.truth),
            truth_column=self.truth_column,
            limits=self._limits(),
        )

    def _limits(self) -> GroundTruthLimits:
        return GroundTruthLimits(
            min_accuracy=self.min_accuracy,
            min_truth_share=self.min_truth_share,
            min_labels=self.min_labels,
            alpha=self.alpha,
        )


class GroundTruthCheckOperator(GroundTruthArguments, GuardOperator):
    """Joins claims with labels that arrived later and fails when the model is wrong too often.

    The accuracy comes with an exact interval, and a breach needs the whole interval below the limit: a handful of
    labels is no evidence.

    :param table: the rows with claims, with their key. Templated.
    :param column: the AI-touched column. Templated.
    :param truth: the rows with the truth, with the same key and on the same connection; its ``where`` is its own.
        Templated.
    :param min_accuracy: smallest share of right claims, in [0, 1].
    :param truth_column: column of ``truth`` that holds it, NULL before it arrives. Default: ``column``. Templated.
    :param min_truth_share: share of the claims, in [0, 1], whose truth is needed; less is undecided. Default 0.5.
    :param min_labels: labels needed for a verdict; fewer are undecided. Default 30.
    :param alpha: one minus the confidence level of the interval, in (0, 1). Default 0.05.
    :param on_breach: what low accuracy does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same when no verdict can be reached: no table, too few labels. Default ``"fail"``.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """
