from __future__ import annotations

import json
import sqlite3
import traceback
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk.bases.secrets_backend import BaseSecretsBackend
from airflow.sdk.exceptions import AirflowNotFoundException, ErrorType
from airflow.sdk.execution_time import supervisor, task_runner
from airflow.sdk.execution_time.comms import ErrorResponse
from airflow.sdk.execution_time.secrets.execution_api import ExecutionAPISecretsBackend
from cryptography.fernet import Fernet

from airflow_provider_aiguard.core.errors import ConfigurationError, StoreUnavailableError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.hooks.aiguard import AIGuardHook
from airflow_provider_aiguard.store.location import embedded_url


@pytest.fixture
def connection(monkeypatch):
    """Define a connection by its environment variable."""

    def define(conn_id, **fields):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))
        return AIGuardHook(conn_id)

    return define


def test_without_a_connection_the_store_is_a_file_below_airflow_home(airflow_home):
    assert AIGuardHook().get_url() == f"sqlite:///{airflow_home}/aiguard.db" == embedded_url()


class Vault(BaseSecretsBackend):
    """Is away as often as it is told to be, and then has the connection, or none."""

    def __init__(self, away, uri=None):
        self.away, self.uri = away, uri

    def get_conn_value(self, conn_id, team_name=None):
        self.away -= 1
        if self.away >= 0:
            raise ConnectionError("vault: 503, token s.ecret")
        return self.uri


@pytest.mark.parametrize(
    ("vault", "url"),
    [
        (Vault(1, "aiguard://?url=sqlite:////srv/store.db"), "sqlite:////srv/store.db"),
        (Vault(0), "sqlite:///{home}/aiguard.db"),
    ],
)
def test_a_secrets_backend_that_answers_is_believed(airflow_home, monkeypatch, vault, url):
    monkeypatch.setattr(supervisor, "ensure_secrets_backend_loaded", lambda: [vault])
    assert AIGuardHook().get_url() == url.format(home=airflow_home)


def test_one_that_does_not_answer_is_no_new_store(airflow_home, monkeypatch):
    """In a store of its own every budget would begin again at nothing."""
    monkeypatch.setattr(supervisor, "ensure_secrets_backend_loaded", lambda: [Vault(9)])
    with pytest.raises(
        StoreUnavailableError, match=r"could not look up connection 'aiguard_default' \(ConnectionErr"
    ) as e:
        AIGuardHook().get_url()
    assert "s.ecret" not in "".join(traceback.format_exception(e.value))


@pytest.mark.parametrize(
    ("error", "known"), [(ErrorType.CONNECTION_NOT_FOUND, True), (ErrorType.API_SERVER_ERROR, False)]
)
def test_an_api_server_that_does_not_know_has_not_said_no(airflow_home, monkeypatch, error, known):
    class Supervisor:
        def send(self, message):
            assert message.conn_id == "aiguard_default"
            return ErrorResponse(error=error)

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Supervisor(), raising=False)
    monkeypatch.setattr(supervisor, "ensure_secrets_backend_loaded", lambda: [ExecutionAPISecretsBackend()])
    if known:
        assert AIGuardHook().get_url() == f"sqlite:///{airflow_home}/aiguard.db"
    else:
        with pytest.raises(StoreUnavailableError, match="could not look up connection"):
            AIGuardHook().get_url()


def test_another_connection_that_is_missing_is_an_error(airflow_home):
    with pytest.raises(AirflowNotFoundException, match="no_such_store"):
        AIGuardHook("no_such_store").get_url()


def test_the_type_aiguard_has_a_url_in_its_extra(connection):
    url = "postgresql+psycopg://me:secret@db:5433/aiguard"
    assert connection("aiguard_default", conn_type="aiguard", extra={"url": url}).get_url() == url


def test_the_extra_may_be_text(connection):
    hook = connection("other", conn_type="aiguard", extra=json.dumps({"url": "sqlite:////tmp/x.db"}))
    assert hook.get_url() == "sqlite:////tmp/x.db"


def test_the_type_sqlite_is_its_file(connection, tmp_path):
    hook = connection("aiguard_default", conn_type="sqlite", host=str(tmp_path / "store.db"))
    assert hook.get_url() == f"sqlite:///{tmp_path}/store.db"
    hook.get_conn().close()
    assert (tmp_path / "store.db").exists()


def test_the_type_postgres_is_its_database_with_its_password(connection):
    hook = connection(
        "aiguard_default", conn_type="postgres", host="db", login="me", password="p@ss:/word", schema="app", port=5433
    )
    from sqlalchemy import make_url

    url = make_url(hook.get_url())
    assert (url.get_backend_name(), url.host, url.port, url.database) == ("postgresql", "db", 5433, "app")
    assert (url.username, url.password) == ("me", "p@ss:/word")


def test_a_real_postgres_becomes_a_store(connection, postgres_database):
    from sqlalchemy import make_url

    url = make_url(postgres_database)
    hook = connection(
        "aiguard_default", conn_type="postgres", host=url.host or url.query["host"], login=url.username,
        password=url.password, schema=url.database, port=url.port,
    )  # fmt: skip
    assert hook.test_connection() == (True, "The store is reachable and its schema is current.")
    with hook.get_conn() as store:
        assert store.profiles.names() == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"conn_type": "aiguard"}, r"Connection 'aiguard_default' has no extra 'url'. Set it to a SQLAlchemy URL"),
        ({"conn_type": "aiguard", "extra": {"url": ""}}, "has no extra 'url'"),
        (
            {"conn_type": "mysql", "host": "db"},
            "is of type 'mysql'; a store is of type 'aiguard', 'postgres' or 'sqlite'",
        ),
        ({"conn_type": "http", "host": "x"}, "is of type 'http'"),
    ],
)
def test_a_connection_that_is_no_store_is_an_error(connection, fields, message):
    hook = connection("aiguard_default", **fields)
    with pytest.raises(ConfigurationError, match=message):
        hook.get_url()
    reached, said = hook.test_connection()
    assert (reached, fields["conn_type"] in said or "url" in said) == (False, True)


def test_connection_test_makes_the_store(connection, tmp_path):
    hook = connection("mine", conn_type="aiguard", extra={"url": f"sqlite:///{tmp_path}/new/store.db"})
    assert hook.test_connection() == (True, "The store is reachable and its schema is current.")
    tables = sqlite3.connect(tmp_path / "new/store.db").execute(
        "SELECT name FROM sqlite_master WHERE name = 'aiguard_run'"
    )
    assert tables.fetchall() == [("aiguard_run",)]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg2://me:hunter2@127.0.0.1:1/aiguard",
        "postgresql+nodriver://me:hunter2@127.0.0.1/aiguard",
        "oracle://me:hunter2@127.0.0.1/aiguard",
        "no url at all: hunter2",
    ],
)
def test_connection_test_says_why_not_and_never_the_password(connection, url):
    reached, said = connection("mine", conn_type="aiguard", extra={"url": url}).test_connection()
    assert not reached
    assert len(said) > 20
    assert "hunter2" not in said


def test_connection_test_of_a_connection_that_is_missing():
    reached, said = AIGuardHook("no_such_store").test_connection()
    assert (reached, "no_such_store" in said) == (False, True)


@pytest.fixture
def fernet_key(monkeypatch):
    """Set Airflow's Fernet key as a deployment does."""
    from airflow.sdk import crypto

    from airflow_provider_aiguard.hooks.aiguard import _cipher

    def use(key):
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", key)
        crypto.get_fernet.cache_clear()
        _cipher.cache_clear()

    yield use
    crypto.get_fernet.cache_clear()
    _cipher.cache_clear()


@pytest.mark.parametrize("encrypted", [True, False])
def test_results_are_encrypted_with_airflows_key_if_it_has_one(connection, tmp_path, fernet_key, encrypted):
    fernet_key(Fernet.generate_key().decode() if encrypted else "")
    hook = connection("aiguard_default", conn_type="sqlite", host=str(tmp_path / "store.db"))
    now, identity = datetime.now(UTC), RunIdentity(run_id="r")
    with hook.get_conn() as store:
        store.results.take(["a"], identity, read=lambda value: value, until=now + timedelta(hours=1), now=now)
        store.results.keep({"a": "a diagnosis"}, identity, now)
    found = "a diagnosis" not in (tmp_path / "store.db").read_bytes().decode("latin-1")
    assert found == encrypted
    with hook.get_conn() as store:
        taken = store.results.take(["a"], identity, read=lambda value: value, until=now, now=now)
        assert taken.known == {"a": "a diagnosis"}


def test_a_key_that_is_none_encrypts_nothing(connection, tmp_path, fernet_key):
    fernet_key("{FERNET_KEY}")
    hook = connection("aiguard_default", conn_type="sqlite", host=str(tmp_path / "store.db"))
    assert hook.test_connection()[0]
