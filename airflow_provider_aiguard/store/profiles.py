"""Profiles by name: the baselines that drift is measured against, and the batches of moving references."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ConfigurationError, NotRecordedError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.database import Database
from airflow_provider_aiguard.store.identity import identity_of, same_task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHOWN = 20
"""Names listed in an error."""

profile = schema.profile.c


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One version of a profile, without the profile.

    :param id: what :meth:`Profiles.load` asks for.
    :param identity: the task try that made it.
    :param saved_at: when, with zone.
    :param outcome: the verdict over it; ``None`` if it was saved as a baseline.
    :param excluded: whether a person left it out.
    """

    id: int
    identity: RunIdentity
    saved_at: datetime
    outcome: Outcome | None
    excluded: bool


class Profiles:
    """Profiles as plain values: the store knows no statistics."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self,
        name: str,
        profile: Mapping[str, Any],
        *,
        table: str,
        identity: RunIdentity,
        outcome: Outcome | None = None,
    ) -> None:
        """Keep a new version under ``name``. Earlier versions stay.

        :param name: what it will be asked for by.
        :param profile: ``TableProfile.to_dict()``.
        :param table: full name of the table it describes.
        :param identity: the task try that made it.
        :param outcome: the verdict over it, if it is a batch of a moving reference. A batch replaces what an earlier
            try of the same task instance saved, and stays left out if that was.
        :raises ConfigurationError: if the name is empty, or the profile does not survive JSON.
        """
        if not name.strip():
            raise ConfigurationError(f"A profile needs a name to be found by; got {name!r}.")
        _require_json(name, profile)
        values = {
            **identity.to_dict(),
            "name": name,
            "table_name": table,
            "profile": dict(profile),
            "saved_at": datetime.now(UTC),
            "outcome": outcome,
        }
        self._database.write(lambda conn: _write(conn, values, identity))

    def get(self, name: str) -> tuple[dict[str, Any], datetime]:
        """Give the newest version, and when it was saved.

        :raises NotRecordedError: if there is none; the message names those there are.
        """
        query = sa.select(profile.profile, profile.saved_at).where(profile.name == name)
        query = query.order_by(profile.id.desc()).limit(1)
        row = self._database.read(lambda conn: conn.execute(query).first())
        if row is None:
            raise NotRecordedError(
                f"The store holds no profile named {name!r}; it holds {_listed(self.names())}. "
                "Save one with ProfileOperator."
            )
        return row.profile, row.saved_at

    def batches(self, name: str) -> list[Batch]:
        """Give all versions, by logical date, then in the order they were saved."""
        columns = [c for c in profile if c.name not in {"name", "table_name", "profile"}]
        query = sa.select(*columns).where(profile.name == name).order_by(profile.logical_date, profile.id)
        rows = self._database.read(lambda conn: conn.execute(query).mappings().all())
        return [
            Batch(
                id=row["id"],
                identity=identity_of(row),
                saved_at=row["saved_at"],
                outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
                excluded=row["excluded"],
            )
            for row in rows
        ]

    def load(self, batches: Sequence[Batch]) -> list[dict[str, Any]]:
        """Give the profiles of these versions, in their order."""
        query = sa.select(profile.id, profile.profile).where(profile.id.in_([batch.id for batch in batches]))
        found = {row.id: row.profile for row in self._database.read(lambda conn: conn.execute(query).all())}
        return [found[batch.id] for batch in batches]

    def exclude(self, name: str, dag_run_id: str, *, excluded: bool = True) -> int:
        """Leave the versions a DAG run saved out of moving references, or take them in again.

        :return: how many there were.
        """
        query = sa.update(schema.profile).where(profile.name == name, profile.dag_run_id == dag_run_id)
        return self._database.write(lambda conn: conn.execute(query.values(excluded=excluded)).rowcount)

    def names(self) -> list[str]:
        """Give the names that have a profile, sorted."""
        query = sa.select(profile.name).distinct()
        return sorted(self._database.read(lambda conn: conn.scalars(query).all()))


def _write(conn: sa.Connection, values: Mapping[str, Any], identity: RunIdentity) -> None:
    excluded = False
    if values["outcome"] is not None:
        earlier = [profile.name == values["name"], profile.outcome.is_not(None), *same_task(schema.profile, identity)]
        excluded = bool(conn.scalar(sa.select(sa.func.count()).where(profile.excluded, *earlier)))
        conn.execute(sa.delete(schema.profile).where(*earlier)).close()
    conn.execute(sa.insert(schema.profile).values(**values, excluded=excluded)).close()


def _require_json(name: str, profile: Mapping[str, Any]) -> None:
    try:
        json.dumps(profile, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"Profile {name!r} does not survive JSON: {error}. "
            "Give TableProfile.to_dict(), with None for what is no number."
        ) from error


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown or "none yet"
