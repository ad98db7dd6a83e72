"""What an event says of a dataset, kept for later events that do not say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_aiguard.core.lineage import Node


@dataclass(frozen=True)
class Note:
    """What one job said of a dataset, until it says something else.

    :param about: the dataset.
    :param by: the job, of a note about checks; ``None`` of what the last writer said, whoever that is.
    :param at: when, with zone.
    :param said: what, as plain JSON.
    """

    about: Node
    by: Node | None
    at: datetime
    said: Mapping[str, Any]
