"""The ``aiguard`` connection type: where AI Guard keeps its own store."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

from airflow_provider_aiguard.core.errors import AIGuardError, ConfigurationError, StoreUnavailableError

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.results import Cipher
    from airflow_provider_aiguard.store.store import Store

log = logging.getLogger(__name__)

DEFAULT_CONN_ID = "aiguard_default"


class AIGuardHook(BaseHook):
    """Opens the store.

    The connection may be of type ``aiguard`` with a SQLAlchemy URL in extra ``url``, or of type ``postgres`` or
    ``sqlite``. While ``aiguard_default`` does not exist, the store is an SQLite file under ``AIRFLOW_HOME``.

    :param aiguard_conn_id: connection of the store.
    """

    conn_name_attr = "aiguard_conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = "aiguard"
    hook_name = "AI Guard"

    def __init__(self, aiguard_conn_id: str = DEFAULT_CONN_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.aiguard_conn_id = aiguard_conn_id

    def get_url(self) -> str:
        """SQLAlchemy URL of the store.

        :raises ConfigurationError: if the connection cannot be a store.
        :raises StoreUnavailableError: if nobody could tell whether there is a connection.
        """
        connection: Any
        try:
            connection = self.get_connection(self.aiguard_conn_id)
        except AirflowNotFoundException:
            if self.aiguard_conn_id != DEFAULT_CONN_ID:
                raise
            connection = _sought(self.aiguard_conn_id)
        if connection is None:
            from airflow_provider_aiguard.store.location import embedded_url

            return embedded_url()
        if connection.conn_type == self.conn_type:
            url = connection.extra_dejson.get("url")
            if not url:
                raise ConfigurationError(
                    f"Connection {self.aiguard_conn_id!r} has no extra 'url'. "
                    "Set it to a SQLAlchemy URL, such as postgresql+psycopg://user:password@host/aiguard."
                )
            return str(url)
        if connection.conn_type not in {"postgres", "sqlite"}:
            raise ConfigurationError(
                f"Connection {self.aiguard_conn_id!r} is of type {connection.conn_type!r}; a store is of type "
                "'aiguard', 'postgres' or 'sqlite'."
            )
        return sqlalchemy_url(connection.get_hook())

    def get_conn(self) -> Store:
        """Open the store, upgrading its schema on first use."""
        from airflow_provider_aiguard.store.store import open_store

        return open_store(self.get_url(), cipher=_cipher())

    def test_connection(self) -> tuple[bool, str]:
        """Open the store and say where it is."""
        try:
            self.get_conn().close()
        except (AIGuardError, AirflowNotFoundException, ImportError) as error:
            return False, str(error)
        return True, "The store is reachable and its schema is current."


def _sought(conn_id: str) -> Any:
    """Look for a connection once more: Airflow says that there is none also where a secrets backend failed.

    In a store of its own every budget would begin again at nothing.

    :return: ``None`` if there really is none.
    :raises StoreUnavailableError: if a backend could not tell.
    """
    from airflow.sdk.execution_time.supervisor import ensure_secrets_backend_loaded

    try:
        for backend in ensure_secrets_backend_loaded():
            if (found := backend.get_connection(conn_id=conn_id)) is not None:
                return found
            _require_answer(backend, conn_id)
    except Exception as error:
        # Its words may hold a password.
        raise StoreUnavailableError(
            f"Airflow could not look up connection {conn_id!r} ({type(error).__name__}), so nobody knows where the AI "
            "Guard store is. Nothing is spent or published without it. Check the secrets backend and the API server, "
            "then retry."
        ) from None
    return None


def _require_answer(backend: Any, conn_id: str) -> None:
    """Ask the API server for its reason: its backend gives ``None`` for "there is none" and for "I do not know"."""
    from airflow.sdk.exceptions import ErrorType
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import ErrorResponse, GetConnection
    from airflow.sdk.execution_time.secrets.execution_api import ExecutionAPISecretsBackend

    if not isinstance(backend, ExecutionAPISecretsBackend):
        return
    answer = task_runner.SUPERVISOR_COMMS.send(GetConnection(conn_id=conn_id))
    if not isinstance(answer, ErrorResponse) or answer.error != ErrorType.CONNECTION_NOT_FOUND:
        raise LookupError(conn_id)


@cache
def _cipher() -> Cipher | None:
    """Airflow's Fernet, which encrypts its connections too; ``None`` where it has no key."""
    from airflow.sdk.crypto import get_fernet

    try:
        fernet = get_fernet()
    except AirflowException:
        # Also what Airflow 3.3 says where nobody set a key: its task SDK reads the template of the default.
        log.warning(
            "Airflow has no usable Fernet key, so results of inference are stored as they are. Set "
            "AIRFLOW__CORE__FERNET_KEY to encrypt them, or store_results=False to store none."
        )
        return None
    return fernet if fernet.is_encrypted else None


def sqlalchemy_url(hook: Any) -> str:
    """SQLAlchemy URL of any DbApiHook."""
    try:
        url = hook.sqlalchemy_url
    except NotImplementedError:
        return str(hook.get_uri())
    if (url.host or "").startswith("/"):
        # The folder of a socket: as a host it would not survive being text.
        url = url.update_query_dict({"host": url.host}).set(host="")
    return str(url.render_as_string(hide_password=False))
