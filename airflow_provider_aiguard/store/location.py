"""Where the store is while nobody says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

STORE_VARIABLE = "AIGUARD_STORE"
"""Environment variable with the SQLAlchemy URL of the store, for what runs where no Airflow connection can be read."""


def airflow_home() -> Path:
    """Airflow's folder, found as Airflow finds it, without importing it."""
    return Path(os.path.expandvars(os.environ.get("AIRFLOW_HOME", "~/airflow"))).expanduser().absolute()


def embedded_url() -> str:
    """URL of the SQLite store that is used while no connection says otherwise."""
    return f"sqlite:///{airflow_home() / 'aiguard.db'}"
