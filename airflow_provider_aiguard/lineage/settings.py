"""What the durable transport is told: by its own configuration and the environment, never by an Airflow connection.

Events of whole DAGs come from a pool of the scheduler that can read no connection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import attr
import sqlalchemy as sa
from openlineage.client.transport.http import HttpConfig
from openlineage.client.transport.transport import Config

from airflow_provider_aiguard.lineage.backend import Backend
from airflow_provider_aiguard.store.location import STORE_VARIABLE, airflow_home, embedded_url

BUDGET_SECONDS = 0.4
"""What an event may cost the task that waits for it, beyond being kept."""

_SECRET_SETTINGS = ("api_key", "client_secret")

_CREDENTIAL = re.compile(r"auth|cookie|key|token|secret|pass", re.IGNORECASE)
"""In the name of a header whose value nobody may see."""


@attr.define
class DurableConfig(Config):
    """Settings of the durable transport.

    :param http: where events go; ``None`` while they are only kept.
    :param store: SQLAlchemy URL of the store; of ``AIGUARD_STORE`` or the embedded one by default.
    :param spool: folder of the file that keeps events while the store cannot be reached.
    :param budget: most seconds that a task waits for the backend, an event; above 0, at most 5.
    :param problems: settings that could not be used, and what is done instead.
    """

    http: HttpConfig | None = None
    store: str = attr.field(factory=lambda: os.environ.get(STORE_VARIABLE) or embedded_url(), repr=False)
    spool: Path = attr.field(factory=lambda: airflow_home() / "aiguard_spool")
    budget: float = BUDGET_SECONDS
    problems: list[str] = attr.field(factory=list)

    @classmethod
    def from_dict(cls, params: dict[str, Any]) -> Self:
        """Read the settings. One that cannot be used is a problem, not an error: the events are kept in any case.

        :param params: ``url`` and whatever else the ``http`` transport of OpenLineage's client takes; ``store``,
            ``spool``, ``budget``.
        """
        config = cls()
        if params.get("store"):
            config.store = str(params["store"])
        if params.get("spool"):
            config.spool = Path(str(params["spool"])).expanduser()
        config._read_budget(params.get("budget"))
        config._read_http({key: value for key, value in params.items() if key not in ("store", "spool", "budget")})
        return config

    def backend(self) -> Backend | None:
        """Where events go, ready to be asked."""
        return None if self.http is None else Backend(self.http)

    @property
    def backend_name(self) -> str | None:
        """What the store knows that backend by."""
        return None if self.http is None else Backend(self.http).name

    @property
    def secrets(self) -> list[str]:
        """What must not leave in any event."""
        found = [_password(self.store)]
        if self.http is not None:
            headers = self.http.custom_headers
            found += [_password(self.http.url), *(value for name, value in headers.items() if _CREDENTIAL.search(name))]
            found += [getattr(self.http.auth, name, None) for name in _SECRET_SETTINGS]
        # Hiding a word of three letters would hide half of every event.
        return [str(secret) for secret in found if secret and len(str(secret)) > 3]

    def _read_budget(self, given: Any) -> None:
        if given is None:
            return
        try:
            budget = float(given)
        except (TypeError, ValueError):
            budget = -1.0
        if 0 < budget <= 5:
            self.budget = budget
        else:
            self.problems.append(
                f"budget is a number of seconds above 0 and at most 5; got {given!r}. It is {BUDGET_SECONDS:g}."
            )

    def _read_http(self, params: Mapping[str, Any]) -> None:
        if not params.get("url"):
            return
        try:
            http = HttpConfig.from_dict(dict(params))
            Backend(http)
            self.http = http
        except Exception as error:  # whatever a token provider of anybody's raises
            self.problems.append(
                f"The settings of the lineage backend cannot be used ({type(error).__name__}: {error}). Events are "
                "kept and not sent; correct the setting, then run: aiguard lineage replay."
            )


def _password(url: str) -> str | None:
    """Give the password of a URL, unless it is a word that is there to be seen: ``airflow:airflow@db/airflow``."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        return None
    return None if parsed.password in (parsed.username, parsed.host, parsed.database) else parsed.password
