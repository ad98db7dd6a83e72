"""Has a table moved away from what it was?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.reference import Reference
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.drift import DriftQuestion


class DriftArguments(BaseOperator):
    """Arguments of the drift guard, shared by its operator and its sensor."""

    template_fields: Sequence[str] = ("table", "reference")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json", "reference": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        reference: Reference | str,
        columns: Sequence[str] = (),
        methods: Mapping[str, Sequence[str]] | None = None,
        alpha: float = 0.05,
        min_effect: Mapping[str, float] | None = None,
        must_see: Mapping[str, float] | None = None,
        cluster: str | None = None,
        design_effect: float = 1.0,
        sample: float | None = None,
        dependence: bool = False,
        show_levels: bool = False,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        # A plain value, in which Airflow can render templates.
        self.reference = reference.to_dict() if isinstance(reference, Reference) else reference
        self.columns = columns
        self.methods = methods
        self.alpha = alpha
        self.min_effect = min_effect
        self.must_see = must_see
        self.cluster = cluster
        self.design_effect = design_effect
        self.sample = sample
        self.dependence = dependence
        self.show_levels = show_levels
        if sample is not None and not 0 < sample <= 1:
            raise ConfigurationError(f"sample must be a share of the rows in (0, 1]; got {sample!r}.")
        Reference.from_dict(self.reference)
        self._limits()

    def question(self) -> DriftQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.drift import DriftQuestion

        return DriftQuestion(
            table=Table.from_dict(self.table),
            reference=Reference.from_dict(self.reference),
            limits=self._limits(),
            sample=self.sample,
            cluster=self.cluster,
            dependence=self.dependence,
        )

    def _limits(self) -> DriftLimits:
        return DriftLimits(
            alpha=self.alpha,
            min_effect=self.min_effect or {},
            must_see=self.must_see or {},
            columns=self.columns,  # type: ignore[arg-type]
            methods=self.methods or {},  # type: ignore[arg-type]
            design_effect=self.design_effect,
            show_levels=self.show_levels,
        )


class DriftCheckOperator(DriftArguments, GuardOperator):
    """Compares a table with a stored baseline or with earlier batches, and fails when it has drifted.

    The table is counted on the reference's cells where the rows are. A column has drifted if the change is significant
    over all columns and tests together and large enough to matter.

    :param table: the current rows. Templated.
    :param reference: what to compare with: the name of a baseline that
        :class:`~airflow_provider_aiguard.operators.profile.ProfileOperator` stored, or
        ``Reference.previous(name)``, ``Reference.trailing(name, batches=8)`` or
        ``Reference.seasonal(name, by="weekday")``, whose batches this check stores itself. Templated.
    :param columns: columns to compare. Default: all of the reference that can be compared.
    :param methods: tests by column, ``"*"`` for all others, such as ``{"*": ["ks", "nulls"], "carrier": ["psi"]}``.
        Default: the recommended combination for each kind of column.
    :param alpha: probability of a false alarm on an unchanged table, over all columns, in (0, 1). Default 0.05.
    :param min_effect: smallest changes that matter, by test, overriding the defaults: ``ks`` (largest distance of the
        distributions), ``categories`` (effect size w), ``nulls`` and ``unseen`` (shares), …
    :param must_see: changes the check must be able to see, by test; a table too small for that is undecided.
    :param cluster: column whose equal values come together (a customer, a device), so that their rows are not
        independent. Default: rows count as independent.
    :param design_effect: by what factor dependence between rows inflates variances, from 1, if you know it. The larger
        of this and what ``cluster`` finds counts.
    :param sample: share of the rows to look at, in (0, 1]. Default: all.
    :param dependence: also compare numeric columns two by two; a baseline must have been made with it. Default
        ``False``.
    :param show_levels: whether messages may name categories, which are values of rows. Default ``False``.
    :param on_breach: what drift does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same when there is no verdict: no table, no reference, too few rows. Default ``"fail"``.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """
