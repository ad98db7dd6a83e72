"""How right was the model, now that the truth is there?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits, check_extras
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import require_joinable_specs, table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.ground_truth import GroundTruthQuestion


class GroundTruthArguments(BaseOperator):
    """Arguments of the ground truth guard, shared by its operator and its sensor."""

    template_fields: Sequence[str] = ("table", "truth", "column", "truth_column", "estimate_from")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json", "truth": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        column: str,
        truth: Table | str,
        min_accuracy: float | None = None,
        truth_column: str | None = None,
        metric: str = "accuracy",
        min_score: float | None = None,
        max_error: float | None = None,
        positive: str | bool | int | None = None,
        min_truth_share: float = 0.5,
        min_labels: int = 30,
        alpha: float = 0.05,
        truth_time_column: str | None = None,
        claim_time_column: str | None = None,
        max_delay: timedelta | None = None,
        estimate_from: str | None = None,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.truth = table_spec(truth, conn_id=conn_id or self.table["conn_id"], key=self.table["key"])
        self.column = column
        self.truth_column = truth_column or column
        self.metric = metric
        self.min_accuracy = min_accuracy
        self.min_score = min_score
        self.max_error = max_error
        self.positive = positive
        self.min_truth_share = min_truth_share
        self.min_labels = min_labels
        self.alpha = alpha
        self.truth_time_column = truth_time_column
        self.claim_time_column = claim_time_column
        self.max_delay = max_delay
        self.estimate_from = estimate_from
        check_extras(self._limits(), truth_time_column, claim_time_column, estimate_from)
        require_joinable_specs(self.table, self.truth)

    def question(self) -> GroundTruthQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.ground_truth import GroundTruthQuestion

        return GroundTruthQuestion(
            table=Table.from_dict(self.table),
            column=self.column,
            truth=Table.from_dict(self.truth),
            truth_column=self.truth_column,
            limits=self._limits(),
            truth_time_column=self.truth_time_column,
            claim_time_column=self.claim_time_column,
            estimate_from=self.estimate_from,
        )

    def _limits(self) -> GroundTruthLimits:
        return GroundTruthLimits(
            metric=self.metric,
            min_accuracy=self.min_accuracy,
            min_score=self.min_score,
            max_error=self.max_error,
            positive=self.positive,
            min_truth_share=self.min_truth_share,
            min_labels=self.min_labels,
            alpha=self.alpha,
            max_delay=None if self.max_delay is None else self.max_delay.total_seconds(),
        )


class GroundTruthCheckOperator(GroundTruthArguments, GuardOperator):
    """Joins claims with labels that arrived later and fails when the model is wrong too often, or too far.

    The metric comes with an interval, and a breach needs the whole interval beyond the limit: a handful of labels is no
    evidence.

    :param table: the rows with claims, with their key. Templated.
    :param column: the AI-touched column. Templated.
    :param truth: the rows with the truth, with the same key and on the same connection; its ``where`` is its own.
        Templated.
    :param min_accuracy: smallest share of right claims, in (0, 1]: the limit of ``metric="accuracy"``.
    :param truth_column: column of ``truth`` that holds it, NULL before it arrives. Default: ``column``. Templated.
    :param metric: ``"accuracy"`` (default), ``"balanced_accuracy"``, ``"f1"``, ``"precision"``, ``"recall"``, for
        numbers ``"mae"``, ``"rmse"`` or ``"bias"``, or the name of a scikit-learn scorer, such as ``"r2"``: that reads
        the rows and needs the extra ``sklearn``.
    :param min_score: smallest value of any other metric of which more is better, scikit-learn's all among them.
    :param max_error: largest ``"mae"``, ``"rmse"`` or, whatever its sign, ``"bias"``, in the column's unit, above 0.
    :param positive: the class that ``"f1"``, ``"precision"`` and ``"recall"`` are about. Default: the true one of a
        column that is a boolean, or 0 and 1.
    :param min_truth_share: share of the claims, in [0, 1], whose truth is needed; less is undecided. Default 0.5.
    :param min_labels: labels needed for a verdict; fewer are undecided. Default 30.
    :param alpha: one minus the confidence level of the interval, in (0, 1). Default 0.05.
    :param truth_time_column: column of ``truth``: when it arrived. With it, the delay of the truth is shown, too.
    :param claim_time_column: column of ``table``: when the claim was made. Default: when the run ended that made it.
    :param max_delay: how long after the claim 95 % of the truth may take to arrive. Default: any time.
    :param estimate_from: ``name`` that calibration checks keep their counts under. With it, the accuracy is estimated
        from the confidences, too: a check of severity warn that never decides. Templated.
    :param on_breach: what a breach does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same when no verdict can be reached: no table, too few labels. Default ``"fail"``.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """
