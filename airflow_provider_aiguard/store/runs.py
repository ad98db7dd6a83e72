"""Runs and their rejects."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from airflow_provider_aiguard.core.errors import ConfigurationError, NotRecordedError
from airflow_provider_aiguard.core.run import (
    InferenceSummary,
    ModelIdentity,
    Reject,
    RunIdentity,
    RunRecord,
    RunState,
    run_of_model,
    split_run,
)
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.books import forfeit_holds_of
from airflow_provider_aiguard.store.database import Database, insert_into
from airflow_provider_aiguard.store.identity import identity_of, matching
from airflow_provider_aiguard.store.results import give_back_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

run = schema.run.c


class Runs:
    """What AI steps did."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, identity: RunIdentity, model: ModelIdentity, source: str, target: str) -> None:
        """Record that a run begins.

        Earlier tries of the same task that still count as running did not live to say how they ended: they become
        ``abandoned``, and the money they held counts as spent. Starting the same run again resets it, keeping its
        first start.

        :param identity: who executes.
        :param model: which model.
        :param source: full name of the table read.
        :param target: full name of the table written.
        """
        now = datetime.now(UTC)
        summary = InferenceSummary(run_id=identity.run_id, model=model, source=source, target=target)
        values = {
            **identity.to_dict(),
            "model_name": model.name,
            "model_version": model.version,
            "source": source,
            "target": target,
            "state": str(RunState.RUNNING),
            "finished_at": None,
            "summary": summary.to_dict(),
        }
        self._database.write(lambda conn: _start(conn, identity, values, now))

    def progress(self, summary: InferenceSummary) -> None:
        """Record what a run did so far. One ``UPDATE``: it is called once a chunk.

        :raises NotRecordedError: if the run was not started.
        """
        self._update(summary.run_id, {"summary": summary.to_dict()})

    def finish(self, state: RunState, summary: InferenceSummary) -> None:
        """Record how a run ended. Money it still holds counts as spent: it was cut off before it could say.

        :param state: any but ``running``.
        :raises NotRecordedError: if the run was not started.
        """
        if state is RunState.RUNNING:
            raise ConfigurationError(f"A run finishes as success, failed or abandoned; got {str(state)!r}.")
        values = {"state": str(state), "finished_at": datetime.now(UTC), "summary": summary.to_dict()}
        # One transaction: of a run that says it ended, nobody asks what it still holds.
        self._update(summary.run_id, values, ends=True)

    def add_rejects(self, run_id: str, rejects: Sequence[Reject]) -> None:
        """Keep rows that the model failed on. A key that the run already rejected is not added again.

        :raises NotRecordedError: if the run was not started.
        """
        rows = [_reject_row(run_id, reject) for reject in rejects]
        if rows:
            self._database.write(lambda conn: _add_rejects(conn, run_id, rows))

    def rejects(self, run_id: str, limit: int = 1000) -> list[Reject]:
        """Give the first ``limit`` rejects of a run, in the order they came."""
        table = schema.reject
        query = sa.select(table.c.key, table.c.reason, table.c.detail).where(table.c.run_id == run_id)
        query = query.order_by(table.c.id).limit(limit)
        rows = self._database.read(lambda conn: conn.execute(query).all())
        return [Reject(key=row.key, reason=row.reason, detail=row.detail) for row in rows]

    def get(self, run_id: str) -> RunRecord:
        """Give one run; of what a cascade wrote into ``c__run``, with the model that filled the cell.

        :raises NotRecordedError: if the run was not started.
        """
        query = sa.select(schema.run).where(run.run_id == run_id)
        row = self._database.read(lambda conn: conn.execute(query).mappings().first())
        if row is not None:
            return _record(row)
        whole, position = split_run(run_id)
        if position is None:
            raise _unknown(run_id)
        return _of_model(self.get(whole), position)

    def list(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        dag_id: str | None = None,
        dag_run_id: str | None = None,
        task_id: str | None = None,
    ) -> list[RunRecord]:
        """List runs in the order they started.

        :param since: first start, included; with zone.
        :param until: last start, excluded; with zone.
        :param dag_id: only of this DAG.
        :param dag_run_id: only of this DAG run.
        :param task_id: only of this task.
        """
        conditions = matching(
            schema.run, run.started_at, since=since, until=until, dag_id=dag_id, dag_run_id=dag_run_id, task_id=task_id
        )
        query = sa.select(schema.run).where(*conditions).order_by(run.started_at, run.run_id)
        rows = self._database.read(lambda conn: conn.execute(query).mappings().all())
        return [_record(row) for row in rows]

    def last_into(self, target: str, *, dag_id: str) -> InferenceSummary | None:
        """What the last run of a DAG did that wrote a table and succeeded; ``None`` if there is none.

        :param target: full name of the table.
        :param dag_id: the DAG.
        """
        query = (
            sa.select(run.summary)
            .where(run.dag_id == dag_id, run.target == target, run.state == RunState.SUCCESS)
            .order_by(run.started_at.desc(), run.run_id.desc())
            .limit(1)
        )
        found = self._database.read(lambda conn: conn.execute(query).scalar_one_or_none())
        return None if found is None else InferenceSummary.from_dict(found)

    def first_start(self, identity: RunIdentity) -> datetime:
        """When a task of a DAG run was first started, in whatever try; outside Airflow, when the run was.

        :raises NotRecordedError: if it was not.
        """
        same = [run[name] == getattr(identity, name) for name in ("dag_id", "dag_run_id", "task_id")]
        conditions = [run.run_id == identity.run_id] if _has_no_tries(identity) else same
        query = sa.select(sa.func.min(run.started_at)).where(*conditions)
        found: datetime | None = self._database.read(lambda conn: conn.scalar(query))
        if found is None:
            raise _unknown(identity.run_id)
        return found

    def furthest_try(self, identity: RunIdentity, model: ModelIdentity) -> InferenceSummary | None:
        """What the earlier try of a task did that read the most rows; ``None`` if there is none, or outside Airflow.

        :param identity: the try that asks.
        :param model: which model it must have asked, too.
        """
        if _has_no_tries(identity):
            return None
        conditions = [*_earlier_tries(identity), run.model_name == model.name, run.model_version == model.version]
        query = sa.select(run.summary).where(*conditions).order_by(run.started_at.desc(), run.run_id.desc())
        found = self._database.read(lambda conn: conn.execute(query).scalars().all())
        same = [summary for summary in map(InferenceSummary.from_dict, found) if summary.model == model]
        return max(same, key=lambda summary: summary.rows, default=None)

    def _update(self, run_id: str, values: Mapping[str, Any], *, ends: bool = False) -> None:
        change = sa.update(schema.run).where(run.run_id == run_id).values(**values)

        def work(conn: Connection) -> None:
            if not conn.execute(change).rowcount:
                raise _unknown(run_id)
            if ends:
                _let_go(conn, [run_id])

        self._database.write(work)


