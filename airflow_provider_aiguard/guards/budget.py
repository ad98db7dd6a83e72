"""The budget guard: is the money there that the next step needs."""

from __future__ import annotations

from airflow_provider_aiguard.core.amounts import format_amount, shown_number
from airflow_provider_aiguard.core.budget import REMEDY_OF_A_TRIP
from airflow_provider_aiguard.core.evidence import BudgetStatus
from airflow_provider_aiguard.core.limits.budget import BudgetLimits
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome


def evaluate(status: BudgetStatus, limits: BudgetLimits) -> list[CheckResult]:
    """Judge one budget in one window: what is left, in USD, tokens or calls, and the share of the limit that is gone.

    :return: the checks ``budget.remaining`` and ``budget.used_share``.
    """
    return [_remaining(status, limits), _used_share(status, limits)]


def _remaining(status: BudgetStatus, limits: BudgetLimits) -> CheckResult:
    left, needed, unit = status.remaining, limits.needed_of(status.unit), status.unit
    enough = left >= needed and left > 0
    wanted = f"{format_amount(needed, unit)} needed" if needed else "something must be left"
    return CheckResult(
        check="budget.remaining",
        outcome=Outcome.PASS if enough else Outcome.BREACH,
        message=f"budget {status.name!r} ({status.window}): {format_amount(left, unit)} of "
        f"{_limit(status)} left, {wanted}{'' if enough else _remedy(status)}",
        value=shown_number(left, unit),
        limit=shown_number(needed, unit),
        detail={"unit": unit, "spent": status.spent, "held": status.held, "window": status.window},
    )


def _used_share(status: BudgetStatus, limits: BudgetLimits) -> CheckResult:
    share = (status.spent + status.held) / status.limit if status.limit else 1.0
    return CheckResult(
        check="budget.used_share",
        outcome=Outcome.BREACH if share > limits.max_used_share else Outcome.PASS,
        message=f"budget {status.name!r} ({status.window}): {share:.1%} of {_limit(status)} used "
        f"({format_amount(status.spent, status.unit)} spent, {format_amount(status.held, status.unit)} held), "
        f"limit {limits.max_used_share:.1%}",
        value=share,
        limit=limits.max_used_share,
    )


def _remedy(status: BudgetStatus) -> str:
    if status.tripped:
        return f". It is tripped: a call was charged more than was held for it. {REMEDY_OF_A_TRIP}"
    return ". Raise the limit or wait"


def _limit(status: BudgetStatus) -> str:
    return format_amount(status.limit, status.unit) + (" (set in the store)" if status.limit_from == "store" else "")
