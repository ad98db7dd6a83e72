"""``aiguard budget``: where budgets stand, who holds what, and the limit for the person on call."""

from __future__ import annotations

import argparse
import getpass
import logging
import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

from airflow_provider_aiguard.core.amounts import Unit, format_amount, limit_amount, parse_limit
from airflow_provider_aiguard.core.budget import Per
from airflow_provider_aiguard.core.errors import ConfigurationError, NotRecordedError
from airflow_provider_aiguard.core.forecast import forecast

if TYPE_CHECKING:
    from airflow_provider_aiguard.cli import Open
    from airflow_provider_aiguard.core.evidence import BudgetStatus
    from airflow_provider_aiguard.store.budgets import OpenHold, StoredLimit
    from airflow_provider_aiguard.store.store import Store

logger = logging.getLogger(__name__)


def add_budget(
    commands: Any,
    common: argparse.ArgumentParser,
    parser_class: type[argparse.ArgumentParser],
    open_store: Open,
) -> None:
    """Add the command and what is under it.

    :param commands: where commands are added.
    :param common: options that all commands take.
    :param parser_class: whose usage errors have our exit code.
    :param open_store: opens the store that the options name.
    """
    budget = commands.add_parser("budget", help="look at budgets and their holds, set a limit")
    inner = budget.add_subparsers(required=True, metavar="command", parser_class=parser_class)

    def add(name: str, run: Callable[[argparse.Namespace, Store], tuple[int, dict[str, Any]]], text: str) -> Any:
        made = inner.add_parser(name, parents=[common], help=text)
        made.set_defaults(run=lambda options: _with_store(run, options, open_store))
        return made

    show = add("show", _show, "where budgets stand, and whose limit applies")
    show.add_argument("name", nargs="?", help="only this budget")
    setter = add(
        "set", _set, "set a limit that comes before the one in the code, at once; a tripped budget works again"
    )
    setter.add_argument("name", help="the budget")
    setter.add_argument("limit", nargs="?", help="USD such as 25.00, or a number of tokens or calls")
    known = "(default: what the store knows of it)"
    setter.add_argument("--per", choices=get_args(Per), help=f"its window {known}")
    setter.add_argument("--unit", choices=get_args(Unit), help=f"what it counts {known}")
    setter.add_argument("--remove", action="store_true", help="let the limit in the code apply again")
    holds = add("holds", _holds, "what is held now, the oldest first")
    holds.add_argument("name", nargs="?", help="only this budget")
    release = add("release", _release, "give a hold back: its call was never made")
    release.add_argument("hold_id", help="the hold, as in 'aiguard budget holds'")
    release.add_argument("--yes", action="store_true", help="do it; without it only say what would be done")


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return f"uid {os.getuid()}"


def _with_store(
    run: Callable[[argparse.Namespace, Store], tuple[int, dict[str, Any]]], options: argparse.Namespace, opened: Open
) -> tuple[int, dict[str, Any]]:
    with opened(options) as store:
        return run(options, store)


def _show(options: argparse.Namespace, store: Store) -> tuple[int, dict[str, Any]]:
    store.ledger.expire(datetime.now(UTC))
    windows, limits = store.budgets.windows(options.name), store.budgets.limits(options.name)
    if options.name and not windows and not limits:
        raise NotRecordedError(
            f"The store knows no budget {options.name!r}: nothing was held from it yet. To see all: "
            "aiguard budget show."
        )
    now = datetime.now(UTC)
    lines = [*(_standing(status, now) for status in windows), *map(_limit_line, limits)]
    text = "\n".join(lines) or "No budget was held from yet, and no limit is set in the store."
    found = [_told(status, now) for status in windows]
    stored = [{**asdict(limit), "set_at": limit.set_at.isoformat()} for limit in limits]
    return 0, {"windows": found, "limits": stored, "text": text}


def _told(status: BudgetStatus, now: datetime) -> dict[str, Any]:
    ahead = forecast(status, now)
    return {**status.to_dict(), "remaining": status.remaining, "forecast": ahead and ahead.to_dict()}


def _standing(status: BudgetStatus, now: datetime) -> str:
    spent, held, limit, left = (
        format_amount(amount, status.unit) for amount in (status.spent, status.held, status.limit, status.remaining)
    )
    whose = f"limit in the {status.limit_from}"
    line = f"{status.name}  {status.window}  {spent} spent, {held} held of {limit} ({whose}), {left} left"
    if status.tripped:
        line += "; TRIPPED, a call was charged more than was held for it: nothing is held until 'aiguard budget set'"
    ahead = forecast(status, now)
    if ahead is None:
        return line
    return f"{line}; at this pace {format_amount(ahead.spent, status.unit)} by {ahead.ends_at:%Y-%m-%d %H:%M} UTC"


