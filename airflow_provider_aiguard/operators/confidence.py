"""Was the model sure enough?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_aiguard.core.limits.confidence import ConfidenceLimits
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.confidence import ConfidenceQuestion


class ConfidenceArguments(BaseOperator):
    """Arguments of the confidence guard, shared by its operator and its sensor."""

    template_fields: Sequence[str] = ("table", "column")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        column: str,
        min_mean: float | None = None,
        max_share_below: tuple[float, float] | None = None,
        max_entropy: float | None = None,
        max_missing_share: float = 0.0,
        min_rows: int = 1,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.column = column
        self.min_mean = min_mean
        self.max_share_below = max_share_below
        self.max_entropy = max_entropy
        self.max_missing_share = max_missing_share
        self.min_rows = min_rows
        self._limits()

    def question(self) -> ConfidenceQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.confidence import ConfidenceQuestion

        return ConfidenceQuestion(table=Table.from_dict(self.table), column=self.column, limits=self._limits())

    def _limits(self) -> ConfidenceLimits:
        return ConfidenceLimits(
            min_mean=self.min_mean,
            max_share_below=self.max_share_below,
            max_entropy=self.max_entropy,
            max_missing_share=self.max_missing_share,
            min_rows=self.min_rows,
        )


class ConfidenceCheckOperator(ConfidenceArguments, GuardOperator):
    """Fails when a model was not sure enough of what it wrote into a column.

    Only ``ai_inferred`` cells count, and one without a confidence never passes. Confidence is a claim: a model can be
    sure and wrong, which only ground truth shows.

    :param table: the rows with claims. Templated.
    :param column: the AI-touched column; its companions are found by name. Templated.
    :param min_mean: smallest mean confidence, in [0, 1].
    :param max_share_below: pair ``(threshold, share)``: at most ``share`` of the cells may have a confidence below
        ``threshold``, both in [0, 1].
    :param max_entropy: largest mean entropy of the confidences, in bits, in [0, 1]: 0 if the model is always sure, 1 if
        it always says 0.5.
    :param max_missing_share: share of inferred cells, in [0, 1], that may lack a confidence. Default 0.
    :param min_rows: inferred rows needed for a verdict; fewer are undecided. Default 1.
    :param on_breach: what low confidence does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same when no verdict can be reached: no table, no inferred rows. Default ``"fail"``.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """
