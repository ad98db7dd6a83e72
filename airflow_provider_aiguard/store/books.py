"""The books: what a budget's window has spent and holds. Every function works inside its caller's transaction.

The row of the window is the lock for its holds: whoever changes a hold changes or locks that row first, and takes
windows in sorted order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from airflow_provider_aiguard.core.amounts import MAX_AMOUNT, Amounts, Unit, format_amount
from airflow_provider_aiguard.core.budget import REMEDY_OF_A_TRIP, Budget, BudgetWarning, level_of
from airflow_provider_aiguard.core.errors import BudgetExceededError, NotRecordedError
from airflow_provider_aiguard.core.evidence import BudgetStatus
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.database import execute_while_changing, insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

budgets_ = schema.budget.c
limits_ = schema.limit.c
holds_ = schema.hold.c


NEARLY_FULL = 80
"""Percent of a limit. A refusal below it says that the work is large, not that the budget is used up."""


class Window(NamedTuple):
    """One window of one budget, and what it counts."""

    name: str
    key: str
    unit: Unit


class HoldState(StrEnum):
    """What became of a hold."""

    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"
    FORFEITED = "forfeited"


@dataclass(frozen=True, kw_only=True)
class Hold:
    """What is reserved for calls under way.

    :param hold_id: its id.
    :param run_id: the run that holds it.
    :param amounts: what is held, of each window in its unit.
    :param windows: the budgets' names with the keys of their windows and what they count, sorted.
    :param expires_at: when it counts as spent, with zone.
    """

    hold_id: str
    run_id: str
    amounts: Amounts
    windows: tuple[Window, ...]
    expires_at: datetime

    def amount_of(self, window: Window) -> int:
        """Give what is held from one window."""
        return self.amounts.of(window.unit) or 0


@dataclass(frozen=True, kw_only=True)
class Booked:
    """What booking changed.

    :param count: holds that changed, counted once a window.
    :param warnings: levels of budgets that were passed by it.
    """

    count: int
    warnings: tuple[BudgetWarning, ...] = ()


_set_limit = (
    sa.select(limits_.amount)
    .where(limits_.name == budgets_.name, limits_.per == budgets_.per, limits_.unit == budgets_.unit)
    .correlate(schema.budget)
    .scalar_subquery()
)
"""The limit that a person put into the store; NULL if nobody did."""

# As text: in RETURNING of SQLite SQLAlchemy leaves out the table, and a name alone is that of the inner one.
_its_limit = (
    sa.select(limits_.amount)
    .where(*(limits_[name] == sa.literal_column(f"{schema.budget.name}.{name}") for name in ("name", "per", "unit")))
    .scalar_subquery()
)

_x = sa.bindparam("x", type_=sa.BigInteger())
_code_limit = sa.bindparam("code_limit", type_=sa.BigInteger())
_this = sa.and_(
    budgets_.name == sa.bindparam("budget", type_=sa.Text()),
    budgets_.window_key == sa.bindparam("key", type_=sa.Text()),
)

# Built once: to build a statement takes longer than to run it.
_TAKE = (
    sa.update(schema.budget)
    .where(_this, budgets_.spent + budgets_.held + _x <= sa.func.coalesce(_set_limit, _code_limit), ~budgets_.tripped)
    .values(held=budgets_.held + _x, limit_amount=_code_limit)
)
_hold = {
    "hold_id": sa.bindparam("id", type_=sa.Text()),
    "budget_name": sa.bindparam("budget", type_=sa.Text()),
    "window_key": sa.bindparam("key", type_=sa.Text()),
    "run_id": sa.bindparam("run", type_=sa.Text()),
    "amount": _x,
    "booked": sa.literal_column("0"),
    "state": sa.literal_column(f"'{HoldState.HELD}'"),
    "held_at": sa.bindparam("now", type_=schema.UTCTime()),
    "expires_at": sa.bindparam("ends", type_=schema.UTCTime()),
    "price": sa.bindparam("paid_at", type_=sa.Text()),
}
_KEEP = sa.insert(schema.hold).values(_hold)
_took = _TAKE.returning(budgets_.name, budgets_.window_key).cte("took")
_from_took = {**_hold, "budget_name": _took.c.name, "window_key": _took.c.window_key}
_from_took["price"] = sa.cast(sa.bindparam("paid_at", type_=sa.Text()), sa.JSON())
_TAKE_AND_KEEP = sa.insert(schema.hold).from_select(
    list(_hold), sa.select(*list[Any](_from_took.values())).select_from(_took)
)
_LOCK = sa.select(sa.literal(1)).select_from(schema.budget).where(_this).with_for_update()
_STANDING = sa.select(budgets_.spent, budgets_.held, budgets_.tripped).where(_this)
_MOVE = (
    sa.update(schema.budget)
    .where(_this)
    .values(held=budgets_.held + sa.bindparam("held_by"), spent=budgets_.spent + sa.bindparam("spent_by"))
    .returning(budgets_.spent, budgets_.warned, sa.func.coalesce(_its_limit, budgets_.limit_amount).label("limit"))
)
_FULLNESS = sa.select(
    budgets_.spent,
    budgets_.held,
    budgets_.tripped,
    budgets_.warned,
    sa.func.coalesce(_set_limit, budgets_.limit_amount).label("limit"),
).where(_this)
_TRIP = sa.update(schema.budget).where(_this, ~budgets_.tripped).values(tripped=sa.true())
_WARNED = sa.update(schema.budget).where(_this).values(warned=sa.bindparam("level"))
_part = sa.and_(
    holds_.hold_id == sa.bindparam("id"),
    holds_.budget_name == sa.bindparam("budget"),
    holds_.window_key == sa.bindparam("key"),
)
_PART = sa.select(holds_.state, holds_.amount, holds_.booked).where(_part)
_END = sa.update(schema.hold).where(_part).values(state=sa.bindparam("ended"), booked=sa.bindparam("charge"))


def take_all(conn: Connection, hold: Hold, budgets: Mapping[Window, Budget], now: datetime, price: Any) -> None:
    """Take a hold from all its windows, or raise and let the transaction undo what was taken.

    Holds past their expiry are left alone: booked or held, they take the same from what is left.

    :raises BudgetExceededError: if it does not fit into one of them.
    """
    # All is made ready before the first row is locked: whoever waits for it waits for this transaction.
    rows = [_take_values(hold, window, budgets[window], now, price) for window in hold.windows]
    taken = _take(conn, rows)
    while taken < len(rows):
        # Refused, or the window's first hold.
        window = hold.windows[taken]
        _open_window(conn, budgets[window], rows[taken])
        more = _take(conn, rows[taken:])
        if not more:
            expire(conn, window, now)
            raise _refused(conn, window, budgets[window], hold.amount_of(window))
        taken += more


@cache
def _take_text(dialect: sa.Dialect) -> str:
    return str(_TAKE_AND_KEEP.compile(dialect=dialect))


def is_taken(conn: Connection, hold: Hold) -> bool:
    """Whether an attempt whose answer was lost did take the hold."""
    return conn.scalar(sa.select(holds_.hold_id).where(holds_.hold_id == hold.hold_id).limit(1)) is not None


def _at(window: Window) -> dict[str, Any]:
    return {"budget": window.name, "key": window.key}


def capped(limit: int) -> int:
    """Give a limit that stays within 64 bits, far above any sum of charges."""
    return min(limit, 1000 * MAX_AMOUNT)


def _take_values(hold: Hold, window: Window, budget: Budget, now: datetime, price: Any) -> dict[str, Any]:
    return {
        "id": hold.hold_id,
        "budget": window.name,
        "key": window.key,
        "run": hold.run_id,
        "x": hold.amount_of(window),
        "code_limit": capped(budget.limit_amount),
        "ends": hold.expires_at,
        "now": now,
        "paid_at": price and json.dumps(price),
    }


def _take(conn: Connection, rows: Sequence[dict[str, Any]]) -> int:
    """Take from one window after the other and write the holds. How many fit before the first that does not."""
    if conn.dialect.name == "postgresql":
        return execute_while_changing(conn, _take_text(conn.dialect), rows)
    for done, row in enumerate(rows):
        if not conn.execute(_TAKE, row).rowcount:
            return done
        conn.execute(_KEEP, row)
    return len(rows)


def _open_window(conn: Connection, budget: Budget, values: dict[str, Any]) -> None:
    """Make the window's row if there is none. Whoever else does at the same time, it is there afterwards."""
    first = insert_into(conn, schema.budget).on_conflict_do_nothing(index_elements=["name", "window_key"])
    row = {"name": values["budget"], "window_key": values["key"], "per": budget.per, "unit": budget.unit}
    conn.execute(first, {**row, "limit_amount": values["code_limit"], "spent": 0, "held": 0})


