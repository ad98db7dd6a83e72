"""Every error AI Guard raises, in one tree.

::

    AIGuardError
    ├── ConfigurationError (ValueError)   an argument is wrong; a retry cannot help
    ├── TableError                        where rows live
    │   ├── TableNotFoundError            the table or a column of it does not exist; a retry can help
    │   ├── EmptyTableError               there are no rows to learn from; a retry can help
    │   ├── TableKeyError                 the key is NULL, repeated, or not unique; a retry cannot help
    │   ├── ColumnTypeError               a column's type cannot hold the claim; a retry cannot help
    │   └── TableBusyError                another process holds the database; a retry can help
    ├── ModelError                        who makes claims
    │   ├── ModelIntegrityError           the model file is not the pinned one; a retry cannot help
    │   ├── ModelUnavailableError         the provider is away; a retry can help
    │   ├── InvalidClaimError             a claim breaks its declared type or range; a retry cannot help
    │   └── RejectShareError              too many rows were rejected; a retry can help, and pays the model again
    ├── BudgetError                       money; a retry cannot help
    │   ├── BudgetExceededError           the hold was refused before the money was spent
    │   └── PriceUnknownError             a budget is set, but nobody declared a price
    ├── StoreError                        what happened
    │   ├── StoreUnavailableError         the store cannot be reached or upgraded; a retry can help
    │   └── NotRecordedError              nothing under that name is in the store
    └── LineageError                      what a lineage backend is told; never fails a task
        ├── MarquezUnavailableError       Marquez does not answer; a retry can help
        └── MarquezRefusedError           Marquez says no; a retry cannot help

Every message says what is wrong with which value, the rule, and the remedy.
"""

from __future__ import annotations


class AIGuardError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigurationError(AIGuardError, ValueError):
    """An argument is wrong. A retry cannot help."""


class TableError(AIGuardError):
    """Something about the rows' table. See the subclasses."""


class TableNotFoundError(TableError):
    """The table, or a column that was asked for, does not exist."""


class EmptyTableError(TableError):
    """There are no rows to learn a baseline from. Nothing was stored."""


class TableKeyError(TableError):
    """The key columns do not identify rows: NULL, repeated, or without a unique constraint."""


class ColumnTypeError(TableError):
    """A column exists, but its type cannot hold what would be written."""


class TableBusyError(TableError):
    """Another process holds the database (DuckDB has one writer). A retry can help."""


class ModelError(AIGuardError):
    """Something about the model or what it answered. See the subclasses."""


class ModelIntegrityError(ModelError):
    """The bytes of a model file do not have the pinned sha256. Nothing was loaded."""


class ModelUnavailableError(ModelError):
    """The provider of a model is away or refuses to be called now. Earlier chunks are written. A retry can help."""


class InvalidClaimError(ModelError):
    """A claim breaks its declared type, range or length. Nothing of its chunk was written."""


class RejectShareError(ModelError):
    """More rows were rejected than allowed. The good rows are written and labelled."""


class BudgetError(AIGuardError):
    """Something about money. See the subclasses."""


class BudgetExceededError(BudgetError):
    """A hold was refused before anything was spent. Final: retrying cannot help."""


class PriceUnknownError(BudgetError):
    """A budget is set and no price is declared: spending cannot be bounded, so it is refused."""


class StoreError(AIGuardError):
    """Something about AI Guard's own store. See the subclasses."""


class StoreUnavailableError(StoreError):
    """The store cannot be reached, or its schema cannot be upgraded. A retry can help."""


class NotRecordedError(StoreError):
    """The store holds nothing under that name."""


class LineageError(AIGuardError):
    """Something about what a lineage backend is told. It never fails a task. See the subclasses."""


class MarquezUnavailableError(LineageError):
    """Marquez does not answer, or not with JSON. Nothing is lost. A retry can help."""


class MarquezRefusedError(LineageError):
    """Marquez says no to a request (HTTP 4xx). A retry cannot help."""
