"""Budgets as they stand, and where they will at this pace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.amounts import format_amount
from airflow_provider_aiguard.core.forecast import forecast
from airflow_provider_aiguard.report.figure import LONG_NAME, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow_provider_aiguard.core.evidence import BudgetStatus
    from airflow_provider_aiguard.core.forecast import Forecast


@dataclass(frozen=True, kw_only=True)
class BudgetRow:
    """A window of a budget as it is shown.

    :param share: of the limit that is spent or held, to sort by.
    :param ahead: what it will have spent when it turns; empty if that cannot be said.
    :param alarm: whether that is above the limit, or the window is tripped and nothing more is held.
    """

    name: str
    window: str
    spent: str
    held: str
    limit: str
    share: float
    ahead: str
    alarm: bool


def budget_rows(budgets: Sequence[BudgetStatus], now: datetime) -> list[BudgetRow]:
    """Show windows in the order given.

    :param budgets: where they stand.
    :param now: the time, with zone.
    """
    return [_row(status, now) for status in budgets]


def _row(status: BudgetStatus, now: datetime) -> BudgetRow:
    ahead = forecast(status, now)
    gone = status.spent + status.held
    return BudgetRow(
        name=shorten(status.name, LONG_NAME),
        window=shorten(status.window, LONG_NAME),
        spent=format_amount(status.spent, status.unit),
        held=format_amount(status.held, status.unit),
        limit=format_amount(status.limit, status.unit),
        share=gone / status.limit if status.limit else 1.0,
        ahead=_ahead(status, ahead),
        alarm=status.tripped or (ahead is not None and ahead.spent > ahead.limit),
    )


def _ahead(status: BudgetStatus, ahead: Forecast | None) -> str:
    if status.tripped:
        return "tripped: nothing more is held"
    return "" if ahead is None else f"{format_amount(ahead.spent, status.unit)} by {ahead.ends_at:%Y-%m-%d %H:%M} UTC"
