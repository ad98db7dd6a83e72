"""Budgets for the person on call: limits set in the store, where windows stand, and who holds what."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Connection

from airflow_provider_aiguard.core.amounts import Amounts, Unit
from airflow_provider_aiguard.core.budget import Budget, check_kind, level_of
from airflow_provider_aiguard.core.errors import NotRecordedError
from airflow_provider_aiguard.core.evidence import BudgetStatus
from airflow_provider_aiguard.core.money import MICROS_PER_DOLLAR
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.books import Hold, HoldState, Window, capped
from airflow_provider_aiguard.store.database import Database, insert_into
from airflow_provider_aiguard.store.identity import aware

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

budgets_ = schema.budget.c
limits_ = schema.limit.c
holds_ = schema.hold.c

_UNITS = {"usd": "micros", "tokens": "tokens", "calls": "calls"}


@dataclass(frozen=True, kw_only=True)
class StoredLimit:
    """A limit that a person set. It comes before the one in the code.

    :param name: the budget.
    :param per: its window.
    :param unit: what it counts.
    :param amount: the limit: micro-dollars, tokens or calls.
    :param set_by: who set it.
    :param set_at: when, with zone.
    """

    name: str
    per: str
    unit: Unit
    amount: int
    set_by: str
    set_at: datetime


@dataclass(frozen=True, kw_only=True)
class OpenHold:
    """What one run holds from one budget's window.

    :param hold_id: its id.
    :param budget: the budget.
    :param window: key of the window.
    :param unit: what it counts.
    :param amount: what is held.
    :param run_id: the run.
    :param dag_id: its DAG; empty if the store does not know the run.
    :param dag_run_id: its DAG run.
    :param task_id: its task.
    :param held_at: since when, with zone.
    :param expires_at: when it counts as spent, with zone.
    """

    hold_id: str
    budget: str
    window: str
    unit: Unit
    amount: int
    run_id: str
    dag_id: str
    dag_run_id: str
    task_id: str
    held_at: datetime
    expires_at: datetime

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self) | {"held_at": self.held_at.isoformat(), "expires_at": self.expires_at.isoformat()}


class Budgets:
    """What a person asks about budgets, and sets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set_limit(self, limit: StoredLimit) -> None:
        """Set a limit. It comes before the one in the code for every hold that begins afterwards.

        Levels that a window has passed are forgotten where they are no longer reached, so they are said again. What was
        tripped is held from again.

        :raises ConfigurationError: if there is no such window or unit.
        """
        check_kind(limit.per, limit.unit)
        values = {**asdict(limit), "amount": capped(limit.amount), "set_at": aware(limit.set_at, what="set_at")}
        self._database.write(lambda conn: _set(conn, values))

    def remove_limit(self, name: str, per: str, unit: str) -> bool:
        """Let the code's limit apply again. Whether there was another."""
        which = (limits_.name == name, limits_.per == per, limits_.unit == unit)
        return self._database.write(lambda conn: conn.execute(sa.delete(schema.limit).where(*which)).rowcount) > 0

    def applying(self, budget: Budget) -> Budget:
        """Give a budget with the limit that applies: the one in the store, if a person set one."""
        for limit in self.limits(budget.name):
            if (limit.per, limit.unit) == (budget.per, budget.unit):
                number = Decimal(limit.amount) / (MICROS_PER_DOLLAR if budget.unit == "usd" else 1)
                return replace(budget, limit=number)
        return budget

    def limits(self, name: str | None = None) -> list[StoredLimit]:
        """Give the limits that people set, by name."""
        query = sa.select(schema.limit).order_by(limits_.name, limits_.per, limits_.unit)
        query = query if name is None else query.where(limits_.name == name)
        rows = self._database.read(lambda conn: conn.execute(query).mappings().all())
        return [StoredLimit(**row) for row in rows]

    def windows(
        self, name: str | None = None, *, dag_ids: Collection[str] | None = None, most: int = 50
    ) -> list[BudgetStatus]:
        """Say where budgets stand, the windows that were held from last first.

        Holds past their expiry count as held here until somebody calls :meth:`Ledger.expire`.

        :param name: only of this budget.
        :param dag_ids: only those that runs of these DAGs, and of no others, have held from.
        :param most: give so many windows at most.
        """
        last = sa.select(holds_.budget_name, holds_.window_key, sa.func.max(holds_.held_at).label("at"))
        last = last.group_by(holds_.budget_name, holds_.window_key)
        latest = last.subquery()
        query = (
            sa.select(schema.budget, limits_.amount.label("stored"))
            .outerjoin(schema.limit, _same_kind())
            .outerjoin(latest, _same_window(latest.c))
            .order_by(sa.desc(latest.c.at), budgets_.name, budgets_.window_key)
            .limit(most)
        )
        query = query if name is None else query.where(budgets_.name == name)
        query = query if dag_ids is None else query.where(~_held_from_by_others(dag_ids))
        rows = self._database.read(lambda conn: conn.execute(query).mappings().all())
        return [_status(row) for row in rows]

    def open_holds(self, name: str | None = None) -> list[OpenHold]:
        """Give what is held now, the oldest first; a hold of two budgets is two entries."""
        run = schema.run.c
        query = (
            sa.select(schema.hold, budgets_.unit, run.dag_id, run.dag_run_id, run.task_id)
            .join(schema.budget, _same_window(holds_))
            .outerjoin(schema.run, run.run_id == holds_.run_id)
            .where(holds_.state == str(HoldState.HELD))
            .order_by(holds_.held_at, holds_.hold_id, holds_.budget_name, holds_.window_key)
        )
        query = query if name is None else query.where(holds_.budget_name == name)
        rows = self._database.read(lambda conn: conn.execute(query).mappings().all())
        return [_open_hold(row) for row in rows]

    def hold(self, hold_id: str) -> Hold:
        """Give one hold, open or not, to release it.

        :raises NotRecordedError: if there is none.
        """
        query = sa.select(schema.hold, budgets_.unit).join(schema.budget, _same_window(holds_))
        query = query.where(holds_.hold_id == hold_id)
        rows = self._database.read(lambda conn: conn.execute(query).mappings().all())
        if not rows:
            raise NotRecordedError(f"The ledger knows no hold {hold_id!r}. To see the open ones: aiguard budget holds.")
        return _hold(rows)


