"""Is there money left?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.budget import BudgetLimits
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.guards.questions.budget import BudgetQuestion


class BudgetArguments(BaseOperator):
    """Arguments of the budget guard, shared by its operator and its sensor."""

    template_fields: Sequence[str] = ("needed",)

    def __init__(self, *, budget: Budget, needed: str = "0", max_used_share: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _check_budget(budget)
        self.budget = budget
        self.needed = needed
        self.max_used_share = max_used_share
        if not (isinstance(needed, str) and "{{" in needed):
            self._limits().needed_of(budget.unit)

    def question(self) -> BudgetQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.budget import BudgetQuestion

        return BudgetQuestion(budget=self.budget, limits=self._limits())

    def _limits(self) -> BudgetLimits:
        return BudgetLimits(needed=self.needed, max_used_share=self.max_used_share)


def _check_budget(budget: Any) -> None:
    if not isinstance(budget, Budget):
        raise ConfigurationError(
            f"A budget guard looks at one Budget; got {type(budget).__name__}. Give each budget a guard of its own."
        )
    if budget.per == "task":
        raise ConfigurationError(
            f"Budget {budget.name!r} is per='task': each task has a window of its own, and that of a guard is always "
            "empty. Look at one per 'dag_run', 'day' or longer."
        )


class BudgetCheckOperator(BudgetArguments, GuardOperator):
    """Fails when a budget does not have the money left that the next tasks need.

    It is a look before the work, not a reservation: the hold that the inference takes is what keeps the limit.

    :param budget: the budget, of any window but ``task``: that one is the guard's own.
    :param needed: what must be left: USD as a string such as ``"2.50"``, or a number of tokens or calls if the budget
        counts those. Default ``"0"``: something, however little. Templated.
    :param max_used_share: share of the limit, in [0, 1], that may be spent or held. Default 1.
    :param on_breach: what a lack of money does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: unused by this guard: the ledger always has an answer, or the task fails.
    :param conn_id: unused by this guard.
    :param aiguard_conn_id: connection of the store.
    """
