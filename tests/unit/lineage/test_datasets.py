from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from unittest import mock

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.lineage.datasets import (
    DatasetField,
    DatasetName,
    dataset_of,
    duckdb_dataset,
    model_dataset,
    sql_dataset,
    sqlite_dataset,
)

# Marquez: NamespaceName's pattern, and NodeId's separator (a colon that is neither in "://" nor before a digit).
NAMESPACE = re.compile(r"^[a-zA-Z:;=/0-9_\-.@+]{1,1024}$")
SEPARATOR = re.compile(r":(?!//|\d)")


def node_id_parts(name: DatasetName) -> list[str]:
    return SEPARATOR.split(f"dataset:{name.namespace}:{name.name}")


@pytest.mark.parametrize(
    ("url", "schema", "namespace", "name"),
    [
        ("duckdb:////data/f.duckdb", None, "duckdb:///data/f.duckdb", "main.flights"),
        ("duckdb:////data/f.duckdb", "raw", "duckdb:///data/f.duckdb", "raw.flights"),
        ("duckdb:///:memory:", None, "duckdb://memory", "main.flights"),
        ("duckdb:///md:db?motherduck_token=tok123", None, "duckdb://md=3Adb", "main.flights"),
        ("sqlite:////data/f.db", None, "sqlite:///data/f.db", "main.flights"),
        ("sqlite://", None, "sqlite://memory", "main.flights"),
        ("sqlite:///file:/data/f.db?mode=ro&uri=true", None, "sqlite:///data/f.db", "main.flights"),
        ("postgresql+psycopg2://me:pw@DB.example/app", None, "postgres://db.example:5432", "app.public.flights"),
        ("postgresql+psycopg://me:pw@db:5433/app", "raw", "postgres://db:5433", "app.raw.flights"),
        ("postgresql://me@/app", None, "postgres://localhost:5432", "app.public.flights"),
        ("postgresql://me@/app?host=db2&port=5444", None, "postgres://db2:5444", "app.public.flights"),
        ("postgresql://me@/app?host=db2&host=db3", None, "postgres://db2:5432", "app.public.flights"),
        ("postgresql://me@db", None, "postgres://db:5432", "public.flights"),
        ("mysql+pymysql://me:pw@db:3306/app", None, "mysql://db:3306", "app.flights"),
        ("trino://me@db/cat", "s", "trino://db", "cat.s.flights"),
    ],
)
def test_dataset_of(url: str, schema: str | None, namespace: str, name: str) -> None:
    assert dataset_of(url, schema, "flights") == DatasetName(namespace, name)
    assert dataset_of(sa.make_url(url), schema, "flights") == DatasetName(namespace, name)


def test_credentials_and_options_never_enter_a_name() -> None:
    urls = ["postgresql://me:SECRET@db/app?password=SECRET", "duckdb:///md:db?motherduck_token=SECRET"]
    names = [dataset_of(url, None, "t") for url in urls] + [duckdb_dataset("md:db?motherduck_token=SECRET", None, "t")]
    assert "SECRET" not in repr(names)


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    absolute = sa.URL.create("duckdb", database=str(tmp_path / "f.duckdb"))
    assert dataset_of("duckdb:///x/../f.duckdb", None, "t") == dataset_of(absolute, None, "t")
    assert duckdb_dataset(Path("f.duckdb"), None, "t") == duckdb_dataset(tmp_path / "f.duckdb", "main", "t")
    assert sqlite_dataset(Path("f.db"), None, "t").namespace == f"sqlite://{tmp_path}{os.sep}f.db"


def test_in_memory_databases_share_a_namespace() -> None:
    assert {duckdb_dataset(path, None, "t").namespace for path in (None, "", ":memory:")} == {"duckdb://memory"}
    assert sqlite_dataset(None, None, "t").namespace == "sqlite://memory"


HOSTILE = ["a:b", "a#b", "2023", "naïve ☂", "a b", "a=3Ab", "x\x00", "\ud800", "%41", 'we"ird', "::1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_survive_marquez(text: str) -> None:
    for name in (duckdb_dataset(f"/data/{text}", text, text), sql_dataset(f"postgres://{text}:5432", text, text)):
        assert NAMESPACE.match(name.namespace)
        assert node_id_parts(name) == ["dataset", name.namespace, name.name]
        assert "#" not in name.name


def test_different_tables_keep_different_names() -> None:
    names = {
        duckdb_dataset(f"/data/{path}", schema, table) for path in HOSTILE for schema in HOSTILE for table in HOSTILE
    }
    assert len(names) == len(HOSTILE) ** 3


def test_a_path_too_long_for_marquez_is_shortened_and_stays_apart() -> None:
    names = [duckdb_dataset(f"/{'é' * 1_000}/{end}", None, "t") for end in "ab"]
    assert all(NAMESPACE.match(name.namespace) for name in names)
    assert names[0] != names[1]


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_names_survive_marquez(path: str, table: str) -> None:
    name = duckdb_dataset("/" + path, None, table)
    assert NAMESPACE.match(name.namespace)
    assert node_id_parts(name) == ["dataset", name.namespace, name.name]


def test_names_are_values() -> None:
    name = DatasetName("a", "b")
    assert {name: 1}[DatasetName("a", "b")] == 1
    with pytest.raises(dataclasses.FrozenInstanceError, match="namespace"):
        name.namespace = "c"  # type: ignore[misc]
    assert DatasetField("a") == DatasetField("a", "unknown", None)


@pytest.fixture
def airflow_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "AIRFLOW_HOME" not in os.environ:
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))


@pytest.mark.usefixtures("airflow_home")
@pytest.mark.parametrize(
    "parts",
    [
        {"host": "DB.Example.com", "schema": "app", "port": 5433, "login": "me", "password": "p@:/long"},
        {"host": "db", "schema": "app"},
        {"host": "/Var/run/pg", "schema": "app"},
        {"host": "::1", "schema": "app"},
    ],
)
def test_postgres_is_named_as_airflows_hook_names_it(parts: dict[str, object]) -> None:
    from airflow.providers.openlineage.sqlparser import SQLParser
    from airflow.providers.postgres.hooks.postgres import PostgresHook
    from airflow.sdk import Connection

    connection = Connection(conn_id="p", conn_type="postgres", **parts)
    with mock.patch.object(PostgresHook, "get_connection", return_value=connection):
        info = PostgresHook(postgres_conn_id="p").get_openlineage_database_info(connection)
    port = parts.get("port")
    url = sa.URL.create("postgresql", "u", "p", str(parts["host"]), port and int(str(port)), str(parts["schema"]))
    theirs = sql_dataset(SQLParser.create_namespace(info), info.database, "public", "flights")
    assert dataset_of(url, None, "flights") == theirs


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("flights-gbm", "3", "flights-gbm/3"),
        ("openai:gpt-5", "2026/07", "openai=3Agpt-5/2026=2F07"),
        ("4o-mini", "1:2#x", "=34o-mini/1=3A2=23x"),
        ("org/model", "=", "org/model/=3D"),
    ],
)
def test_a_model_is_a_dataset_whose_versions_share_what_is_before_the_last_slash(name, version, expected):
    dataset = model_dataset(name, version)
    assert (dataset.namespace, dataset.name) == ("aimodel://aiguard", expected)
    assert dataset.name.rpartition("/")[0] == model_dataset(name, "other").name.rpartition("/")[0]
