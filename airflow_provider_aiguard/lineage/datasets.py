"""Names of datasets in events: the same table has the same name, whoever names it.

Airflow's SQL operators name what they read and write through their hook. PostgreSQL gets the names its hook gives
(``postgres://host:port``, ``database.schema.table``), so that both meet in one graph. The hooks of SQLite and DuckDB
give none: those are named here, ``sqlite:///absolute/path`` and ``duckdb:///absolute/path`` with ``schema.table``.

Marquez builds node ids by joining namespace and name with ``:`` and splits them again, and it refuses namespaces with
other characters than ``a-zA-Z:;=/0-9_-.@+``. A character that would break either is written as ``=`` and its two hex
digits a byte, as in quoted-printable; ``=`` itself too, so that different tables keep different names.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from sqlalchemy import URL

MODEL_NAMESPACE = "aimodel://aiguard"
"""Where models live, as datasets: inputs of what they infer, outputs of what trains them."""

UNKNOWN_TYPE = "unknown"
"""Stands where nobody knows the type: Marquez makes a new column of every event if it is missing."""

MAX_NAMESPACE = 1_024
"""Characters of a namespace that Marquez takes."""

_POSTGRES_PORT = 5432
_IN_MEMORY = ("", ":memory:")
# A colon may stay before "//" and before a digit (a port): there Marquez does not split.
_UNSAFE_IN_NAMESPACE = re.compile(r"[^a-zA-Z0-9_\-.@+/:;]|:(?!//|\d)")
# At the start of a name a digit would read as the port of the namespace before it.
_UNSAFE_IN_NAME = re.compile("^[0-9]|[:#=\x00-\x1f\x7f\ud800-\udfff]")
_UNSAFE_IN_VERSION = re.compile("[:#=/\x00-\x1f\x7f\ud800-\udfff]")
_SCHEME = re.compile(r"[a-z][a-z0-9]+:")


@dataclass(frozen=True)
class DatasetName:
    """A dataset's identity in OpenLineage; two are the same dataset if both parts are equal.

    :param namespace: where it lives, such as ``postgres://db:5432``.
    :param name: which one, such as ``app.public.flights``.
    """

    namespace: str
    name: str


@dataclass(frozen=True)
class DatasetField:
    """A column as an event describes it.

    :param name: column name, unquoted.
    :param type: the database's type; an empty one is sent as ``unknown``.
    :param description: what it means, if the author said so.
    """

    name: str
    type: str = UNKNOWN_TYPE
    description: str | None = None


def sql_dataset(namespace: str, *parts: str | None) -> DatasetName:
    """Name a table from what a hook says about its database.

    :param namespace: scheme and authority, such as ``postgres://db:5432``.
    :param parts: database, schema and table; ``None`` is left out.

    >>> sql_dataset("postgres://db:5432", "app", "public", "a:b")
    DatasetName(namespace='postgres://db:5432', name='app.public.a=3Ab')
    """
    name = ".".join(part for part in parts if part)
    return DatasetName(_shortened(_escape(_UNSAFE_IN_NAMESPACE, namespace)), _escape(_UNSAFE_IN_NAME, name))


def duckdb_dataset(path: str | os.PathLike[str] | None, schema: str | None, table: str) -> DatasetName:
    """Name a table in a DuckDB database.

    :param path: the database file; relative ones are made absolute. ``None``, ``""`` and ``":memory:"`` are one
        namespace, ``duckdb://memory``. A query part (MotherDuck's holds a token) never enters the name.
    :param schema: ``main`` if ``None``.
    :param table: table name, unquoted.

    >>> duckdb_dataset("/data/flights.duckdb", None, "scored")
    DatasetName(namespace='duckdb:///data/flights.duckdb', name='main.scored')
    """
    return sql_dataset(f"duckdb://{_place(path)}", schema or "main", table)


def sqlite_dataset(path: str | os.PathLike[str] | None, schema: str | None, table: str) -> DatasetName:
    """Name a table in an SQLite database, by the same rules as :func:`duckdb_dataset`.

    :param path: the database file, or SQLite's ``file:`` URI of it.
    :param schema: ``main`` if ``None``.
    :param table: table name, unquoted.
    """
    plain = None if path is None else os.fspath(path).removeprefix("file:").partition("?")[0]
    return sql_dataset(f"sqlite://{_place(plain)}", schema or "main", table)


def file_dataset(path: str | os.PathLike[str]) -> DatasetName:
    """Name a local file as Airflow names the asset ``file:///absolute/path``.

    :param path: of the file; a relative one is made absolute.

    >>> file_dataset("/data/flights.parquet")
    DatasetName(namespace='file', name='/data/flights.parquet')
    """
    return sql_dataset("file", _place(path))


def dataset_of(url: URL | str, schema: str | None, table: str) -> DatasetName:
    """Name a table reached by a SQLAlchemy URL. Credentials and options never enter it.

    :param url: where the database is. A PostgreSQL socket is named as Airflow's hook names it; without any host it
        is ``localhost``.
    :param schema: the default (``main``; ``public`` for PostgreSQL) if ``None``.
    :param table: table name, unquoted.

    >>> dataset_of("postgresql+psycopg2://me:secret@DB/app", None, "flights")
    DatasetName(namespace='postgres://db:5432', name='app.public.flights')
    """
    from sqlalchemy import make_url

    url = make_url(url)
    backend = url.get_backend_name()
    if backend == "duckdb":
        return duckdb_dataset(url.database, schema, table)
    if backend == "sqlite":
        return sqlite_dataset(url.database, schema, table)
    if backend == "postgresql":
        authority = _authority(url, _POSTGRES_PORT)
        return sql_dataset(f"postgres://{authority}", url.database, schema or "public", table)
    return sql_dataset(f"{backend}://{_authority(url)}", url.database, schema, table)


def model_dataset(name: str, version: str) -> DatasetName:
    """Name a model, so that it is in the graph. What is before the last ``/`` is the same for all its versions.

    :param name: name of the model.
    :param version: its version.

    >>> model_dataset("flights-gbm", "2013-01")
    DatasetName(namespace='aimodel://aiguard', name='flights-gbm/2013-01')
    """
    return DatasetName(MODEL_NAMESPACE, f"{_escape(_UNSAFE_IN_NAME, name)}/{_escape(_UNSAFE_IN_VERSION, version)}")


def _place(path: str | os.PathLike[str] | None) -> str:
    text = "" if path is None else os.fspath(path)
    if text in _IN_MEMORY:
        return "memory"
    if _SCHEME.match(text):
        return text.partition("?")[0]
    return str(Path(os.path.abspath(text)))  # noqa: PTH100  # resolve() would follow links and name a copy's target


def _authority(url: URL, default_port: int | None = None) -> str:
    # Airflow quotes a socket's folder, and urllib lowers a host up to its first "%" only.
    host, percent, rest = quote(url.host or _option(url, "host") or "localhost", safe="").partition("%")
    port = url.port or _option(url, "port") or default_port
    authority = host.lower() + percent + rest
    return f"{authority}:{port}" if port else authority


def _option(url: URL, name: str) -> str | None:
    value = url.query.get(name)
    return value if isinstance(value, str) or value is None else value[0]


def _shortened(namespace: str) -> str:
    """Keep a namespace that is too long below Marquez's limit, and apart from others that begin alike."""
    if len(namespace) <= MAX_NAMESPACE:
        return namespace
    return f"{namespace[: MAX_NAMESPACE - 33]}-{hashlib.sha256(namespace.encode()).hexdigest()[:32]}"


def _escape(unsafe: re.Pattern[str], text: str) -> str:
    return unsafe.sub(lambda found: "".join(f"={b:02X}" for b in found[0].encode("utf-8", "surrogatepass")), text)
