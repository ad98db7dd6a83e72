"""A house for the demo: an Airflow of its own, so that the user's is never touched."""

from __future__ import annotations

import json
import os
from pathlib import Path

from airflow_provider_aiguard.demo.model import FOLDER_VARIABLE


def furnish(folder: Path, dags: Path) -> None:
    """Point this process at an Airflow, a warehouse and an event file below ``folder``.

    :param folder: where everything is kept; created if missing. Events of an earlier run are removed.
    :param dags: folder of the example DAGs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    events(folder).unlink(missing_ok=True)
    for part in ("", "-wal", "-shm"):
        Path(f"{kept(folder)}{part}").unlink(missing_ok=True)
    # It names no backend: events are kept, for whoever asks for them later.
    transport = {"type": "airflow_provider_aiguard.lineage.transport.DurableTransport", "store": store_url(folder)}
    inherited = [name for name in os.environ if name.startswith(("AIRFLOW_", "OPENLINEAGE"))]
    for name in inherited:
        del os.environ[name]
    os.environ |= {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "aiguard-demo",
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "duckdb", "host": str(warehouse(folder))}),
        FOLDER_VARIABLE: str(folder),
    }


def warehouse(folder: Path) -> Path:
    """The DuckDB file that holds the flights."""
    return folder / "warehouse.duckdb"


def kept(folder: Path) -> Path:
    """The store: SQLite."""
    return folder / "airflow" / "aiguard.db"


def store_url(folder: Path) -> str:
    """SQLAlchemy URL of the store."""
    return f"sqlite:///{kept(folder)}"


def events(folder: Path) -> Path:
    """The OpenLineage events, one JSON a line."""
    return folder / "openlineage.jsonl"
