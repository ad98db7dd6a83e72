"""The ledger: money is held before it is spent.

A hold takes its amount from every budget concerned, or from none. Taking is ONE statement a budget window::

    UPDATE aiguard_budget SET held_micros = held_micros + :x
    WHERE name = :n AND window_key = :w AND spent_micros + held_micros + :x <= :limit

No row updated means refused. Nothing is read first and decided later, so nothing can change in between:

- PostgreSQL, at READ COMMITTED (set for every connection): an UPDATE that meets a row another transaction has changed
  waits for its commit and then evaluates WHERE *again, on the new row version* (PostgreSQL manual, 13.2.1). Two holds
  that each fit but not together meet on this row, and the second sees the first.
- SQLite: a transaction takes the database's one write lock before it looks (``BEGIN IMMEDIATE``).

That row is also the lock for its holds: every transaction changes the budget row before it touches a hold of that
window, and takes windows in sorted order, so two can wait for each other but never in a circle.

Each hold keeps what it has *booked*, its part of ``spent``. Settling books the difference to the real charge, whatever
happened before: an expired or forfeited hold was booked in full, a held one not at all. So a late answer corrects the
books, and the same answer twice changes nothing. A holder that never answers counts as having spent what it held.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import Connection

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.errors import BudgetExceededError, ConfigurationError, NotRecordedError
from airflow_provider_aiguard.core.evidence import BudgetStatus
from airflow_provider_aiguard.core.money import format_micros
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.database import Database, insert_into
from airflow_provider_aiguard.store.identity import aware

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

logger = logging.getLogger(__name__)

MAX_MICROS = 10**15
"""A billion dollars: above it an amount is a mistake, and sums would leave 64 bits."""

Window = tuple[str, str]
"""Name of a budget and key of its window."""

budgets_ = schema.budget.c
holds_ = schema.hold.c


class HoldState(StrEnum):
    """What became of a hold."""

    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"
    FORFEITED = "forfeited"


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Money reserved for calls under way.

    :param hold_id: its id.
    :param run_id: the run that holds it.
    :param micros: micro-dollars held from each budget.
    :param windows: the budgets' names with the keys of their windows, sorted.
    :param expires_at: when it counts as spent, with zone.
    """

    hold_id: str
    run_id: str
    micros: int
    windows: tuple[Window, ...]
    expires_at: datetime


class Ledger:
    """Budgets and holds, in integer micro-dollars."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hold(
        self,
        budgets: Sequence[Budget],
        identity: RunIdentity,
        micros: int,
        *,
        ttl: timedelta,
        now: datetime | None = None,
    ) -> Hold:
        """Reserve money from all budgets, or from none.

        :param budgets: whose limits apply, as they are in code now: a changed limit counts at once.
        :param identity: who will spend it.
        :param micros: upper bound of the charge, in micro-dollars, >= 0.
        :param ttl: after this time without :meth:`settle` or :meth:`release` it counts as spent. Longer than the call.
        :param now: the time, with zone; the clock's if ``None``.
        :raises BudgetExceededError: if it does not fit into one of them. Nothing is held then.
        :raises ConfigurationError: if an argument is wrong.
        """
        moment = _moment(now)
        _check_hold(budgets, micros, ttl)
        limits = {(budget.name, budget.window(identity, moment)): budget for budget in budgets}
        if len(limits) < len(budgets):
            raise ConfigurationError(f"Budgets {[b.name for b in budgets]!r} name one window twice. Give each once.")
        hold = Hold(
            hold_id=uuid.uuid4().hex,
            run_id=identity.run_id,
            micros=micros,
            windows=tuple(sorted(limits)),
            expires_at=moment + ttl,
        )
        self._database.write(lambda conn: _take_all(conn, hold, limits, moment))
        return hold

    def settle(self, hold: Hold, actual_micros: int) -> None:
        """Replace a hold by the real charge. Settling again changes nothing.

        A charge above the hold is booked in full, even above the limit: it was spent. That is logged as a warning.

        :param hold: what :meth:`hold` gave; it may have expired.
        :param actual_micros: the charge in micro-dollars, >= 0.
        """
        _check_micros(actual_micros, "actual_micros")
        changed = self._database.write(lambda conn: _book_all(conn, hold, actual_micros, HoldState.SETTLED))
        if changed and actual_micros > hold.micros:
            logger.warning(
                "A call was charged %s, %s more than the %s held for it from %s: the estimate was too low, and the "
                "budget can be exceeded by what it lacked. Correct the declared price or the bound of the estimate.",
                format_micros(actual_micros),
                format_micros(actual_micros - hold.micros),
                format_micros(hold.micros),
                [name for name, _ in hold.windows],
            )

    def release(self, hold: Hold) -> None:
        """Give a hold back: the call was not made and nothing was spent. A settled hold stays settled."""
        self._database.write(lambda conn: _book_all(conn, hold, 0, HoldState.RELEASED))

    def forfeit(self, hold: Hold) -> None:
        """Count a hold as spent: the call went out, and nobody knows what it cost. Only an open hold changes."""
        self._database.write(lambda conn: _book_all(conn, hold, hold.micros, HoldState.FORFEITED))

    def expire(self, now: datetime) -> int:
        """Count all holds past their expiry as spent.

        :param now: the time, with zone.
        :returns: how many there were; one that held from two budgets counts twice.
        """
        return self._database.write(lambda conn: _expire_everywhere(conn, aware(now, what="now")))

    def status(self, budget: Budget, identity: RunIdentity, now: datetime) -> BudgetStatus:
        """Where a budget stands in the window that ``identity`` would spend from now.

        :param now: the time, with zone. Holds that expired by then are counted as spent.
        """
        window = (budget.name, budget.window(identity, aware(now, what="now")))
        if self._database.read(lambda conn: conn.scalar(sa.select(_overdue(window, now).exists()))):
            self._database.write(lambda conn: _lock(conn, window) and _expire(conn, window, now))
        spent, held = self._database.read(lambda conn: _standing(conn, window))
        return BudgetStatus(
            name=budget.name,
            window=window[1],
            limit_micros=budget.limit_micros,
            spent_micros=spent,
            held_micros=held,
        )


def forfeit_holds_of(conn: Connection, run_ids: Sequence[str]) -> None:
    """Count the open holds of dead runs as spent, inside the caller's transaction."""
    open_holds = sa.and_(holds_.run_id.in_(run_ids), holds_.state == str(HoldState.HELD))
    for window in _windows_where(conn, open_holds):
        _lock(conn, window)
        _book_open(conn, window, open_holds, HoldState.FORFEITED)