def _start(conn: Connection, identity: RunIdentity, values: Mapping[str, Any], now: datetime) -> None:
    dead = _abandon_earlier_tries(conn, identity, now)
    again = {name: value for name, value in values.items() if name != "run_id"}
    insert = insert_into(conn, schema.run).values(**values, started_at=now)
    conn.execute(insert.on_conflict_do_update(index_elements=["run_id"], set_=again))
    _let_go(conn, [identity.run_id, *dead])


def _let_go(conn: Connection, run_ids: Sequence[str]) -> None:
    """Count what ended runs still hold as spent, and leave the work they had taken to others."""
    forfeit_holds_of(conn, run_ids)
    give_back_all(conn, run_ids)


def _abandon_earlier_tries(conn: Connection, identity: RunIdentity, now: datetime) -> Sequence[str]:
    if _has_no_tries(identity):
        return []
    earlier = [*_earlier_tries(identity), run.state == str(RunState.RUNNING)]
    dead = conn.scalars(sa.select(run.run_id).where(*earlier).order_by(run.run_id).with_for_update()).all()
    if dead:
        change = {"state": str(RunState.ABANDONED), "finished_at": now}
        conn.execute(sa.update(schema.run).where(run.run_id.in_(dead)).values(**change))
    return dead


def _has_no_tries(identity: RunIdentity) -> bool:
    """Outside Airflow every run has the same empty names."""
    return not identity.dag_id and not identity.task_id


def _earlier_tries(identity: RunIdentity) -> list[sa.ColumnElement[bool]]:
    return [
        run.dag_id == identity.dag_id,
        run.dag_run_id == identity.dag_run_id,
        run.task_id == identity.task_id,
        run.map_index == identity.map_index,
        run.try_number <= identity.try_number,
        run.run_id != identity.run_id,
    ]


def _add_rejects(conn: Connection, run_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    insert = insert_into(conn, schema.reject).on_conflict_do_nothing(index_elements=["run_id", "key_hash"])
    try:
        conn.execute(insert, rows)
    except IntegrityError:
        raise _unknown(run_id) from None


def _reject_row(run_id: str, reject: Reject) -> dict[str, Any]:
    key = dict(reject.key)
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return {"run_id": run_id, "key_hash": digest, "key": key, "reason": reject.reason, "detail": reject.detail}


def _record(row: sa.RowMapping) -> RunRecord:
    return RunRecord(
        identity=identity_of(row),
        state=RunState(row["state"]),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        summary=InferenceSummary.from_dict(row["summary"]),
    )


def _of_model(record: RunRecord, position: int) -> RunRecord:
    models = record.summary.models
    if position >= len(models):
        raise _unknown(run_of_model(record.identity.run_id, position, position + 1))
    return replace(record, summary=replace(record.summary, model=models[position].model))


def _unknown(run_id: str) -> NotRecordedError:
    return NotRecordedError(f"The store knows no run {run_id!r}. A run is recorded by runs.start(); check the id.")
