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


def place(url: str) -> str:
    """Say which database a URL means: without user, password, driver and options.

    >>> place("postgresql+psycopg://me:secret@db/aiguard") == place("postgres://you@db:5432/aiguard?sslmode=require")
    True
    """
    import sqlalchemy as sa

    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        return "no URL"
    backend = parsed.get_backend_name().replace("postgresql", "postgres")
    if backend == "sqlite":
        return f"sqlite:///{Path(parsed.database or '').absolute()}"
    host = parsed.host or parsed.query.get("host") or "localhost"
    return f"{backend}://{host}:{parsed.port or 5432}/{parsed.database}"