def _moment(now: datetime | None) -> datetime:
    return datetime.now(UTC) if now is None else aware(now, what="now")


def _check_micros(micros: int, what: str) -> None:
    if type(micros) is not int or not 0 <= micros <= MAX_MICROS:
        raise ConfigurationError(
            f"{what} must be whole micro-dollars from 0 to {MAX_MICROS}; got {micros!r}. "
            "Convert dollars with charge_micros(), which rounds up."
        )


def _check_hold(budgets: Sequence[Budget], micros: int, ttl: timedelta) -> None:
    _check_micros(micros, "micros")
    if not budgets:
        raise ConfigurationError("A hold needs at least one budget to be taken from; got none.")
    if ttl <= timedelta(0):
        raise ConfigurationError(f"ttl must be longer than the call it covers; got {ttl!r}.")


def _is(window: Window) -> sa.ColumnElement[bool]:
    return sa.and_(budgets_.name == window[0], budgets_.window_key == window[1])


def _held_from(window: Window) -> sa.ColumnElement[bool]:
    return sa.and_(holds_.budget_name == window[0], holds_.window_key == window[1])


def _take_all(conn: Connection, hold: Hold, budgets: dict[Window, Budget], now: datetime) -> None:
    for window in hold.windows:
        if not _take(conn, window, budgets[window].limit_micros, hold.micros):
            raise _refused(conn, window, budgets[window], hold.micros)
        _expire(conn, window, now)
    rows = [
        {
            "hold_id": hold.hold_id,
            "budget_name": name,
            "window_key": key,
            "run_id": hold.run_id,
            "micros": hold.micros,
            "booked_micros": 0,
            "state": str(HoldState.HELD),
            "held_at": now,
            "expires_at": hold.expires_at,
        }
        for name, key in hold.windows
    ]
    conn.execute(sa.insert(schema.hold), rows)


def _take(conn: Connection, window: Window, limit: int, micros: int) -> bool:
    # The limit is capped far above any sum of charges, to stay within 64 bits.
    limit = min(limit, 1000 * MAX_MICROS)
    fits = budgets_.spent_micros + budgets_.held_micros + micros <= limit
    take = sa.update(schema.budget).where(_is(window), fits)
    take = take.values(held_micros=budgets_.held_micros + micros, limit_micros=limit)
    if conn.execute(take).rowcount:
        return True
    # Refused, or the window's first hold. Whoever else inserts the row at the same time, it is there afterwards.
    first = insert_into(conn, schema.budget).on_conflict_do_nothing(index_elements=["name", "window_key"])
    values = {"limit_micros": limit, "spent_micros": 0, "held_micros": 0}
    conn.execute(first, {"name": window[0], "window_key": window[1], **values})
    return conn.execute(take).rowcount > 0


