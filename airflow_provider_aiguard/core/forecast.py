"""Where a budget's window ends up at the pace so far."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.evidence import BudgetStatus

MIN_PASSED = 0.05
"""Share of a window that must have passed before a pace is one."""

_DATE = re.compile(r".*[:/](\d{4})-(\d{2})(?:-(\d{2}))?(?: (\S+))?(?: (?:tokens|calls))?", re.DOTALL)
"""How the key of a window that turns ends: its date, its zone, its unit."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a window will have spent when it turns, if it goes on like this.

    :param ends_at: when it turns, with zone.
    :param passed: share of it that has passed, in (0, 1].
    :param spent: what will be spent then: micro-dollars, tokens or calls.
    :param limit: the limit that applies.
    """

    ends_at: datetime
    passed: float
    spent: int
    limit: int

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {"ends_at": self.ends_at.isoformat(), "passed": self.passed, "spent": self.spent, "limit": self.limit}


def forecast(status: BudgetStatus, now: datetime) -> Forecast | None:
    """Carry what was spent so far on to the end of the window, evenly.

    :param status: where the budget stands.
    :param now: the time, with zone.
    :return: ``None`` for a window that never turns, that is over, that has only begun, or of which nothing is spent.
    """
    span = window_span(status.window) if status.spent else None
    if span is None or not span[0] <= now < span[1]:
        return None
    start, end = span
    passed = (now - start) / (end - start)
    if passed < MIN_PASSED:
        return None
    return Forecast(ends_at=end, passed=passed, spent=round(status.spent / passed), limit=status.limit)


def window_span(key: str) -> tuple[datetime, datetime] | None:
    """Give the first moment of a window and the first one after it; ``None`` if it never turns.

    :param key: see :meth:`Budget.window`.

    >>> [str(moment) for moment in window_span("month:2026-12 Europe/Berlin tokens")]
    ['2026-11-30 23:00:00+00:00', '2026-12-31 23:00:00+00:00']
    >>> window_span("team: calls")
    """
    found = _DATE.fullmatch(key) if key.startswith(("dag/day:", "day:", "month:")) else None
    if found is None:
        return None
    year, month, day, zone = found.groups()
    known = "UTC" if zone in (None, "tokens", "calls") else zone
    start = datetime(int(year), int(month), int(day or 1), tzinfo=ZoneInfo(known))
    after = start.date() + timedelta(days=1 if day else 31)
    end = start.replace(year=after.year, month=after.month, day=after.day if day else 1)
    return start.astimezone(UTC), end.astimezone(UTC)
