"""The ``aiguard`` command."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.verdict import Verdict

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.store import Store

Open = Callable[[argparse.Namespace], "Store"]
"""Opens the store that the options name."""

Answer = tuple[Verdict | None, dict[str, Any]]
"""The verdict that is the exit code, if there is one, and the rest of the answer."""
