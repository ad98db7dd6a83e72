"""The ledger: money is held before it is spent. So are tokens and calls, where a budget counts those.

A hold takes its amount from every budget concerned, or from none. Taking is ONE statement a budget window::

    UPDATE aiguard_budget SET held = held + :x
    WHERE name = :n AND window_key = :w AND spent + held + :x <= coalesce(<limit set in the store>, :limit in the code)
    AND NOT tripped

No row updated means refused. Nothing is read first and decided later, so nothing can change in between:

- PostgreSQL, at READ COMMITTED (set for every connection): an UPDATE that meets a row another transaction has changed
  waits for its commit and then evaluates WHERE *again, on the new row version* (PostgreSQL manual, 13.2.1). Two holds
  that each fit but not together meet on this row, and the second sees the first. The limit set in the store is
  another row: it is the one committed when the statement began.
- SQLite: a transaction takes the database's one write lock before it looks (``BEGIN IMMEDIATE``).

That row is also the lock for its holds: every transaction changes the budget row before it touches a hold of that
window, and takes windows in sorted order, so two can wait for each other but never in a circle.

Each hold keeps what it has *booked*, its part of ``spent``. Settling books the difference to the real charge, whatever
happened before: an expired or forfeited hold was booked in full, a held one not at all. So a late answer corrects the
books, and the same answer twice changes nothing. A holder that never answers counts as having spent what it held.
A charge above its hold, even above the limit, is booked in full, and *trips* the window: whatever bound was wrong once
is wrong again, so every hold is refused until the window turns or a person sets the limit.

When the store is away, work is tried again for a while and then fails: nothing is spent without a hold. An attempt
whose commit was not answered may have succeeded; a hold has its id before the first attempt and is never taken twice.
"""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.amounts import Amounts, format_amount
from airflow_provider_aiguard.core.budget import Budget, unbounded
from airflow_provider_aiguard.core.errors import (
    AIGuardError,
    BudgetExceededError,
    ConfigurationError,
    StoreUnavailableError,
)
from airflow_provider_aiguard.store import books
from airflow_provider_aiguard.store.books import Booked, Hold, HoldState, Window
from airflow_provider_aiguard.store.identity import aware

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection

    from airflow_provider_aiguard.core.budget import BudgetWarning
    from airflow_provider_aiguard.core.evidence import BudgetStatus
    from airflow_provider_aiguard.core.run import RunIdentity
    from airflow_provider_aiguard.store.database import Database

logger = logging.getLogger(__name__)


