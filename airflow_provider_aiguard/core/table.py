"""A table: the name of some rows, anywhere an Airflow SQL connection reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from airflow_provider_aiguard.core.errors import ConfigurationError


@dataclass(frozen=True)
class Table:
    """Rows in a database: a table, optionally narrowed by ``where``.

    :param name: table name, unquoted. The dialect quotes it.
    :param conn_id: Airflow connection that reaches it. ``None`` leaves the choice to the operator.
    :param schema: schema of the table; the connection's default if ``None``.
    :param key: the column, or columns, that identify a row. Needed to write to or join the table.
    :param where: SQL condition with bind parameters (``"month = :month"``). It is SQL: never put a
        value from outside into it, use ``parameters``.
    :param parameters: values of the bind parameters; the only way for outside values to get in.
    """

    name: str
    conn_id: str | None = None
    schema: str | None = None
    key: str | tuple[str, ...] | None = None
    where: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigurationError(f"Table name must be a non-empty string; got {self.name!r}.")
        if self.key is not None:
            columns = _key_columns(self.key)
            object.__setattr__(self, "key", self.key if isinstance(self.key, str) else columns)
        if self.parameters and not self.where:
            raise ConfigurationError(
                f"Table {self.name!r} has parameters {sorted(self.parameters)!r} but no where= that uses them. "
                "Add where=, for example where='month = :month'."
            )

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The key as a tuple, empty if none was given."""
        if self.key is None:
            return ()
        return (self.key,) if isinstance(self.key, str) else tuple(self.key)

    @property
    def full_name(self) -> str:
        """``schema.name`` or ``name``: for messages and lineage, never for SQL."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def require_key(self) -> tuple[str, ...]:
        """Return the key columns.

        :raises ConfigurationError: if the table was declared without ``key``.
        """
        if not self.key_columns:
            raise ConfigurationError(
                f"Table {self.full_name!r} needs a key: name the column(s) that identify a row, "
                f"Table({self.name!r}, key='id')."
            )
        return self.key_columns

    def require_joinable(self, truth: Table) -> None:
        """Return if the truth can be joined by key, where this table is.

        :raises ConfigurationError: if it is on another connection, or if a key is missing or another one.
        """
        if truth.conn_id != self.conn_id:
            raise ConfigurationError(
                f"Truth is joined where the rows are, but table is on conn_id {self.conn_id!r} and truth on "
                f"{truth.conn_id!r}. Copy the truth beside the claims, or reach both by one connection."
            )
        if truth.require_key() != self.require_key():
            raise ConfigurationError(
                f"table has key {self.key_columns!r}, truth has {truth.key_columns!r}; they are joined by key, so name "
                "the same columns."
            )

    def is_same_table(self, other: Table) -> bool:
        """Whether both name one physical table, whatever rows they select."""
        return (self.name, self.schema, self.conn_id) == (other.name, other.schema, other.conn_id)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        data = asdict(self)
        data["key"] = list(self.key) if isinstance(self.key, tuple) else self.key
        data["parameters"] = dict(self.parameters)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Table:
        """The inverse of :meth:`to_dict`."""
        key = data.get("key")
        return cls(**{**data, "key": tuple(key) if isinstance(key, list) else key})


def _key_columns(key: str | Sequence[str]) -> tuple[str, ...]:
    columns = (key,) if isinstance(key, str) else tuple(key) if isinstance(key, Iterable) else ()
    if not columns or not all(isinstance(name, str) and name for name in columns):
        raise ConfigurationError(f"A table key is a column name or a sequence of them; got {key!r}.")
    if len(set(columns)) != len(columns):
        raise ConfigurationError(f"Table key {columns!r} repeats a column.")
    return columns
