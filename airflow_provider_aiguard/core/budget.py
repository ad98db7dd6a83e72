"""A budget: a limit in USD, tokens or calls over a scope and a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args
from zoneinfo import ZoneInfo

from airflow_provider_aiguard.core.amounts import Unit, format_amount, limit_amount, parse_limit
from airflow_provider_aiguard.core.errors import ConfigurationError, PriceUnknownError

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.run import RunIdentity

Per = Literal["task", "dag_run", "dag/day", "day", "month", "team"]

_DATE_LENGTH = {"dag/day": len("2026-01-31"), "day": len("2026-01-31"), "month": len("2026-01")}
"""Windows that turn with the calendar, and how much of a date names one."""

REMEDY_OF_A_TRIP = (
    "Nothing is held from it until the price or the bound is right and a person says so: correct it, then "
    "'aiguard budget set', with the same limit or another."
)

LEVELS = (50, 80, 100)
"""Percent of a limit at which a warning is given."""


@dataclass(frozen=True)
class Budget:
    """A limit that money, tokens or calls are held against before they are spent.

    :param name: the budget; two DAGs that name the same budget share it.
    :param limit: the limit: USD as a string such as ``"5.00"``, or a whole number of tokens or calls. A limit that
        ``aiguard budget set`` put into the store comes before it.
    :param per: the window the limit applies to: one ``dag_run`` (default), with all its tasks and tries; one
        ``task`` of it (each mapped one by itself), with all its tries; one DAG's day, ``dag/day``; one ``day`` or
        one ``month`` of all who name the budget; or ``team``: all that they ever spend, a window that never turns.
    :param unit: what is counted: ``usd`` (default), ``tokens`` (sent and received) or ``calls`` to the provider.
    :param time_zone: IANA name of the zone in which a day or a month turns, such as ``"Europe/Berlin"``. Default
        ``"UTC"``. All who share a budget name the same one.
    """

    name: str
    limit: str | int | Decimal
    per: Per = "dag_run"
    unit: Unit = "usd"
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigurationError(f"Budget name must be a non-empty string; got {self.name!r}.")
        check_kind(self.per, self.unit)
        self._check_zone()
        number = parse_limit(self.limit, self.unit, what=f"limit of budget {self.name!r}")
        object.__setattr__(self, "limit", str(number))

    @cached_property
    def limit_amount(self) -> int:
        """The limit in what the ledger counts: micro-dollars, tokens or calls."""
        return limit_amount(Decimal(self.limit), self.unit)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def turns(self) -> bool:
        """Whether its window gives way to a new one with the calendar."""
        return self.per in _DATE_LENGTH

    def window(self, identity: RunIdentity, now: datetime) -> str:
        """Key of the window that a charge falls into.

        Budgets of one name that differ in ``per``, ``unit`` or ``time_zone`` have windows of their own.

        :param identity: whose charge.
        :param now: the time of the charge, with zone.
        """
        zone = "" if self.time_zone == "UTC" else f" {self.time_zone}"
        counted = "" if self.unit == "usd" else f" {self.unit}"
        return f"{self.per}:{self._scope(identity)}{self._date(now)}{zone}{counted}"

    def _scope(self, identity: RunIdentity) -> str:
        if self.per == "task":
            return f"{identity.dag_id}/{identity.dag_run_id}/{identity.task_id}/{identity.map_index}"
        if self.per == "dag_run":
            return f"{identity.dag_id}/{identity.dag_run_id}"
        return f"{identity.dag_id}/" if self.per == "dag/day" else ""

    def _date(self, now: datetime) -> str:
        if not self.turns:
            return ""
        return now.astimezone(self._zone).date().isoformat()[: _DATE_LENGTH[self.per]]

    def _check_zone(self) -> None:
        if self.time_zone != "UTC" and not self.turns:
            raise ConfigurationError(
                f"Budget time_zone says when a day or a month turns; per={self.per!r} never turns. "
                f"Leave out {self.time_zone!r}."
            )
        try:
            ZoneInfo(self.time_zone)
        except (ValueError, TypeError, OSError, KeyError, AttributeError):
            raise ConfigurationError(
                f"Budget time_zone must be an IANA name such as 'Europe/Berlin'; got {self.time_zone!r}."
            ) from None

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "name": self.name,
            "limit": str(self.limit),
            "per": self.per,
            "unit": self.unit,
            "time_zone": self.time_zone,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Budget:
        """The inverse of :meth:`to_dict`."""
        return cls(**data)


@dataclass(frozen=True, kw_only=True)
class BudgetWarning:
    """Said once when a budget's window passes 50, 80 or 100 % of its limit, and once when it is tripped.

    A budget stops before its last cent: 100 % is also said when 80 % is gone and what comes next does not fit.

    :param name: the budget.
    :param window: key of the window.
    :param unit: what it counts.
    :param level: percent passed: 0, 50, 80 or 100.
    :param spent: spent so far: micro-dollars, tokens or calls.
    :param limit: the limit that applies.
    :param above_hold: by how much a charge was above its hold, which tripped the budget; 0 where a level was passed.
    :param lacking: by how much what came next did not fit; 0 where a level was passed.
    """

    name: str
    window: str
    unit: str
    level: int
    spent: int
    limit: int
    above_hold: int = 0
    lacking: int = 0

    def __str__(self) -> str:
        if self.above_hold:
            return (
                f"Budget {self.name!r} is tripped in window {self.window!r}: a call was charged "
                f"{format_amount(self.above_hold, self.unit)} more than was held for it. {REMEDY_OF_A_TRIP}"
            )
        if self.lacking:
            return (
                f"Budget {self.name!r} has no room for what comes next in window {self.window!r}: of its limit of "
                f"{format_amount(self.limit, self.unit)}, {format_amount(self.spent, self.unit)} is spent or held, "
                f"{format_amount(self.lacking, self.unit)} is lacking."
            )
        return (
            f"Budget {self.name!r} has passed {self.level} % in window {self.window!r}: "
            f"{format_amount(self.spent, self.unit)} of {format_amount(self.limit, self.unit)} is spent."
        )


def check_kind(per: str, unit: str) -> None:
    """Refuse an unknown window or unit.

    :raises ConfigurationError: if there is none such.
    """
    for what, value, known in (("per", per, get_args(Per)), ("unit", unit, get_args(Unit))):
        if value not in known:
            raise ConfigurationError(f"Budget {what} must be one of {known!r}; got {value!r}.")


def unbounded(budget: Budget) -> PriceUnknownError:
    """Make the error for a budget that counts what nobody has bounded."""
    what, remedy = {
        "usd": ("price", "Declare price_per_row= in USD, such as '0.0001'; '0' if the model is free."),
        "tokens": ("bound of the tokens", "Use a model that states one, or a budget in USD or in calls."),
        "calls": ("bound of the calls", "Use a model that states one, or a budget in USD."),
    }[budget.unit]
    return PriceUnknownError(f"Budget {budget.name!r} is set, but no {what}: spending cannot be bounded. {remedy}")


def level_of(spent: int, limit: int) -> int:
    """Give the highest of :data:`LEVELS` that spending has reached, 0 if none. Of a limit of 0 nothing is passed.

    >>> level_of(799, 1000), level_of(800, 1000), level_of(1200, 1000), level_of(0, 0)
    (50, 80, 100, 0)
    """
    return max((level for level in LEVELS if spent and spent * 100 >= level * limit), default=0)