def _limit_line(limit: StoredLimit) -> str:
    amount = format_amount(limit.amount, limit.unit)
    when = f"{limit.set_at:%Y-%m-%d %H:%M} UTC"
    who = f"set in the store by {limit.set_by} on {when}"
    return f"{limit.name}  every {limit.per}: {amount}, {who}; the code's does not apply"


def _set(options: argparse.Namespace, store: Store) -> tuple[int, dict[str, Any]]:
    if (options.limit is None) != options.remove:
        raise ConfigurationError("aiguard budget set takes a limit, such as 25.00, or --remove: one of them.")
    kind = _kind(options, store)
    by = _who()
    if options.remove:
        return 0, kind | _removed(store, by, **kind)
    number = parse_limit(options.limit, kind["unit"], what="limit")
    limit = _stored_limit(kind, limit_amount(number, kind["unit"]), by)
    store.budgets.set_limit(limit)
    said = format_amount(limit.amount, limit.unit)
    logger.warning("%s set the limit of budget %r per %s to %s.", by, limit.name, limit.per, said)
    text = f"Budget {limit.name!r} per {limit.per}: the limit is {said} now, whatever the code says."
    return 0, {**kind, "limit": limit.amount, "text": text}


def _kind(options: argparse.Namespace, store: Store) -> dict[str, Any]:
    """Which of the budgets of a name is meant: a limit of another kind would change nothing."""
    name, per, unit = options.name, options.per, options.unit
    if per and unit:
        return {"name": name, "per": per, "unit": unit}
    there = [(window.window.partition(":")[0], window.unit) for window in store.budgets.windows(name)]
    there += [(limit.per, limit.unit) for limit in store.budgets.limits(name)]
    found = sorted({(p, u) for p, u in there if per in (None, p) and unit in (None, u)})
    if len(found) == 1:
        return {"name": name, "per": found[0][0], "unit": found[0][1]}
    if not found and per:
        return {"name": name, "per": per, "unit": unit or "usd"}
    known = ", ".join(f"--per {p} --unit {u}" for p, u in found) or "none of it yet"
    raise ConfigurationError(
        f"Which budget {name!r} is meant? Say --per, and --unit unless it counts USD. The store knows: {known}."
    )


def _stored_limit(kind: dict[str, Any], amount: int, by: str) -> StoredLimit:
    from airflow_provider_aiguard.store.budgets import StoredLimit

    return StoredLimit(**kind, amount=amount, set_by=by, set_at=datetime.now(UTC))


def _removed(store: Store, by: str, *, name: str, per: str, unit: str) -> dict[str, Any]:
    if not store.budgets.remove_limit(name, per, unit):
        raise NotRecordedError(
            f"The store has no limit of budget {name!r} per {per} in {unit}. To see what is set: aiguard budget show."
        )
    logger.warning("%s removed the limit of budget %r per %s from the store.", by, name, per)
    return {"limit": None, "text": f"Budget {name!r} per {per}: the limit in the code applies again."}


def _holds(options: argparse.Namespace, store: Store) -> tuple[int, dict[str, Any]]:
    now = datetime.now(UTC)
    store.ledger.expire(now)
    holds = store.budgets.open_holds(options.name)
    lines = [_hold_line(hold, now) for hold in holds]
    found = [hold.to_dict() for hold in holds]
    return 0, {"holds": found, "text": "\n".join([f"Holds: {len(holds)}", *lines])}


def _hold_line(hold: OpenHold, now: datetime) -> str:
    task = ".".join(part for part in (hold.dag_id, hold.task_id) if part) or "outside Airflow"
    age, left = (now - hold.held_at).total_seconds() / 60, (hold.expires_at - now).total_seconds() / 60
    return (
        f"{hold.hold_id}  {format_amount(hold.amount, hold.unit)} from {hold.budget} ({hold.window})  {task}, "
        f"run {hold.run_id}  held for {age:.0f} min, counts as spent in {left:.0f} min"
    )


def _release(options: argparse.Namespace, store: Store) -> tuple[int, dict[str, Any]]:
    hold = store.budgets.hold(options.hold_id)
    amounts = ", ".join(f"{format_amount(hold.amount_of(w), w.unit)} of {w.name} ({w.key})" for w in hold.windows)
    if not options.yes:
        raise ConfigurationError(
            f"Releasing hold {hold.hold_id!r} gives back {amounts}, held by run {hold.run_id}. Do it only if its call "
            "was never made: add --yes."
        )
    if not store.ledger.release(hold):
        raise ConfigurationError(f"Hold {hold.hold_id!r} is settled or released already: nothing was changed.")
    logger.warning("%s released hold %s of run %s: %s.", _who(), hold.hold_id, hold.run_id, amounts)
    return 0, {"hold_id": hold.hold_id, "run_id": hold.run_id, "text": f"Released {hold.hold_id}: {amounts}."}
