"""The store: AI Guard's own memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

from airflow_provider_aiguard.store.budgets import Budgets
from airflow_provider_aiguard.store.database import Database, open_database
from airflow_provider_aiguard.store.deliveries import Deliveries
from airflow_provider_aiguard.store.graph import Graph
from airflow_provider_aiguard.store.ledger import Ledger
from airflow_provider_aiguard.store.measurements import Measurements
from airflow_provider_aiguard.store.notes import Notes
from airflow_provider_aiguard.store.outbox import Outbox
from airflow_provider_aiguard.store.profiles import Profiles
from airflow_provider_aiguard.store.results import Cipher, Results
from airflow_provider_aiguard.store.revision import ensure_current
from airflow_provider_aiguard.store.runs import Runs
from airflow_provider_aiguard.store.verdicts import Verdicts

if TYPE_CHECKING:
    from types import TracebackType

    from sqlalchemy import URL, Engine


class Store:
    """What happened, in one SQL database. Made by :func:`open_store`; also a context manager that closes itself.

    Every method is one transaction. Every method raises :class:`StoreUnavailableError` if the database does not answer.
    """

    runs: Runs
    """Runs of AI steps and their rejects."""
    verdicts: Verdicts
    """What guards said."""
    profiles: Profiles
    """Named profiles."""
    measurements: Measurements
    """Numbers that runs left behind, by series."""
    ledger: Ledger
    """Money: budgets and holds."""
    budgets: Budgets
    """Budgets for the person on call: limits set in the store, windows, open holds."""
    results: Results
    """Results of inference by work key."""
    outbox: Outbox
    """Events of lineage."""
    graph: Graph
    """What came from what, as lineage events say."""
    notes: Notes
    """What lineage events say of datasets, for later ones that do not."""

    def __init__(self, database: Database, cipher: Cipher | None = None) -> None:
        self._database = database
        self.runs = Runs(database)
        self.verdicts = Verdicts(database)
        self.profiles = Profiles(database)
        self.measurements = Measurements(database)
        self.ledger = Ledger(database)
        self.budgets = Budgets(database)
        self.results = Results(database, cipher)
        self.outbox = Outbox(database)
        self.graph = Graph(database)
        self.notes = Notes(database)

    def __repr__(self) -> str:
        return f"Store({str(self._database)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def deliveries(self, backend: str) -> Deliveries:
        """Give what a backend was told about events of lineage, and is still to be told.

        :param backend: its name, which is its URL.
        """
        return Deliveries(self._database, backend)

    def close(self) -> None:
        """Close its connections. A closed store opens new ones when it is used again."""
        self._database.close()


def open_store(url: str | URL | Engine, *, cipher: Cipher | None = None, patience: float = math.inf) -> Store:
    """Open the store, making or upgrading its tables if they are not current.

    :param url: SQLAlchemy URL of a SQLite file (made if missing, with its folder; WAL) or of a PostgreSQL database.
        An Engine for PostgreSQL is used as it is and stays the caller's; one for SQLite only says which file.
    :param cipher: encrypts results of inference, such as a Fernet. Without it they are stored as they are.
    :param patience: most seconds that work is tried again for while the database is busy or away.
    :raises ConfigurationError: if the URL is neither, or its driver is not installed.
    :raises StoreUnavailableError: if the database does not answer, or was upgraded by a newer version of this package.
    """
    database = open_database(url, patience=patience)
    try:
        ensure_current(database)
    except BaseException:
        database.close()
        raise
    return Store(database, cipher)
