"""What a word on the command line names: a file, a table behind an Airflow connection, or a profile."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError, NotRecordedError
from airflow_provider_aiguard.core.profile import TableProfile
from airflow_provider_aiguard.core.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from airflow_provider_aiguard.store.store import Store

WORDS = "a Parquet or CSV file, or CONN_ID:TABLE (TABLE may be SCHEMA.NAME) behind an Airflow connection"
BASELINE = "baseline:"


@contextmanager
def open_rows(words: Mapping[str, str], *, key: Sequence[str] | None = None) -> Iterator[Rows]:
    """Open what the words name, together, so that they can be joined.

    :param words: the words, by what each is for: the name of a file's rows in messages.
    :param key: the columns that identify a row.
    :raises ConfigurationError: if a word is neither, or files and tables are mixed.
    """
    from airflow_provider_aiguard.tables.files import is_file, open_files

    columns = tuple(key) if key else None
    tables = {name: _table(word, columns) for name, word in words.items() if not is_file(word)}
    if tables and len(tables) < len(words):
        raise ConfigurationError(f"Rows of files and of tables cannot be joined; got {sorted(words.values())!r}.")
    if len({table.conn_id for table in tables.values()}) > 1:
        raise ConfigurationError(
            f"Tables are joined where they are: name one connection; got {sorted(words.values())!r}."
        )
    if tables:
        from airflow_provider_aiguard.hooks.sources import AirflowSources

        conn_id = next(iter(tables.values())).conn_id
        with AirflowSources() as sources, sources.connect(conn_id) as connection:
            yield Rows(connection, tables)
    else:
        with open_files(words) as connection:
            yield Rows(connection, {name: Table(name, key=columns) for name in words})


class Rows:
    """Tables on one connection; what a guard's question needs, without a store.

    :param connection: where they are.
    :param tables: the tables, by what each is for.
    """

    def __init__(self, connection: Connection, tables: Mapping[str, Table]) -> None:
        self.connection = connection
        self.tables = tables

    @contextmanager
    def connect(self, conn_id: str | None) -> Iterator[Connection]:  # noqa: ARG002
        """Give the one connection there is."""
        yield self.connection

    @property
    def store(self) -> Store:
        """There is none.

        :raises NotRecordedError: always.
        """
        raise NotRecordedError("This command keeps no history: ask the guard in a DAG, where there is a store.")


def labelled(rows: Rows, name: str, column: str) -> Table:
    """Give the table of claims; one of a file without companion columns, in which each value is taken as inferred.

    :param rows: what was opened.
    :param name: what the claims were opened for.
    :param column: the inferred column.
    """
    from airflow_provider_aiguard.core.provenance import Companions, Provenance
    from airflow_provider_aiguard.tables.columns import read_columns

    table, provenance = rows.tables[name], Companions(column).provenance
    if table.conn_id is not None or provenance in read_columns(rows.connection, table):
        return table
    import duckdb

    driver: Any = rows.connection.connection.driver_connection
    inferred = duckdb.ConstantExpression(str(Provenance.AI_INFERRED)).alias(provenance)
    driver.view(table.name).select(duckdb.StarExpression(), inferred).create_view(f"{name}, all inferred")
    return replace(table, name=f"{name}, all inferred")


def stored_profile(word: str, open_store: Callable[[], Store]) -> TableProfile | None:
    """Read the profile that a word names: a JSON file, or ``baseline:NAME`` of the store; ``None`` if it names rows.

    :raises ConfigurationError: if the file holds no profile.
    :raises NotRecordedError: if the store has no such baseline.
    """
    if word.startswith(BASELINE):
        with open_store() as store:
            return TableProfile.from_dict(store.profiles.get(word.removeprefix(BASELINE))[0])
    if Path(word).suffix.lower() != ".json":
        return None
    return TableProfile.from_dict(_json(word))


def _json(path: str) -> dict[str, Any]:
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"Profile {path!r} cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f"File {path!r} holds no profile. Write one with aiguard profile ROWS --out {path}.")
    return found


def _table(word: str, key: tuple[str, ...] | None) -> Table:
    conn_id, colon, name = word.partition(":")
    if not colon or not conn_id or not name or "/" in word:
        raise ConfigurationError(f"{word!r} names no rows: give {WORDS}.")
    schema, _, bare = name.rpartition(".")
    return Table(bare, conn_id=conn_id, schema=schema or None, key=key)