def _held_from_by_others(dag_ids: Collection[str]) -> sa.ColumnElement[bool]:
    run = schema.run.c
    held = sa.select(sa.literal(1)).select_from(schema.hold).outerjoin(schema.run, run.run_id == holds_.run_id)
    strange = sa.or_(run.dag_id.is_(None), run.dag_id.not_in(sorted(dag_ids)))
    return held.where(_same_window(holds_), strange).correlate(schema.budget).exists()


def _same_kind() -> sa.ColumnElement[bool]:
    return sa.and_(limits_.name == budgets_.name, limits_.per == budgets_.per, limits_.unit == budgets_.unit)


def _same_window(other: Any) -> sa.ColumnElement[bool]:
    return sa.and_(other.budget_name == budgets_.name, other.window_key == budgets_.window_key)


def _set(conn: Connection, values: dict[str, Any]) -> None:
    insert = insert_into(conn, schema.limit).values(**values)
    new = {name: values[name] for name in ("amount", "set_by", "set_at")}
    conn.execute(insert.on_conflict_do_update(index_elements=["name", "per", "unit"], set_=new))
    _forget(conn, values)


def _forget(conn: Connection, values: dict[str, Any]) -> None:
    kind = sa.and_(*(budgets_[name] == values[name] for name in ("name", "per", "unit")))
    conn.execute(sa.update(schema.budget).where(kind, budgets_.tripped).values(tripped=sa.false())).close()
    warned = sa.select(budgets_.window_key, budgets_.spent, budgets_.warned).where(kind, budgets_.warned > 0)
    for row in conn.execute(warned.order_by(budgets_.window_key).with_for_update()).all():
        level = min(row.warned, level_of(row.spent, values["amount"]))
        change = sa.update(schema.budget).where(kind, budgets_.window_key == row.window_key)
        conn.execute(change.values(warned=level))


def _status(row: sa.RowMapping) -> BudgetStatus:
    code = row["stored"] is None
    return BudgetStatus(
        name=row["name"],
        window=row["window_key"],
        limit=row["limit_amount"] if code else row["stored"],
        spent=row["spent"],
        held=row["held"],
        unit=row["unit"],
        limit_from="code" if code else "store",
        tripped=row["tripped"],
    )


def _open_hold(row: sa.RowMapping) -> OpenHold:
    return OpenHold(
        hold_id=row["hold_id"],
        budget=row["budget_name"],
        window=row["window_key"],
        unit=row["unit"],
        amount=row["amount"],
        run_id=row["run_id"],
        dag_id=row["dag_id"] or "",
        dag_run_id=row["dag_run_id"] or "",
        task_id=row["task_id"] or "",
        held_at=row["held_at"],
        expires_at=row["expires_at"],
    )


def _hold(rows: Sequence[sa.RowMapping]) -> Hold:
    first = rows[0]
    return Hold(
        hold_id=first["hold_id"],
        run_id=first["run_id"],
        amounts=Amounts(**{_UNITS[row["unit"]]: row["amount"] for row in rows}),
        windows=tuple(sorted(Window(row["budget_name"], row["window_key"], row["unit"]) for row in rows)),
        expires_at=first["expires_at"],
    )
