"""The budget guard: is the money there that the next step needs."""

from __future__ import annotations

from airflow_provider_aiguard.core.evidence import BudgetStatus
from airflow_provider_aiguard.core.limits.budget import BudgetLimits
from airflow_provider_aiguard.core.money import MICROS_PER_DOLLAR, format_micros
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome


def evaluate(status: BudgetStatus, limits: BudgetLimits) -> list[CheckResult]:
    """Judge one budget in one window: what is left in USD, and the share of the limit that is gone.

    :return: the checks ``budget.remaining`` and ``budget.used_share``.
    """
    return [_remaining(status, limits), _used_share(status, limits)]


def _remaining(status: BudgetStatus, limits: BudgetLimits) -> CheckResult:
    left, needed = status.remaining_micros, limits.needed_micros
    enough = left >= needed and left > 0
    wanted = f"{format_micros(needed)} needed" if needed else "something must be left"
    return CheckResult(
        check="budget.remaining",
        outcome=Outcome.PASS if enough else Outcome.BREACH,
        message=f"budget {status.name!r} ({status.window}): {format_micros(left)} of "
        f"{format_micros(status.limit_micros)} left, {wanted}{'' if enough else '. Raise the limit or wait'}",
        value=left / MICROS_PER_DOLLAR,
        limit=needed / MICROS_PER_DOLLAR,
        detail={"spent_micros": status.spent_micros, "held_micros": status.held_micros, "window": status.window},
    )


def _used_share(status: BudgetStatus, limits: BudgetLimits) -> CheckResult:
    used = status.spent_micros + status.held_micros
    share = used / status.limit_micros if status.limit_micros else 1.0
    return CheckResult(
        check="budget.used_share",
        outcome=Outcome.BREACH if share > limits.max_used_share else Outcome.PASS,
        message=f"budget {status.name!r} ({status.window}): {share:.1%} of {format_micros(status.limit_micros)} used "
        f"({format_micros(status.spent_micros)} spent, {format_micros(status.held_micros)} held), "
        f"limit {limits.max_used_share:.1%}",
        value=share,
        limit=limits.max_used_share,
    )
