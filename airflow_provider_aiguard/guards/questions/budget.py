"""Is there money left?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.limits.budget import BudgetLimits
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import CheckResult
from airflow_provider_aiguard.guards import budget as budget_guard
from airflow_provider_aiguard.guards.questions.base import Question, Sources


@dataclass(frozen=True, kw_only=True)
class BudgetQuestion(Question):
    """Is there money left?

    :param budget: the budget.
    :param limits: how much must be left.
    """

    guard: ClassVar[str] = "budget"
    budget: Budget
    limits: BudgetLimits
    table: None = field(default=None, init=False)

    @property
    def subject(self) -> str:
        """The budget's name."""
        return self.budget.name

    def checks(self, sources: Sources, identity: RunIdentity) -> list[CheckResult]:
        """Read the ledger and compare."""
        status = sources.store.ledger.status(self.budget, identity, datetime.now(UTC))
        return budget_guard.evaluate(status, self.limits)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {"guard": self.guard, "budget": self.budget.to_dict(), "limits": self.limits.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BudgetQuestion:
        """The inverse of :meth:`to_dict`."""
        return cls(budget=Budget.from_dict(data["budget"]), limits=BudgetLimits.from_dict(data["limits"]))
