"""Does the model still say different things?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_aiguard.core.limits.diversity import DiversityLimits, check_places
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.diversity import DiversityQuestion


class DiversityArguments(BaseOperator):
    """Arguments of the diversity guard, shared by its operator and its sensor."""

    template_fields: Sequence[str] = ("table", "column", "reference", "reference_column")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json", "reference": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        column: str,
        min_entropy: float | None = None,
        classes: int | None = None,
        max_dominant_share: float | None = None,
        min_distinct: Mapping[int, float] | None = None,
        min_variance_ratio: float | None = None,
        reference: Table | str | None = None,
        reference_column: str | None = None,
        min_rows: int = 500,
        alpha: float = 0.05,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.column = column
        self.min_entropy = min_entropy
        self.classes = classes
        self.max_dominant_share = max_dominant_share
        self.min_distinct = min_distinct
        self.min_variance_ratio = min_variance_ratio
        self.reference = None if reference is None else table_spec(reference, conn_id=conn_id or self.table["conn_id"])
        self.reference_column = reference_column
        self.min_rows = min_rows
        self.alpha = alpha
        check_places(self._limits(), Table.from_dict(self.table), self._reference(), reference_column)

    def question(self) -> DiversityQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.diversity import DiversityQuestion

        return DiversityQuestion(
            table=Table.from_dict(self.table),
            column=self.column,
            limits=self._limits(),
            reference_rows=self._reference(),
            reference_column=self.reference_column,
        )

    def _reference(self) -> Table | None:
        return None if self.reference is None else Table.from_dict(self.reference)

    def _limits(self) -> DiversityLimits:
        return DiversityLimits(
            min_entropy=self.min_entropy,
            max_dominant_share=self.max_dominant_share,
            min_distinct=self.min_distinct,
            min_variance_ratio=self.min_variance_ratio,
            classes=self.classes,
            min_rows=self.min_rows,
            alpha=self.alpha,
        )


class DiversityCheckOperator(DiversityArguments, GuardOperator):
    """Fails when a model says the same thing too often.

    Only ``ai_inferred`` cells count. Every number comes with an interval, and a breach needs the whole interval beyond
    the limit. Give at least one of ``min_entropy``, ``max_dominant_share``, ``min_distinct`` and
    ``min_variance_ratio``.

    :param table: the rows with claims. ``min_distinct`` needs their key. Templated.
    :param column: the AI-touched column. Templated.
    :param min_entropy: smallest normalised entropy, in [0, 1]: 1 if all values are equally frequent, 0 if there is one.
    :param classes: how many values there can be; what the entropy is normalised by. Default: those that were seen.
    :param max_dominant_share: largest share of the most frequent value, in [0, 1].
    :param min_distinct: smallest share of distinct n-grams in blocks of 1,000, in [0, 1], by their length: ``{2: 0.5}``
        for pairs of words. For a column of texts.
    :param min_variance_ratio: smallest variance over that of ``reference``, above 0. For a column of numbers.
    :param reference: the rows that ``min_variance_ratio`` compares with: a good month, or the labels of the training.
        Templated.
    :param reference_column: the column of ``reference``. Default: ``column``. Templated.
    :param min_rows: values needed for a verdict; fewer are undecided. Default 500.
    :param alpha: one minus the confidence level of the intervals, in (0, 1). Default 0.05.
    :param on_breach: what too little diversity does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same when no verdict can be reached: no table, too few values. Default ``"fail"``.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """
