"""Verdicts and their checks."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Connection

from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity, Verdict, VerdictRecord
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.database import Database, insert_into
from airflow_provider_aiguard.store.identity import identity_of, matching

if TYPE_CHECKING:
    from collections.abc import Sequence

_TRY = ["run_id", "guard", "subject"]

verdicts = schema.verdict.c
checks = schema.check.c


class Verdicts:
    """What guards said."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, identity: RunIdentity, verdict: Verdict) -> None:
        """Keep a verdict, replacing what the same try recorded about the same subject: a sensor asks again and again.

        :param identity: the task try that asked.
        :param verdict: what the guard said.
        """
        now = datetime.now(UTC)
        self._database.write(lambda conn: _record(conn, identity, verdict, now))

    def list(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        dag_id: str | None = None,
        dag_run_id: str | None = None,
        task_id: str | None = None,
    ) -> list[VerdictRecord]:
        """List verdicts in the order they were recorded.

        :param since: first moment, included; with zone.
        :param until: last moment, excluded; with zone.
        :param dag_id: only of this DAG.
        :param dag_run_id: only of this DAG run.
        :param task_id: only of this task.
        """
        moment = verdicts.recorded_at
        conditions = matching(
            schema.verdict, moment, since=since, until=until, dag_id=dag_id, dag_run_id=dag_run_id, task_id=task_id
        )
        # One statement, so that a verdict never comes with the checks of the one that is just replacing it.
        columns = [*schema.verdict.c, *(column.label(f"check_{column.name}") for column in checks)]
        query = sa.select(*columns).select_from(schema.verdict.outerjoin(schema.check)).where(*conditions)
        query = query.order_by(moment, verdicts.id, checks.position)
        rows = self._database.read(lambda conn: conn.execute(query).mappings().all())
        return [_verdict_record(list(group)) for _, group in groupby(rows, key=lambda row: row["id"])]


def _record(conn: Connection, identity: RunIdentity, verdict: Verdict, now: datetime) -> None:
    values = {
        **identity.to_dict(),
        "guard": verdict.guard,
        "subject": verdict.subject,
        "outcome": str(verdict.outcome),
        "recorded_at": now,
    }
    again = {name: value for name, value in values.items() if name not in _TRY}
    insert = insert_into(conn, schema.verdict).values(**values)
    upsert = insert.on_conflict_do_update(index_elements=_TRY, set_=again).returning(verdicts.id)
    verdict_id = conn.scalar(upsert)
    conn.execute(sa.delete(schema.check).where(checks.verdict_id == verdict_id))
    if verdict.checks:
        rows = [_check_row(verdict_id, position, check) for position, check in enumerate(verdict.checks)]
        conn.execute(sa.insert(schema.check), rows)


def _check_row(verdict_id: int | None, position: int, check: CheckResult) -> dict[str, Any]:
    return {
        "verdict_id": verdict_id,
        "position": position,
        "check_name": check.check,
        "outcome": str(check.outcome),
        "severity": str(check.severity),
        "column_name": check.column,
        "value": check.value,
        "limit_value": check.limit,
        "message": check.message,
        "detail": None if check.detail is None else dict(check.detail),
    }


def _verdict_record(rows: Sequence[sa.RowMapping]) -> VerdictRecord:
    first = rows[0]
    results = tuple(_check(row) for row in rows if row["check_position"] is not None)
    return VerdictRecord(
        identity=identity_of(first),
        recorded_at=first["recorded_at"],
        verdict=Verdict(guard=first["guard"], subject=first["subject"], checks=results),
    )


def _check(row: sa.RowMapping) -> CheckResult:
    return CheckResult(
        check=row["check_check_name"],
        outcome=Outcome(row["check_outcome"]),
        message=row["check_message"],
        column=row["check_column_name"],
        value=row["check_value"],
        limit=row["check_limit_value"],
        severity=Severity(row["check_severity"]),
        detail=row["check_detail"],
    )
