"""A model behind an HTTP endpoint from an Airflow connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.models.http import HttpModel, Protocol

if TYPE_CHECKING:
    import pandas as pd

    from airflow_provider_aiguard.core.claims import Claims, Usage
    from airflow_provider_aiguard.core.run import ModelIdentity
    from airflow_provider_aiguard.models.concurrency import Pacing


class ConnectedHttpModel:
    """An :class:`~airflow_provider_aiguard.models.http.HttpModel` whose address and password are in a connection.

    The connection is read when the task runs. It is one of Airflow's HTTP connections: ``host`` (with or without
    ``https://``), ``schema`` (``http`` or ``https``), ``port``, ``login`` and ``password`` for basic authorisation, and
    headers in ``extra``. Its type does not matter.

    :param http_conn_id: the connection.
    :param endpoint: path on the server: of the endpoint (``json``), or what stands before ``/v2`` (``open_inference``).
    :param options: see :class:`~airflow_provider_aiguard.models.http.HttpModel`.
    """

    counts_tokens = HttpModel.counts_tokens

    def __init__(self, http_conn_id: str, *, endpoint: str = "", **options: Any) -> None:
        self.http_conn_id, self.endpoint, self.options = http_conn_id, endpoint, options
        self._model: HttpModel | None = None
        # Bad arguments are import errors of the DAG file. And it knows all that needs no address.
        self._unconnected = HttpModel("http://localhost", **options)

    @property
    def identity(self) -> ModelIdentity:
        """Name and version, and the hash of the address and of what is asked."""
        return self._made().identity

    @property
    def inputs(self) -> tuple[str, ...] | None:
        """The columns that are sent, if they are named."""
        return self._unconnected.inputs

    @property
    def at_once(self) -> int:
        """Rows that are asked about at the same time."""
        return self._unconnected.at_once

    def most_usage(self, chunk: pd.DataFrame) -> Usage:
        """Give the most that ``predict(chunk)`` can send."""
        return self._unconnected.most_usage(chunk)

    def sent(self, chunk: pd.DataFrame) -> Usage:
        """Give what ``predict(chunk)`` has sent so far."""
        return self._made().sent(chunk)

    def answered(self, chunk: pd.DataFrame) -> Claims | None:
        """Give the claims that ``predict(chunk)`` has made so far."""
        return self._made().answered(chunk)

    def predict(self, chunk: pd.DataFrame) -> Claims:
        """Ask about every row."""
        return self._made().predict(chunk)

    def close(self) -> None:
        """Close the connections."""
        if self._model is not None:
            self._model.close()

    def _made(self) -> HttpModel:
        if self._model is None:
            connection = BaseHook.get_connection(self.http_conn_id)
            if not connection.host:
                raise ConfigurationError(f"Connection {self.http_conn_id!r} has no host, so there is no model to ask.")
            base = connection.host if "://" in connection.host else f"{connection.schema or 'http'}://{connection.host}"
            port = f":{connection.port}" if connection.port else ""
            path = f"/{self.endpoint.lstrip('/')}" if self.endpoint else ""
            auth = (connection.login, connection.password or "") if connection.login else None
            headers = {str(name): str(value) for name, value in connection.extra_dejson.items()}
            url = f"{base.rstrip('/')}{port}{path}"
            self._model = HttpModel(url, auth=auth, headers=headers, **self.options)
        return self._model


def http_model(
    http_conn_id: str,
    *,
    model: str,
    outputs: Sequence[str] | Mapping[str, str],
    endpoint: str = "",
    confidences: Mapping[str, str] | None = None,
    features: Sequence[str] | None = None,
    protocol: Protocol = "open_inference",
    version: str | None = None,
    datatypes: Mapping[str, str] | None = None,
    batch_size: int = 100,
    pacing: Pacing | None = None,
) -> ConnectedHttpModel:
    """Make a model of an HTTP connection. The connection is read when the task runs.

    :param http_conn_id: an HTTP connection, see :class:`ConnectedHttpModel`.
    :param model: name of the model.
    :param outputs: output columns, or a mapping of output column to the name it has in the response.
    :param endpoint: path on the server.
    :param confidences: output column to the name of its confidence in the response.
    :param features: columns to send; by default all input columns.
    :param protocol: ``open_inference`` or ``json``.
    :param version: version of the model. Change it when the weights change.
    :param datatypes: ``open_inference`` datatype of a column, where the server wants another.
    :param batch_size: rows a request.
    :param pacing: how many requests at a time, how long, how often.
    """
    return ConnectedHttpModel(
        http_conn_id,
        endpoint=endpoint,
        model=model,
        outputs=outputs,
        confidences=confidences,
        features=features,
        protocol=protocol,
        version=version,
        datatypes=datatypes,
        batch_size=batch_size,
        pacing=pacing,
    )
