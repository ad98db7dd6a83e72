"""How a :class:`RunIdentity` lies in a row, and how rows are found by it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.run import RunIdentity

if TYPE_CHECKING:
    from datetime import datetime

    import sqlalchemy as sa

_NAMES = tuple(field.name for field in fields(RunIdentity))


def identity_of(row: sa.RowMapping) -> RunIdentity:
    """Read the identity from a row that has its columns."""
    return RunIdentity(**{name: row[name] for name in _NAMES})


def same_task(table: sa.Table, identity: RunIdentity) -> list[sa.ColumnElement[bool]]:
    """Conditions for rows of ``table`` that another try of this task instance wrote."""
    return [table.c[name] == getattr(identity, name) for name in ("dag_id", "dag_run_id", "task_id", "map_index")]


def aware(moment: datetime, *, what: str) -> datetime:
    """Return ``moment``.

    :param what: the name to use in the error.
    :raises ConfigurationError: if it has no zone.
    """
    if moment.tzinfo is None:
        raise ConfigurationError(
            f"{what} must have a zone; got {moment!r}. Write datetime(…, tzinfo=UTC) or datetime.now(UTC)."
        )
    return moment


def matching(
    table: sa.Table,
    moment: sa.ColumnElement[datetime],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    dag_id: str | None = None,
    dag_run_id: str | None = None,
    task_id: str | None = None,
) -> list[sa.ColumnElement[bool]]:
    """Conditions for rows of ``table``.

    :param moment: its column of time.
    :param since: first moment, included.
    :param until: last moment, excluded.
    :param dag_id: DAG, any if ``None``; likewise the others.
    """
    conditions = []
    if since is not None:
        conditions.append(moment >= aware(since, what="since"))
    if until is not None:
        conditions.append(moment < aware(until, what="until"))
    wanted = {"dag_id": dag_id, "dag_run_id": dag_run_id, "task_id": task_id}
    conditions += [table.c[name] == value for name, value in wanted.items() if value is not None]
    return conditions
