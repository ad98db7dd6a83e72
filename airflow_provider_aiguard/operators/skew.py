"""Does the model see at serving what it saw at training?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.skew import SkewLimits
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.skew import SkewQuestion


class SkewArguments(BaseOperator):
    """Arguments of the skew guard, shared by its operator and its sensor."""

    template_fields: Sequence[str] = ("table", "serving")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json", "serving": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        serving: Table | str,
        columns: Sequence[str] = (),
        tolerance: float = 1e-6,
        absolute_tolerance: float = 0.0,
        max_mismatch: float = 0.01,
        max_unmatched: float = 0.05,
        min_rows: int = 30,
        alpha: float = 0.05,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.serving = table_spec(serving, conn_id=conn_id or self.table["conn_id"], key=self.table["key"])
        self.columns = columns
        self.tolerance = tolerance
        self.absolute_tolerance = absolute_tolerance
        self.max_mismatch = max_mismatch
        self.max_unmatched = max_unmatched
        self.min_rows = min_rows
        self.alpha = alpha
        self._limits()
        if isinstance(columns, str):
            raise ConfigurationError(f"columns must be a sequence of column names; got {columns!r}.")
        if self.table["key"] is None:
            Table.from_dict(self.table).require_key()

    def question(self) -> SkewQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.skew import SkewQuestion

        return SkewQuestion(
            table=Table.from_dict(self.table),
            serving=Table.from_dict(self.serving),
            columns=tuple(self.columns),
            limits=self._limits(),
        )

    def _limits(self) -> SkewLimits:
        return SkewLimits(
            tolerance=self.tolerance,
            absolute_tolerance=self.absolute_tolerance,
            max_mismatch=self.max_mismatch,
            max_unmatched=self.max_unmatched,
            min_rows=self.min_rows,
            alpha=self.alpha,
        )


class SkewCheckOperator(SkewArguments, GuardOperator):
    """Joins the features of training and serving by key and fails when the same entity has others.

    One SQL statement counts, where the rows are, how often each column differs. Texts, booleans and times must be
    equal, numbers within a tolerance; NULL equals NULL only. A breach needs the whole interval of a share above the
    limit.

    :param table: the features the model was trained on, with their key. Templated.
    :param serving: the features it was served, on the same connection, with as many key columns. Templated.
    :param columns: columns to compare. Default: those that both have, but keys and companions.
    :param tolerance: numbers are equal if they differ by at most this share of the larger one, 0 or more. Default 1e-6.
    :param absolute_tolerance: or by at most this much. Default 0.
    :param max_mismatch: share of the joined rows, in [0, 1], where a column may differ. Default 0.01.
    :param max_unmatched: share of all keys, in [0, 1], that may be on one side only. Default 0.05; 1 allows all.
    :param min_rows: joined rows needed for a verdict; fewer are undecided. Default 30.
    :param alpha: probability of a false alarm, over all columns, where the true shares are at the limit, in (0, 1).
        Default 0.05.
    :param on_breach: what skew does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same when there is no verdict: no table, too few joined rows. Default ``"fail"``.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """
