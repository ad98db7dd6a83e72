"""What a table looks like, and the rows of it that a :class:`~airflow_provider_aiguard.core.table.Table` means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ConfigurationError, TableNotFoundError
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.dialects.base import dialect_of
from airflow_provider_aiguard.tables.kinds import ColumnInfo, holds, output_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.sql.expression import TableClause

    from airflow_provider_aiguard.core.table import Table

__all__ = [
    "ColumnInfo",
    "condition",
    "holds",
    "key_is_unique",
    "output_type",
    "read_columns",
    "rows_of",
    "select_columns",
    "sql_table",
]


def read_columns(conn: sa.Connection, table: Table) -> dict[str, ColumnInfo]:
    """Read what columns a table has, by name and in table order.

    :raises TableNotFoundError: if there is no such table or view.
    """
    with transaction(conn):
        return dialect_of(conn).columns(conn, table)


def key_is_unique(conn: sa.Connection, table: Table) -> bool:
    """Whether the database itself keeps the key unique: a primary key, unique constraint or unique index on exactly it.

    :raises ConfigurationError: if the table was declared without ``key``.
    :raises TableNotFoundError: if there is no such table.
    """
    key = frozenset(table.require_key())
    with transaction(conn):
        dialect = dialect_of(conn)
        dialect.columns(conn, table)
        return key in dialect.unique_keys(conn, table)


def select_columns(table: Table, found: Mapping[str, ColumnInfo], names: Iterable[str]) -> dict[str, ColumnInfo]:
    """Pick the named columns, in the order named.

    :raises TableNotFoundError: if one of them does not exist.
    """
    wanted = list(dict.fromkeys(names))
    missing = [name for name in wanted if name not in found]
    if missing:
        raise TableNotFoundError(
            f"Table {table.full_name!r} has no column {', '.join(map(repr, missing))}. It has: {', '.join(found)}."
        )
    return {name: found[name] for name in wanted}


def sql_table(table: Table, columns: Iterable[ColumnInfo | str]) -> TableClause:
    """Make the table for SQLAlchemy Core expressions; columns given by name alone are untyped."""
    made = [sa.column(c) if isinstance(c, str) else sa.column(c.name, c.type) for c in columns]
    return sa.table(table.name, *made, schema=table.schema)


def condition(table: Table) -> sa.ColumnElement[bool]:
    """``where`` of the table as an expression, true for every row if it has none.

    Values reach the statement as bind parameters only; a list or tuple becomes the list of an ``IN``.

    :raises ConfigurationError: if ``where`` names a parameter without a value, or a value has no place in it.
    """
    if table.where is None:
        return sa.true()
    # The parentheses keep an OR of the author's from reaching what is added to it; the line break ends a comment.
    clause = sa.text(f"({table.where}\n)")
    expected = set(clause.compile().params)
    _check_parameters(table, expected)
    bound = [_parameter(name, table.parameters[name]) for name in sorted(expected)]
    return sa.type_coerce(clause.bindparams(*bound), sa.Boolean)


def rows_of(table: Table, columns: Iterable[ColumnInfo]) -> sa.Select[Any]:
    """Select of these columns of the rows that the table means; ``.subquery()`` it to aggregate."""
    clause = sql_table(table, columns)
    return sa.select(*clause.c).select_from(clause).where(condition(table))


def _check_parameters(table: Table, expected: set[str]) -> None:
    missing, unused = sorted(expected - set(table.parameters)), sorted(set(table.parameters) - expected)
    if missing:
        raise ConfigurationError(
            f"where={table.where!r} of table {table.full_name!r} uses parameter {', '.join(map(repr, missing))}, which "
            f"has no value. Add it: parameters={{{missing[0]!r}: ...}}. A colon that is no parameter is written '\\:'."
        )
    if unused:
        raise ConfigurationError(
            f"Table {table.full_name!r} has parameter {', '.join(map(repr, unused))}, but where={table.where!r} does "
            f"not use it. Write :{unused[0]} where the value belongs, or remove it."
        )


def _parameter(name: str, value: Any) -> sa.BindParameter[Any]:
    # Untyped: a template renders 1 as '1', and only an untyped parameter takes the type of the column it meets.
    if isinstance(value, list | tuple):
        return sa.bindparam(name, list(value), type_=sa.types.NullType(), expanding=True, unique=True)
    return sa.bindparam(name, value, type_=sa.types.NullType(), unique=True)
