"""Has a table moved away from its baseline?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.drift import DriftQuestion


class DriftArguments(BaseOperator):
    """Arguments of the drift guard, shared by its operator and its sensor."""

    template_fields: Sequence[str] = ("table", "reference")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        reference: str,
        columns: Sequence[str] = (),
        alpha: float = 0.05,
        min_effect: Mapping[str, float] | None = None,
        must_see: Mapping[str, float] | None = None,
        show_levels: bool = False,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.reference = reference
        self.columns = columns
        self.alpha = alpha
        self.min_effect = min_effect
        self.must_see = must_see
        self.show_levels = show_levels
        self._limits()

    def question(self) -> DriftQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.drift import DriftQuestion

        return DriftQuestion(table=Table.from_dict(self.table), reference=self.reference, limits=self._limits())

    def _limits(self) -> DriftLimits:
        return DriftLimits(
            alpha=self.alpha,
            min_effect=self.min_effect or {},
            must_see=self.must_see or {},
            columns=self.columns,  # type: ignore[arg-type]
            show_levels=self.show_levels,
        )


class DriftCheckOperator(DriftArguments, GuardOperator):
    """Compares a table with a stored baseline and fails when it has drifted.

    One SQL statement counts the table on the baseline's cells where the rows are. A column has drifted if the change
    is significant over all columns and tests together and large enough to matter.

    :param table: the current rows. Templated.
    :param reference: name of the baseline that :class:`~airflow_provider_aiguard.operators.profile.ProfileOperator`
        stored. Templated.
    :param columns: columns to compare. Default: all of the baseline that can be compared.
    :param alpha: probability of a false alarm on an unchanged table, over all columns, in (0, 1). Default 0.05.
    :param min_effect: smallest changes that matter, by test, overriding the defaults: ``ks`` (largest distance of the
        distributions), ``categories`` (effect size w), ``nulls`` and ``unseen`` (shares).
    :param must_see: changes the check must be able to see, by test; a table too small for that is undecided.
    :param show_levels: whether messages may name categories, which are values of rows. Default ``False``.
    :param on_breach: what drift does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same when there is no verdict: no table, no baseline, too few rows. Default ``"fail"``.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """
