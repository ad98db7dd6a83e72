"""Measurements by series: what later runs are compared with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.measurement import Measurement
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.database import Database
from airflow_provider_aiguard.store.identity import identity_of, matching, same_task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

row = schema.measurement.c


class Measurements:
    """A few numbers for each task instance and series."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, series: str, values: Mapping[str, Any], *, identity: RunIdentity) -> None:
        """Keep what a task instance measured, instead of what an earlier try of it, or an earlier poke, did.

        :param series: what was measured, such as ``concept/late``.
        :param values: plain values that survive JSON.
        :param identity: the task try that measured.
        :raises ConfigurationError: if the series has no name.
        """
        if not series.strip():
            raise ConfigurationError(f"A series of measurements needs a name to be found by; got {series!r}.")
        new = {**identity.to_dict(), "series": series, "measured": dict(values), "measured_at": datetime.now(UTC)}

        def write(conn: sa.Connection) -> None:
            earlier = sa.delete(schema.measurement).where(
                row.series == series, *same_task(schema.measurement, identity)
            )
            conn.execute(earlier).close()
            conn.execute(sa.insert(schema.measurement).values(**new)).close()

        self._database.write(write)

    def list(self, series: str, *, before: RunIdentity | None = None) -> Sequence[Measurement]:
        """Give a series by logical date, then in the order it was saved.

        :param before: only what precedes this task instance: not its own, and nothing of a later logical date, so
            that a backfill sees the past and not the future.
        """
        query = sa.select(*schema.measurement.c).where(row.series == series).order_by(row.logical_date, row.id)
        if before is not None:
            query = query.where(~sa.and_(*same_task(schema.measurement, before)))
        if before is not None and before.logical_date:
            query = query.where(row.logical_date <= before.logical_date)
        return self._read(query)

    def of_guard(
        self, guard: str, *, dag_id: str | None = None, dag_run_id: str | None = None
    ) -> Sequence[Measurement]:
        """Give all series of a guard by logical date.

        :param guard: the word before the slash.
        :param dag_id: DAG, any if ``None``; likewise the DAG run.
        """
        query = sa.select(*schema.measurement.c).where(row.series.startswith(f"{guard}/", autoescape=True))
        query = query.where(*matching(schema.measurement, row.measured_at, dag_id=dag_id, dag_run_id=dag_run_id))
        return self._read(query.order_by(row.logical_date, row.id))

    def _read(self, query: sa.Select[Any]) -> Sequence[Measurement]:
        rows = self._database.read(lambda conn: conn.execute(query).mappings().all())
        return [
            Measurement(series=r["series"], identity=identity_of(r), measured_at=r["measured_at"], values=r["measured"])
            for r in rows
        ]