def _refused(conn: Connection, window: Window, budget: Budget, amount: int) -> BudgetExceededError:
    status = status_of(conn, window, budget)

    def say(number: int) -> str:
        return format_amount(number, window.unit)

    if status.tripped:
        return BudgetExceededError(
            f"Budget {window.name!r} refuses {say(amount)} in window {window.key!r}: it is tripped, because a call was "
            f"charged more than was held for it. Nothing was held or spent for this call. {REMEDY_OF_A_TRIP}"
        )
    wait = f", or wait for the next {budget.per.removeprefix('dag/')}" if budget.turns else ""
    at_store = status.limit_from == "store"
    whose = f", which was set in the store (the code says {say(budget.limit_amount)})" if at_store else ""
    # What is lacking is said on its own: it may be smaller than what the other amounts are rounded to.
    return BudgetExceededError(
        f"Budget {window.name!r} refuses {say(amount)} in window {window.key!r}: of its limit of "
        f"{say(status.limit)}{whose}, {say(status.spent)} is spent and {say(status.held)} is held, "
        f"so {say(amount - status.remaining)} is lacking. Nothing was held or spent for this call. Raise the "
        f"budget's limit, ask for fewer rows{wait}; a retry alone cannot help."
    )


def status_of(conn: Connection, window: Window, budget: Budget) -> BudgetStatus:
    """Where a budget stands in a window, and under whose limit."""
    row = conn.execute(_STANDING, _at(window)).first()
    kind = (limits_.name == budget.name, limits_.per == budget.per, limits_.unit == budget.unit)
    stored = conn.scalar(sa.select(limits_.amount).where(*kind))
    return BudgetStatus(
        name=window.name,
        window=window.key,
        limit=budget.limit_amount if stored is None else stored,
        spent=row.spent if row else 0,
        held=row.held if row else 0,
        unit=window.unit,
        limit_from="code" if stored is None else "store",
        tripped=bool(row and row.tripped),
    )


