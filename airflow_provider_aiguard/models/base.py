"""The contract every model adapter fulfils.

An adapter turns one chunk of rows into claims. It must not import Airflow, know a table or count money:
the engine holds money before it calls and settles after, the hooks build whatever a connection is needed for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from airflow_provider_aiguard.core.claims import Claims
from airflow_provider_aiguard.core.run import ModelIdentity

if TYPE_CHECKING:
    import pandas as pd


@runtime_checkable
class Model(Protocol):
    """Something that makes claims about rows.

    A model may be called from a fresh process for every task try, so it is built cheaply (in a DAG file)
    and loads what is heavy on first use.
    """

    @property
    def identity(self) -> ModelIdentity:
        """Which model, exactly. The fingerprint changes whenever the answers could."""

    def predict(self, chunk: pd.DataFrame) -> Claims:
        """Make claims about the rows of one chunk.

        A row that cannot be answered is a :class:`~airflow_provider_aiguard.core.claims.Failure` in
        ``Claims.failures``; an exception means that the whole chunk failed and fails the task.

        :param chunk: n rows of the input columns, index 0..n-1. NULLs are ``pandas.NA`` in nullable columns.
        """

    def close(self) -> None:
        """Let go of connections and files. Called once after the last chunk, also after an error."""
