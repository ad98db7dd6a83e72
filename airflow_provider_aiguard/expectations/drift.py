"""``expect_table_to_match_baseline``: the drift guard as an expectation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Optional

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.expectations.base import GuardExpectation

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.base import Question

_LIMITS = ("alpha", "min_effect", "must_see", "columns", "methods", "design_effect")


class ExpectTableToMatchBaseline(GuardExpectation):
    """Expect a table not to have drifted from a stored baseline.

    :param baseline: name of the baseline that ``ProfileOperator`` stored.
    :param columns: columns to compare; default all of the baseline that can be compared.
    :param alpha: probability of a false alarm on an unchanged table, over all columns, in (0, 1).
    :param min_effect: smallest changes that matter, by test.
    :param must_see: changes that must be visible, by test.
    :param methods: tests by column, ``"*"`` for all others; default the recommended combination.
    :param design_effect: by what factor dependence between rows inflates variances, from 1.
    :param store: where the baselines are, outside of our operators: a SQLAlchemy URL, or an Airflow connection.
    """

    baseline: str
    columns: Optional[list[str]] = None  # noqa: UP045  pydantic 1 reads it
    alpha: float = 0.05
    min_effect: Optional[dict[str, float]] = None  # noqa: UP045
    must_see: Optional[dict[str, float]] = None  # noqa: UP045
    methods: Optional[dict[str, list[str]]] = None  # noqa: UP045
    design_effect: float = 1.0
    store: str = "aiguard_default"

    success_keys: ClassVar[tuple[str, ...]] = ("baseline", *_LIMITS)
    args_keys: ClassVar[tuple[str, ...]] = ("baseline",)

    @property
    def store_name(self) -> str:
        """Where the baselines are."""
        return self.store

    @classmethod
    def check(cls, values: dict[str, Any]) -> None:
        """Refuse limits that the guard would."""
        _limits(values)

    @classmethod
    def sentence(cls, kwargs: dict[str, Any]) -> str:
        """What is expected."""
        columns = kwargs.get("columns")
        of = f"columns {', '.join(columns)}" if columns else "the table"
        return (
            f"{of} must not have drifted from baseline {kwargs.get('baseline')} (alpha {kwargs.get('alpha', 0.05):g})."
        )

    def question(self, table: Table) -> Question:
        """The drift guard's question."""
        from airflow_provider_aiguard.guards.questions.drift import DriftQuestion

        limits = _limits(self.dict())
        return DriftQuestion.from_dict(
            {"table": table.to_dict(), "reference": self.baseline, "limits": limits.to_dict()}
        )


def _limits(values: dict[str, Any]) -> DriftLimits:
    return DriftLimits(**{name: values[name] for name in _LIMITS if values.get(name) is not None})
