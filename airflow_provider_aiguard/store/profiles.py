"""Profiles by name: the baselines that drift is measured against."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ConfigurationError, NotRecordedError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 20
"""Names listed in an error."""

profile = schema.profile.c


class Profiles:
    """Profiles as plain values: the store knows no statistics."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, name: str, profile: Mapping[str, Any], *, table: str, identity: RunIdentity) -> None:
        """Keep a new version under ``name``. Earlier versions stay.

        :param name: what it will be asked for by.
        :param profile: ``TableProfile.to_dict()``.
        :param table: full name of the table it describes.
        :param identity: the task try that made it.
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
        }
        self._database.write(lambda conn: conn.execute(sa.insert(schema.profile).values(**values)).close())

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

    def names(self) -> list[str]:
        """Give the names that have a profile, sorted."""
        query = sa.select(profile.name).distinct()
        return sorted(self._database.read(lambda conn: conn.scalars(query).all()))


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
