"""Tags of an accepted event, where the backend is a Marquez: at once while there is time, else by replay.

What knows our facets is loaded only for an event that has some: most events are of other operators, and each comes
from a process of its own that would load it anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import MarquezRefusedError
from airflow_provider_aiguard.lineage.backend import Backend
from airflow_provider_aiguard.lineage.keys import RUN_KEY
from airflow_provider_aiguard.store.deliveries import TERMINAL, Deliveries

if TYPE_CHECKING:
    from airflow_provider_aiguard.lineage.marquez import MarquezClient

OURS = "aiguard_"
"""In every event that says something about tags."""

MARQUEZ = "marquez"
OTHER = "other"


class Tagging:
    """Sets the tags that follow from events.

    :param backend: whose tags.
    :param deliveries: where it is remembered what the backend is.
    """

    def __init__(self, backend: Backend, deliveries: Deliveries) -> None:
        self._backend = backend
        self._deliveries = deliveries
        self._kind: str | None = None

    def says(self, event: str) -> bool:
        """Whether anything follows from an event. Asks nobody.

        :param event: an accepted event as JSON.
        """
        if OURS not in event:
            return False
        from airflow_provider_aiguard.lineage.marquez_tags import tags_said

        said = json.loads(event)
        of_run = said.get("eventType") in TERMINAL and RUN_KEY in ((said.get("run") or {}).get("facets") or {})
        return of_run or bool(tags_said(said))

    def set(self, event: Mapping[str, Any], *, seconds: float) -> None:
        """Set the tags. A backend that is no Marquez has none.

        :param event: an accepted event as plain JSON.
        :param seconds: for all of it.
        :raises MarquezUnavailableError: if Marquez does not answer in time; the event's tags are still due then.
        :raises MarquezRefusedError: if it refuses.
        """
        from airflow_provider_aiguard.lineage.marquez_tags import sync_tags

        with client_of(self._backend, seconds=seconds) as client:
            if self._is_marquez(client):
                sync_tags(event, client)

    def _is_marquez(self, client: MarquezClient) -> bool:
        self._kind = self._kind or self._deliveries.kind()
        if self._kind is None:
            try:
                self._kind = MARQUEZ if client.is_marquez() else OTHER
            except MarquezRefusedError:
                self._kind = OTHER
            self._deliveries.set_kind(self._kind)
        return self._kind == MARQUEZ


def client_of(backend: Backend, *, seconds: float) -> MarquezClient:
    """Make a client of a Marquez that asks as the transport does.

    :param backend: the Marquez.
    :param seconds: for all that it is asked.
    """
    from airflow_provider_aiguard.lineage.marquez import MarquezClient

    return MarquezClient(backend.url, timeout=seconds, budget=seconds, session=backend.session())
