"""``python -m airflow_provider_aiguard.demo.prepare``: the demo's warehouse and model, beside any Airflow.

What is whole already stays: tasks may be reading it.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.errors import TableNotFoundError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.demo.flights import load_warehouse, read_flights
from airflow_provider_aiguard.demo.model import train

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from sqlalchemy import Connection, Engine

_TABLES = (Table("flights"), Table("arrivals"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_aiguard.demo.prepare", description=__doc__)
    parser.add_argument("--url", required=True, help="SQLAlchemy URL of the warehouse; the database must exist")
    parser.add_argument("--folder", required=True, type=Path, help="folder for the model; created if missing")
    options = parser.parse_args(arguments)

    from sqlalchemy import create_engine

    engine = create_engine(options.url)
    try:
        loaded, trained = prepare(engine, options.folder)
    finally:
        engine.dispose()
    print(f"Warehouse {'loaded' if loaded else 'kept'}, model {'trained' if trained else 'kept'}.")


def prepare(engine: Engine, folder: Path) -> tuple[bool, bool]:
    """Load the warehouse and train the model, unless they are whole already.

    :param engine: the warehouse.
    :param folder: of the model; created if missing.
    :return: whether the warehouse was loaded, and whether the model was trained.
    :raises ConfigurationError: if the extra ``demo`` is not installed.
    """
    flights = read_flights()
    folder.mkdir(parents=True, exist_ok=True)
    load = not _is_loaded(engine, len(flights))
    if load:
        _load(engine, flights)
    fit = not _is_trained(folder)
    if fit:
        train(flights, folder)
    return load, fit


def _is_loaded(engine: Engine, rows: int) -> bool:
    from airflow_provider_aiguard.tables.connection import connect
    from airflow_provider_aiguard.tables.reader import count_rows

    with connect(engine) as connection:
        try:
            return all(count_rows(connection, table) == rows for table in _TABLES)
        except TableNotFoundError:
            return False


def _is_trained(folder: Path) -> bool:
    model, digest = folder / "late.pkl", folder / "late.sha256"
    if not (model.exists() and digest.exists()):
        return False
    return hashlib.sha256(model.read_bytes()).hexdigest() == digest.read_text()


def _load(engine: Engine, flights: pd.DataFrame) -> None:
    if engine.dialect.name != "postgresql":
        load_warehouse(engine, flights)
        return
    # Inserting the year by pandas took 39 to 47 s, COPY 4 to 6.
    load_warehouse(engine, flights.head(0))
    with engine.begin() as connection:
        for table in _TABLES:
            _copy(connection, table, flights)


def _copy(connection: Connection, table: Table, flights: pd.DataFrame) -> None:
    from sqlalchemy import select

    from airflow_provider_aiguard.tables.columns import read_columns, sql_table
    from airflow_provider_aiguard.tables.dialects.base import dialect_of

    columns = read_columns(connection, table)
    target = sql_table(table, columns.values())
    frame = flights[list(columns)]
    with dialect_of(connection).stage(connection, frame, target, list(columns.values())) as staged:
        connection.execute(target.insert().from_select(list(staged), select(*staged.values())))


if __name__ == "__main__":
    main()