def lock(conn: Connection, window: Window) -> bool:
    """Lock the window's row until the transaction ends. SQLite has locked everything already and skips FOR UPDATE."""
    return conn.scalar(_LOCK, _at(window)) == 1


def book_all(conn: Connection, hold: Hold, amounts: Amounts, state: HoldState) -> Booked:
    """Book a charge on each window of the hold, or what was held where nobody knows the charge."""
    parts = [_book(conn, window, hold, amounts.of(window.unit), state) for window in hold.windows]
    warnings = tuple(warning for part in parts for warning in part.warnings)
    return Booked(count=sum(part.count for part in parts), warnings=warnings)


def _book(conn: Connection, window: Window, hold: Hold, amount: int | None, state: HoldState) -> Booked:
    lock(conn, window)
    mine = {"id": hold.hold_id, **_at(window)}
    row = conn.execute(_PART, mine).first()
    if row is None:
        raise NotRecordedError(
            f"The ledger knows no hold {hold.hold_id!r} of budget {window.name!r}. "
            "A hold is settled in the store it was made in."
        )
    was = HoldState(row.state)
    if not _may_become(was, state):
        return Booked(count=0)
    charge = row.amount if amount is None else amount
    conn.execute(_END, {**mine, "ended": str(state), "charge": charge})
    now = _move(conn, window, held=-row.amount if was is HoldState.HELD else 0, spent=charge - row.booked)
    # A hold that was given back holds nothing: whatever is charged then, others may hold already.
    held = 0 if was is HoldState.RELEASED else row.amount
    warnings = (*_passed(conn, window, now), *_tripped(conn, window, now, charge - held))
    return Booked(count=1, warnings=warnings)


def _may_become(was: HoldState, state: HoldState) -> bool:
    if state is HoldState.FORFEITED:
        return was is HoldState.HELD
    if state is HoldState.RELEASED:
        return was not in (HoldState.RELEASED, HoldState.SETTLED)
    # A charge that arrives after a release is still a charge.
    return was is not HoldState.SETTLED


def _move(conn: Connection, window: Window, *, held: int, spent: int) -> sa.Row[Any]:
    """Add to both amounts of a locked window; either may be negative. Where it stands then."""
    return conn.execute(_MOVE, {**_at(window), "held_by": held, "spent_by": spent}).one()


