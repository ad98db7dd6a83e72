"""``expect_column_confidence_to_be_sure``: the confidence guard as an expectation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Optional

from airflow_provider_aiguard.core.limits.confidence import ConfidenceLimits
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.expectations.base import GuardExpectation

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.base import Question

_LIMITS = ("min_mean", "max_share_below", "max_missing_share", "min_rows")


class ExpectColumnConfidenceToBeSure(GuardExpectation):
    """Expect a model to have been sure enough of a column, by the column's companions.

    :param column: the AI-touched column, without a companion's suffix.
    :param min_mean: lowest mean confidence, in [0, 1].
    :param max_share_below: ``[threshold, share]``: largest share of confidences below the threshold.
    :param max_missing_share: share of inferred values that may come without a confidence, in [0, 1].
    :param min_rows: inferred values needed to decide.
    """

    column: str
    min_mean: Optional[float] = None  # noqa: UP045  pydantic 1 reads it
    max_share_below: Optional[list[float]] = None  # noqa: UP045
    max_missing_share: float = 0.0
    min_rows: int = 1

    success_keys: ClassVar[tuple[str, ...]] = ("column", *_LIMITS)
    args_keys: ClassVar[tuple[str, ...]] = ("column",)

    @classmethod
    def check(cls, values: dict[str, Any]) -> None:
        """Refuse limits that the guard would."""
        _limits(values)

    @classmethod
    def sentence(cls, kwargs: dict[str, Any]) -> str:
        """What is expected."""
        parts = []
        if kwargs.get("min_mean") is not None:
            parts.append(f"mean confidence at least {kwargs['min_mean']:g}")
        if kwargs.get("max_share_below"):
            threshold, share = kwargs["max_share_below"]
            parts.append(f"at most {share:.2%} of the confidences below {threshold:g}")
        return f"the model must have been sure of {kwargs.get('column')}: {', '.join(parts)}."

    def question(self, table: Table) -> Question:
        """The confidence guard's question."""
        from airflow_provider_aiguard.guards.questions.confidence import ConfidenceQuestion

        return ConfidenceQuestion(table=table, column=self.column, limits=_limits(self.dict()))


def _limits(values: dict[str, Any]) -> ConfidenceLimits:
    return ConfidenceLimits(**{name: values[name] for name in _LIMITS if values.get(name) is not None})
