"""``expect_column_accuracy_against_truth``: the ground-truth guard as an expectation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Optional, Union

from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.expectations.base import GuardExpectation

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.base import Question

_LIMITS = ("min_accuracy", "min_truth_share", "min_labels", "alpha")


class ExpectColumnAccuracyAgainstTruth(GuardExpectation):
    """Expect inferred values to be right, by the truth in another table of the same database.

    :param column: the AI-touched column.
    :param truth: table with the truth; needs the same key columns.
    :param key: column, or columns, that identify a row.
    :param min_accuracy: smallest share of right values, in (0, 1].
    :param truth_column: column of ``truth`` that holds it; default ``column``.
    :param truth_schema: schema of ``truth``.
    :param min_truth_share: share of the inferred values whose truth must be in, in [0, 1].
    :param min_labels: labels needed to decide.
    :param alpha: one minus the level of the interval, in (0, 1).
    """

    column: str
    truth: str
    key: Union[str, list[str]]  # noqa: UP007  pydantic 1 reads it
    min_accuracy: float
    truth_column: Optional[str] = None  # noqa: UP045
    truth_schema: Optional[str] = None  # noqa: UP045
    min_truth_share: float = 0.5
    min_labels: int = 30
    alpha: float = 0.05

    success_keys: ClassVar[tuple[str, ...]] = ("column", "truth", "key", "truth_column", "truth_schema", *_LIMITS)
    args_keys: ClassVar[tuple[str, ...]] = ("column", "truth", "key")

    @classmethod
    def check(cls, values: dict[str, Any]) -> None:
        """Refuse limits that the guard would."""
        _limits(values)

    @classmethod
    def sentence(cls, kwargs: dict[str, Any]) -> str:
        """What is expected."""
        return (
            f"at least {kwargs.get('min_accuracy', 0):.2%} of the inferred values of {kwargs.get('column')} must be "
            f"right by the truth in {kwargs.get('truth')}."
        )

    def question(self, table: Table) -> Question:
        """The ground-truth guard's question."""
        from airflow_provider_aiguard.guards.questions.ground_truth import GroundTruthQuestion

        key = self.key if isinstance(self.key, str) else tuple(self.key)
        return GroundTruthQuestion(
            table=replace(table, key=key),
            column=self.column,
            truth=Table(self.truth, table.conn_id, schema=self.truth_schema, key=key),
            truth_column=self.truth_column or self.column,
            limits=_limits(self.dict()),
        )


def _limits(values: dict[str, Any]) -> GroundTruthLimits:
    return GroundTruthLimits(**{name: values[name] for name in _LIMITS if values.get(name) is not None})