def _passed(conn: Connection, window: Window, row: sa.Row[Any]) -> tuple[BudgetWarning, ...]:
    level = level_of(row.spent, row.limit)
    if level <= row.warned:
        return ()
    conn.execute(_WARNED, {**_at(window), "level": level})
    return (_warning(window, row, level),)


def _tripped(conn: Connection, window: Window, row: sa.Row[Any], above_hold: int) -> tuple[BudgetWarning, ...]:
    """Hold no more from a locked window where a charge was above its hold: the next bound may be as wrong."""
    if above_hold <= 0 or not conn.execute(_TRIP, _at(window)).rowcount:
        return ()
    return (_warning(window, row, level_of(row.spent, row.limit), above_hold),)


def _warning(window: Window, row: sa.Row[Any], level: int, above_hold: int = 0) -> BudgetWarning:
    return BudgetWarning(
        name=window.name,
        window=window.key,
        unit=window.unit,
        level=level,
        spent=row.spent,
        limit=row.limit,
        above_hold=above_hold,
    )


def say_full(conn: Connection, window: Window, amount: int) -> BudgetWarning | None:
    """Say once that an amount did not fit into a window of which :data:`NEARLY_FULL` percent are gone.

    :return: ``None`` if that is not so, or was said.
    """
    lock(conn, window)
    row = conn.execute(_FULLNESS, _at(window)).first()
    if row is None or row.tripped or row.warned >= 100:
        return None
    gone = row.spent + row.held
    if gone + amount <= row.limit or gone * 100 < NEARLY_FULL * row.limit:
        return None
    conn.execute(_WARNED, {**_at(window), "level": 100})
    lacking = gone + amount - row.limit
    return BudgetWarning(
        name=window.name, window=window.key, unit=window.unit, level=100, spent=gone, limit=row.limit, lacking=lacking
    )


def is_overdue(conn: Connection, window: Window, now: datetime) -> bool:
    """Whether a hold of the window is past its expiry and still open."""
    late = sa.select(sa.literal(1)).select_from(schema.hold).where(_held_from(window), _past(now))
    return bool(conn.scalar(sa.select(late.exists())))


def expire(conn: Connection, window: Window, now: datetime) -> int:
    """Count the holds of a locked window that are past their expiry as spent. How many there were."""
    return _book_open(conn, window, _past(now), HoldState.EXPIRED)


def expire_everywhere(conn: Connection, now: datetime) -> int:
    """Do the same in every window; one hold of two windows counts twice."""
    return _end_open(conn, _past(now), HoldState.EXPIRED)


def forfeit_holds_of(conn: Connection, run_ids: Sequence[str]) -> None:
    """Count the open holds of dead runs as spent."""
    dead = sa.and_(holds_.run_id.in_(run_ids), holds_.state == str(HoldState.HELD))
    _end_open(conn, dead, HoldState.FORFEITED)


def _held_from(window: Window) -> sa.ColumnElement[bool]:
    return sa.and_(holds_.budget_name == window.name, holds_.window_key == window.key)


def _past(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(holds_.state == str(HoldState.HELD), holds_.expires_at <= now)


def _end_open(conn: Connection, condition: sa.ColumnElement[bool], state: HoldState) -> int:
    count = 0
    for window in _windows_where(conn, condition):
        lock(conn, window)
        count += _book_open(conn, window, condition, state)
    return count


def _windows_where(conn: Connection, condition: sa.ColumnElement[bool]) -> list[Window]:
    query = sa.select(holds_.budget_name, holds_.window_key, budgets_.unit).where(condition).distinct()
    rows = conn.execute(query.join_from(schema.hold, schema.budget))
    # Sorted here: every transaction must use one order, and databases sort by their own collation.
    return sorted(Window(row.budget_name, row.window_key, row.unit) for row in rows)


def _book_open(conn: Connection, window: Window, condition: sa.ColumnElement[bool], state: HoldState) -> int:
    which = sa.and_(_held_from(window), condition)
    count, amount = conn.execute(sa.select(sa.func.count(), sa.func.sum(holds_.amount)).where(which)).one()
    if count:
        conn.execute(sa.update(schema.hold).where(which).values(state=str(state), booked=holds_.amount))
        _move(conn, window, held=-int(amount), spent=int(amount))
    return int(count)
