"""Does the model still lean on the same features?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.checks import require_count
from airflow_provider_aiguard.core.limits.importance import ImportanceLimits, ImportanceReference
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.importance import ImportanceQuestion


class ImportanceCheckOperator(GuardOperator):
    """Measures how much a model leans on each feature and fails when the ranking is no longer that of an earlier run.

    Each feature is shuffled within disjoint parts of a seeded sample; what the score loses is its importance. The model
    is asked ``features + 1`` times about every row of the sample, outside of any budget: take one that costs nothing.
    The first run is undecided: it is what later ones are compared with.

    :param table: rows with features and truth, with their key. Templated.
    :param model: who is asked: a model as ``InferenceOperator`` takes it, or anything whose ``predict`` gives one value
        a row for a DataFrame, such as a scikit-learn estimator.
    :param truth_column: column that holds the truth; rows where it is NULL are left out. Templated.
    :param name: name of the series that the runs are compared in. Templated.
    :param column: the model's output column. Default: ``truth_column``. Templated.
    :param features: columns the model sees. Default: all but key, truth and companion columns.
    :param sample: rows to use, drawn by key. Default 5,000.
    :param repeats: disjoint parts of the sample, at least 2, whose spread gives the interval. Default 20.
    :param seed: of the sample and the shuffling. Default 0.
    :param min_rank_correlation: lowest rank correlation, in [-1, 1], over the pairs of features whose order the
        reference is sure of. Default 0.8.
    :param reference: compare with the ``"first"`` run (default), so that slow changes add up, or with the
        ``"previous"`` one.
    :param min_rows: rows with truth needed for a verdict; fewer are undecided. Default 200.
    :param alpha: one minus the confidence level of the interval, in (0, 1). Default 0.05.
    :param on_breach: what another ranking does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same when there is no verdict: the first run, too few rows, a reference that is sure of
        nothing. Default ``"fail"``.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """

    template_fields: Sequence[str] = ("table", "truth_column", "name", "column")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        model: Any,
        truth_column: str,
        name: str,
        column: str | None = None,
        features: Sequence[str] = (),
        sample: int = 5_000,
        repeats: int = 20,
        seed: int = 0,
        min_rank_correlation: float = 0.8,
        reference: ImportanceReference = "first",
        min_rows: int = 200,
        alpha: float = 0.05,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.model = model
        self.truth_column = truth_column
        self.name = name
        self.column = column or truth_column
        self.features = features
        self.sample = sample
        self.repeats = repeats
        self.seed = seed
        self.min_rank_correlation = min_rank_correlation
        self.reference = reference
        self.min_rows = min_rows
        self.alpha = alpha
        self._limits()
        self._check_arguments()

    def question(self) -> ImportanceQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.importance import ImportanceQuestion

        return ImportanceQuestion(
            table=Table.from_dict(self.table),
            truth_column=self.truth_column,
            model=self.model,
            column=self.column,
            features=tuple(self.features),
            name=self.name,
            sample=self.sample,
            repeats=self.repeats,
            seed=self.seed,
            limits=self._limits(),
        )

    def _limits(self) -> ImportanceLimits:
        return ImportanceLimits(
            min_rank_correlation=self.min_rank_correlation,
            reference=self.reference,
            min_rows=self.min_rows,
            alpha=self.alpha,
        )

    def _check_arguments(self) -> None:
        Table.from_dict(self.table).require_key()
        if not hasattr(self.model, "predict"):
            raise ConfigurationError(
                "ImportanceCheckOperator needs a model= that can predict, such as SklearnModel(...); "
                f"got {self.model!r}."
            )
        if isinstance(self.features, str):
            raise ConfigurationError(f"features must be a sequence of column names; got {self.features!r}.")
        require_count("repeats", self.repeats)
        require_count("sample", self.sample)
        if self.repeats < 2 or self.sample < self.min_rows:
            raise ConfigurationError(
                f"repeats must be at least 2, sample at least min_rows; got repeats={self.repeats!r}, "
                f"sample={self.sample!r}, min_rows={self.min_rows!r}."
            )