def _refused(conn: Connection, window: Window, budget: Budget, micros: int) -> BudgetExceededError:
    spent, held = _standing(conn, window)
    # Said on its own: it may be smaller than what the other amounts are rounded to.
    lacking = micros - (budget.limit_micros - spent - held)
    wait = "" if budget.per == "dag_run" else f", or wait for the next {budget.per}"
    return BudgetExceededError(
        f"Budget {budget.name!r} refuses {format_micros(micros)} in window {window[1]!r}: of its limit of "
        f"{format_micros(budget.limit_micros)}, {format_micros(spent)} is spent and {format_micros(held)} is held, "
        f"so {format_micros(lacking)} is lacking. Nothing was held or spent for this call. Raise the budget's limit, "
        f"ask for fewer rows{wait}; a retry alone cannot help."
    )


def _standing(conn: Connection, window: Window) -> tuple[int, int]:
    row = conn.execute(sa.select(budgets_.spent_micros, budgets_.held_micros).where(_is(window))).first()
    return (row.spent_micros, row.held_micros) if row else (0, 0)


def _lock(conn: Connection, window: Window) -> bool:
    """Lock the budget row until the transaction ends. SQLite has locked everything already and skips FOR UPDATE."""
    return conn.scalar(sa.select(sa.literal(1)).select_from(schema.budget).where(_is(window)).with_for_update()) == 1


def _move(conn: Connection, window: Window, *, held: int, spent: int) -> None:
    """Add to both amounts of a window; either may be negative."""
    change = {"held_micros": budgets_.held_micros + held, "spent_micros": budgets_.spent_micros + spent}
    conn.execute(sa.update(schema.budget).where(_is(window)).values(**change))


def _book_all(conn: Connection, hold: Hold, micros: int, state: HoldState) -> bool:
    """Book ``micros`` on each window of the hold. Whether any changed."""
    changed = [_book(conn, window, hold, micros, state) for window in hold.windows]
    return any(changed)


def _book(conn: Connection, window: Window, hold: Hold, micros: int, state: HoldState) -> bool:
    _lock(conn, window)
    mine = sa.and_(_held_from(window), holds_.hold_id == hold.hold_id)
    row = conn.execute(sa.select(holds_.state, holds_.micros, holds_.booked_micros).where(mine)).first()
    if row is None:
        raise NotRecordedError(
            f"The ledger knows no hold {hold.hold_id!r} of budget {window[0]!r}. "
            "A hold is settled in the store it was made in."
        )
    was = HoldState(row.state)
    if not _may_become(was, state):
        return False
    conn.execute(sa.update(schema.hold).where(mine).values(state=str(state), booked_micros=micros))
    _move(conn, window, held=-row.micros if was is HoldState.HELD else 0, spent=micros - row.booked_micros)
    return True


def _may_become(was: HoldState, state: HoldState) -> bool:
    if state is HoldState.FORFEITED:
        return was is HoldState.HELD
    if state is HoldState.RELEASED:
        return was not in (HoldState.RELEASED, HoldState.SETTLED)
    # A charge that arrives after a release is still a charge.
    return was is not HoldState.SETTLED


def _overdue(window: Window, now: datetime) -> sa.Select[int]:
    return sa.select(sa.literal(1)).select_from(schema.hold).where(_held_from(window), _past(now))


def _past(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(holds_.state == str(HoldState.HELD), holds_.expires_at <= now)


def _expire(conn: Connection, window: Window, now: datetime) -> int:
    return _book_open(conn, window, _past(now), HoldState.EXPIRED)


def _expire_everywhere(conn: Connection, now: datetime) -> int:
    count = 0
    for window in _windows_where(conn, _past(now)):
        _lock(conn, window)
        count += _expire(conn, window, now)
    return count


def _windows_where(conn: Connection, condition: sa.ColumnElement[bool]) -> Iterable[Window]:
    rows = conn.execute(sa.select(holds_.budget_name, holds_.window_key).where(condition).distinct())
    # Sorted here: every transaction must use one order, and databases sort by their own collation.
    return sorted((row.budget_name, row.window_key) for row in rows)


def _book_open(conn: Connection, window: Window, condition: sa.ColumnElement[bool], state: HoldState) -> int:
    """Count the open holds of a locked window that meet the condition as spent. How many there were."""
    which = sa.and_(_held_from(window), condition)
    count, micros = conn.execute(sa.select(sa.func.count(), sa.func.sum(holds_.micros)).where(which)).one()
    if count:
        change = {"state": str(state), "booked_micros": holds_.micros}
        conn.execute(sa.update(schema.hold).where(which).values(**change))
        _move(conn, window, held=-int(micros), spent=int(micros))
    return int(count)