class Ledger:
    """Budgets and holds, in whole micro-dollars, tokens and calls."""

    on_warning: Callable[[BudgetWarning], None] | None = None
    """Called after a budget's window passed 50, 80 or 100 % of its limit, once a window and level, when a charge
    tripped it, and when a nearly full one refused, by whoever settled or asked. What it raises is logged and goes no
    further."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hold(
        self,
        budgets: Sequence[Budget],
        identity: RunIdentity,
        amounts: Amounts,
        *,
        ttl: timedelta,
        price: Mapping[str, Any] | None = None,
        now: datetime | None = None,
    ) -> Hold:
        """Reserve from all budgets, or from none.

        :param budgets: whose limits apply, as they are in code now, unless the store has others: a changed limit
            counts at once.
        :param identity: who will spend it.
        :param amounts: upper bounds of what the call will use, in every unit that a budget counts.
        :param ttl: after this time without :meth:`settle` or :meth:`release` it counts as spent. Longer than the call.
        :param price: what the bound was computed with, as plain values: kept with the hold.
        :param now: the time, with zone; the clock's if ``None``.
        :raises BudgetExceededError: if it does not fit into one of them. Nothing is held then.
        :raises PriceUnknownError: if a budget counts what nobody has bounded.
        :raises ConfigurationError: if an argument is wrong.
        """
        moment = _moment(now)
        _check_hold(budgets, amounts, ttl)
        limits = {window_of(budget, identity, moment): budget for budget in budgets}
        if len(limits) < len(budgets):
            raise ConfigurationError(f"Budgets {[b.name for b in budgets]!r} name one window twice. Give each once.")
        hold = Hold(
            hold_id=secrets.token_hex(16),
            run_id=identity.run_id,
            amounts=amounts,
            windows=tuple(sorted(limits)),
            expires_at=moment + ttl,
        )
        attempts = 0

        def take(conn: Connection) -> None:
            nonlocal attempts
            attempts += 1
            if attempts == 1 or not books.is_taken(conn, hold):
                books.take_all(conn, hold, limits, moment, price)

        try:
            self._database.write(take)
        except BudgetExceededError:
            self._say_full(hold)
            raise
        except AIGuardError:
            raise
        except BaseException:
            # Whoever is stopped here never learns of the hold: nothing is sent under it.
            self._undo(hold)
            raise
        return hold

    def _say_full(self, hold: Hold) -> None:
        for window in hold.windows:
            warning = self._database.write(partial(books.say_full, window=window, amount=hold.amount_of(window)))
            if warning is not None:
                self._warn(warning)

    def _undo(self, hold: Hold) -> None:
        try:
            if self._database.read(lambda conn: books.is_taken(conn, hold)):
                self.release(hold)
        except StoreUnavailableError:
            logger.warning(
                "Hold %s could not be given back: it counts as spent from %s on.", hold.hold_id, hold.expires_at
            )

    def settle(self, hold: Hold, actual: Amounts, *, alongside: Callable[[Connection], None] | None = None) -> None:
        """Replace a hold by the real charge. Settling again changes nothing.

        A charge above the hold is booked in full, even above the limit: it was spent. That is logged as an error, and
        nothing more is held from the windows concerned until a person sets their limit.

        :param hold: what :meth:`hold` gave; it may have expired.
        :param actual: what was used. A unit that nobody knows counts as used in full.
        :param alongside: what to write in the same transaction, such as what was paid for. It may be called again if
            the transaction has to be.
        """
        if self._book(hold, actual, HoldState.SETTLED, alongside).count:
            for window in hold.windows:
                _say_if_above(hold, window, actual.of(window.unit))

    def release(self, hold: Hold) -> bool:
        """Give a hold back: the call was not made and nothing was spent. A settled hold stays settled.

        :returns: whether anything changed.
        """
        return self._book(hold, Amounts(micros=0, tokens=0, calls=0), HoldState.RELEASED).count > 0

    def forfeit(self, hold: Hold) -> None:
        """Count a hold as spent: the call went out, and nobody knows what it cost. Only an open hold changes."""
        self._book(hold, Amounts(), HoldState.FORFEITED)

    def expire(self, now: datetime) -> int:
        """Count all holds past their expiry as spent.

        :param now: the time, with zone.
        :returns: how many there were; one that held from two budgets counts twice.
        """
        moment = aware(now, what="now")
        return self._database.write(lambda conn: books.expire_everywhere(conn, moment))

    def status(self, budget: Budget, identity: RunIdentity, now: datetime) -> BudgetStatus:
        """Where a budget stands in the window that ``identity`` would spend from now.

        :param now: the time, with zone. Holds that expired by then are counted as spent.
        """
        window = window_of(budget, identity, aware(now, what="now"))
        if self._database.read(lambda conn: books.is_overdue(conn, window, now)):
            self._database.write(lambda conn: books.lock(conn, window) and books.expire(conn, window, now))
        return self._database.read(lambda conn: books.status_of(conn, window, budget))

    def _book(
        self,
        hold: Hold,
        amounts: Amounts,
        state: HoldState,
        alongside: Callable[[Connection], None] | None = None,
    ) -> Booked:
        first = Booked(count=0)

        def work(conn: Connection) -> Booked:
            nonlocal first
            booked = books.book_all(conn, hold, amounts, state)
            if alongside is not None:
                alongside(conn)
            # Where the answer to a commit was lost, the next attempt finds nothing to do: what was warned of stands.
            first = booked if booked.count else first
            return first

        booked = self._database.write(work)
        for warning in booked.warnings:
            self._warn(warning)
        return booked

    def _warn(self, warning: BudgetWarning) -> None:
        logger.warning("%s", warning)
        if self.on_warning is None:
            return
        try:
            self.on_warning(warning)
        except Exception:
            logger.warning("Nobody could be told about the budget: the notifier failed.", exc_info=True)


def window_of(budget: Budget, identity: RunIdentity, now: datetime) -> Window:
    """Give the window that ``identity`` spends from at a time."""
    return Window(budget.name, budget.window(identity, now), budget.unit)


def _moment(now: datetime | None) -> datetime:
    return datetime.now(UTC) if now is None else aware(now, what="now")


def _check_hold(budgets: Sequence[Budget], amounts: Amounts, ttl: timedelta) -> None:
    if not budgets:
        raise ConfigurationError("A hold needs at least one budget to be taken from; got none.")
    if ttl <= timedelta(0):
        raise ConfigurationError(f"ttl must be longer than the call it covers; got {ttl!r}.")
    for budget in budgets:
        if amounts.of(budget.unit) is None:
            raise unbounded(budget)


def _say_if_above(hold: Hold, window: Window, charge: int | None) -> None:
    held = hold.amount_of(window)
    if charge is None or charge <= held:
        return
    logger.error(
        "A call was charged %s, %s more than the %s held for it from budget %r: the estimate was too low, and the "
        "budget can be exceeded by what it lacked. Correct the declared price or the bound of the estimate.",
        format_amount(charge, window.unit),
        format_amount(charge - held, window.unit),
        format_amount(held, window.unit),
        window.name,
    )
