"""Parquet and CSV files, and pandas frames, as tables of a DuckDB in memory: what holds for a table holds for them."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from airflow_provider_aiguard.core.errors import ConfigurationError, TableNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from airflow_provider_aiguard.core.profile import TableProfile

READERS = {".parquet": "read_parquet", ".csv": "read_csv", ".tsv": "read_csv"}
"""DuckDB's functions by the file's last suffix; ``.gz`` and ``.zst`` before it are seen through."""

_COMPRESSED = {".gz", ".zst"}


@contextmanager
def open_files(sources: Mapping[str, str | Path | pd.DataFrame]) -> Iterator[sa.Connection]:
    """Open a DuckDB in memory in which each source is a view under its name. Nothing is copied or written.

    :param sources: path of a Parquet or CSV file, or a frame, by the name to ask for it. A path may have wildcards.
    :raises TableNotFoundError: if a file is not there, is of another format, or cannot be read.
    """
    engine = sa.create_engine("duckdb:///:memory:", poolclass=StaticPool)
    try:
        with engine.connect() as conn:
            for name, source in sources.items():
                _show(conn, name, source)
            yield conn
    finally:
        engine.dispose()


def profile_frame(
    frame: pd.DataFrame, columns: Sequence[str] | None = None, *, name: str = "frame", **options: Any
) -> TableProfile:
    """Profile a frame in memory as :func:`~airflow_provider_aiguard.tables.profile.profile_table` does a table.

    :param frame: the rows. A NaN in it counts as NULL: a plain column of floats has no other way to say so.
    :param columns: columns to profile. ``None``: those of the reference, or all.
    :param name: what messages call it.
    :param options: ``reference``, ``sample``, ``cluster`` and ``dependence``, as for a table.
    :raises ConfigurationError: if two columns have one name, or a name is no text.
    """
    from airflow_provider_aiguard.core.table import Table
    from airflow_provider_aiguard.tables.profile import profile_table

    names = list(frame.columns)
    if len({str(column).lower() for column in names}) < len(names) or not all(isinstance(c, str) for c in names):
        raise ConfigurationError(
            f"The columns of frame {name!r} are named {names!r}: a table needs texts that differ not only in case. "
            "Rename them."
        )
    with open_files({name: frame}) as conn:
        return profile_table(conn, Table(name), columns, **options)


def is_file(source: str) -> bool:
    """Whether a text names a file that can be read here, by its suffix."""
    return _reader(source) is not None


def _show(conn: sa.Connection, name: str, source: Any) -> None:
    import duckdb

    driver: Any = conn.connection.driver_connection
    if not isinstance(source, str | Path):
        driver.register(name, source)
        return
    reader = _reader(str(source))
    if reader is None:
        raise TableNotFoundError(f"File {str(source)!r} is none of {', '.join(READERS)}, so its rows cannot be read.")
    try:
        getattr(driver, reader)(str(source)).create_view(name)
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise TableNotFoundError(f"File {str(source)!r} cannot be read: {first}") from error


def _reader(source: str) -> str | None:
    suffixes = [s.lower() for s in Path(source).suffixes]
    while suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return READERS.get(suffixes[-1]) if suffixes else None
