from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.hooks.sources import AirflowSources, dataset_name, dataset_name_if_known


@pytest.fixture
def define(monkeypatch):
    def define(conn_id, **fields):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))

    return define


def test_an_engine_is_made_once_and_disposed_of(define, tmp_path, monkeypatch):
    define("one", conn_type="sqlite", host=str(tmp_path / "one.db"))
    define("two", conn_type="sqlite", host=str(tmp_path / "two.db"))
    disposed = []
    monkeypatch.setattr(sa.Engine, "dispose", lambda engine, close=True: disposed.append(engine))
    with AirflowSources() as sources:
        one = sources.engine("one")
        assert sources.engine("one") is one
        assert sources.engine("two") is not one
        assert disposed == []
    assert one in disposed


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_file_is_closed_between_uses(define, tmp_path, kind):
    define("file", conn_type=kind, host=str(tmp_path / "file.db"))
    with AirflowSources() as sources:
        assert isinstance(sources.engine("file").pool, sa.pool.NullPool)
        with sources.connect("file") as connection:
            assert connection.execute(sa.text("SELECT 1")).scalar() == 1


def test_postgres_is_reached(define, postgres_database):
    url = sa.make_url(postgres_database)
    define("pg", conn_type="postgres", host=url.host or url.query["host"], login=url.username, schema=url.database)
    with AirflowSources() as sources, sources.connect("pg") as connection:
        assert connection.execute(sa.text("SELECT current_database()")).scalar() == url.database


def test_errors(define):
    define("web", conn_type="aiguard")
    with AirflowSources() as sources:
        with pytest.raises(ConfigurationError, match="No conn_id was given"):
            sources.engine(None)
        with pytest.raises(ConfigurationError, match="'web' is not of a SQL database: AIGuardHook has no engine"):
            sources.engine("web")
        with pytest.raises(AirflowNotFoundException, match="nobody"):
            sources.engine("nobody")


def test_the_store_is_opened_once_and_closed(airflow_home, monkeypatch):
    from airflow_provider_aiguard.store.store import Store

    closed = []
    close = Store.close
    monkeypatch.setattr(Store, "close", lambda store: closed.append(store) or close(store))
    with AirflowSources() as sources:
        store = sources.store
        assert sources.store is store
        assert closed == []
    assert closed == [store]


def test_what_was_never_asked_for_is_never_opened(monkeypatch):
    from airflow_provider_aiguard.hooks.aiguard import AIGuardHook

    monkeypatch.delattr(AIGuardHook, "get_conn")
    with AirflowSources("no_such_store") as sources:
        assert sources.aiguard_conn_id == "no_such_store"


class TestDatasetName:
    def test_of_duckdb_is_the_file_and_the_schema(self, define, tmp_path):
        define("duck", conn_type="duckdb", host=str(tmp_path / "w.duckdb"))
        name = dataset_name(Table("flights", "duck"))
        assert (name.namespace, name.name) == (f"duckdb://{tmp_path}/w.duckdb", "main.flights")
        assert dataset_name_if_known(Table("flights", "duck")) == name

    def test_of_sqlite_is_what_its_path_says(self, define, tmp_path):
        define("lite", conn_type="sqlite", host=str(tmp_path / "w.db"))
        name = dataset_name(Table("flights", "lite"))
        assert (name.namespace, name.name) == (f"sqlite://{tmp_path}/w.db", "main.flights")

    @pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
    def test_airflows_own_hooks_of_files_name_nothing(self, define, tmp_path, kind):
        define("file", conn_type=kind, host=str(tmp_path / "w"))
        assert BaseHook.get_hook("file").get_openlineage_database_info(BaseHook.get_connection("file")) is None

    @pytest.mark.parametrize("host", ["127.0.0.1", "DB.example.com"])
    def test_of_postgres_is_what_airflows_own_hook_gives(self, define, host):
        from airflow.providers.openlineage.sqlparser import SQLParser

        define("pg", conn_type="postgres", host=host, login="me", password="secret", schema="app", port=5433)
        hook = BaseHook.get_hook("pg")
        info = hook.get_openlineage_database_info(BaseHook.get_connection("pg"))
        namespace = SQLParser.create_namespace(info)
        name = dataset_name(Table("flights", "pg", schema="air"))
        assert (name.namespace, name.name) == (namespace, "app.air.flights")
        assert dataset_name_if_known(Table("flights", "pg", schema="air")) == name

    def test_of_postgres_without_a_schema_asks_the_database(self, define, postgres_database):
        url = sa.make_url(postgres_database)
        define("pg", conn_type="postgres", host=url.host or url.query["host"], login=url.username, schema=url.database)
        assert dataset_name_if_known(Table("flights", "pg")) is None
        assert dataset_name(Table("flights", "pg")).name == f"{url.database}.public.flights"
