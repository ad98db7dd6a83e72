"""Claims beside the truth, joined by key where the rows are: what all evidence about being right is counted on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ColumnTypeError, ConfigurationError, TableKeyError
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.provenance import Companions, Provenance
from airflow_provider_aiguard.tables.columns import read_columns, rows_of, select_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_aiguard.core.table import Table
    from airflow_provider_aiguard.tables.columns import ColumnInfo

NUMBERS = frozenset({OutputType.INTEGER, OutputType.NUMBER, OutputType.DECIMAL})
"""Kinds that can be subtracted."""

_DISCRETE = frozenset({OutputType.BOOLEAN, OutputType.INTEGER, OutputType.TEXT})

_PARAMETER = re.compile(r"(?<![:\w\x5c]):(\w+)(?!:)")
"""A bind parameter, as SQLAlchemy's ``text()`` reads it."""


@dataclass(frozen=True, kw_only=True)
class TruthJoin:
    """Claims beside the truth. All expressions belong to ``pairs``.

    :param claims: the inferred rows: key, column, its provenance, and what else was asked for.
    :param rows: the rows of the truth: key, truth column, and what else was asked for.
    :param pairs: each claim once, with its truth, which is NULL while it has not arrived.
    :param guess: the inferred value, of a type that compares with ``truth``.
    :param truth: the true value.
    :param discrete: whether the values are classes: texts, integers or booleans.
    :param infos: the columns of both tables that were asked for: the claims' and the truth's.
    """

    claims: sa.Subquery
    rows: sa.Subquery
    pairs: sa.Join
    guess: sa.ColumnElement[Any]
    truth: sa.ColumnElement[Any]
    discrete: bool
    infos: tuple[Mapping[str, ColumnInfo], Mapping[str, ColumnInfo]]


def join_truth(
    connection: sa.Connection,
    table: Table,
    column: str,
    truth: Table,
    truth_column: str,
    *,
    also: Sequence[str] = (),
    truth_also: Sequence[str] = (),
) -> TruthJoin:
    """Join the inferred cells of a column with their truth. Reads the catalogue, and no rows.

    :param connection: where both tables are, in the caller's transaction.
    :param table: the rows with claims; needs a key.
    :param column: the AI-touched column.
    :param truth: the rows with the truth, at most one a key: :func:`refuse_repeated` is the caller's to call.
    :param truth_column: the column that holds the truth.
    :param also: further columns of ``table`` to have in ``claims``, such as its companions.
    :param truth_also: further columns of ``truth`` to have in ``rows``.
    :raises TableNotFoundError: if a table or a column does not exist.
    :raises ColumnTypeError: if inferred and true values are of different kinds.
    """
    provenance = Companions(column).provenance
    left_keys, right_keys = table.require_key(), truth.require_key()
    if len(left_keys) != len(right_keys):
        raise ConfigurationError(
            f"Table {table.full_name!r} has the key {left_keys!r}, its truth {truth.full_name!r} {right_keys!r}. They "
            "are joined by key: name as many columns."
        )
    left_infos = require(connection, table, (*left_keys, column, provenance, *also))
    right_infos = require(connection, truth, (*right_keys, truth_column, *truth_also))
    left = rows_of(table, left_infos.values()).subquery()
    right = rows_of(_apart(truth), right_infos.values()).subquery()
    is_inferred = sa.cast(left.c[provenance], sa.String) == Provenance.AI_INFERRED.value
    claims = sa.select(left).where(is_inferred).subquery()
    same_key = sa.and_(*(claims.c[a] == right.c[b] for a, b in zip(left_keys, right_keys, strict=True)))
    claim = claims.c[column], left_infos[column]
    guess, actual = comparable(claim, (right.c[truth_column], right_infos[truth_column]))
    return TruthJoin(
        claims=claims,
        rows=right,
        pairs=sa.outerjoin(claims, right, same_key),
        guess=guess,
        truth=actual,
        discrete=left_infos[column].kind in _DISCRETE,
        infos=(left_infos, right_infos),
    )


def refuse_repeated(truth: Table, *, pairs: int, inferred: int) -> None:
    """Refuse a truth that has several rows for one key: the join then has more rows than there are claims.

    :raises TableKeyError: if ``pairs`` is not ``inferred``.
    """
    if pairs > inferred:
        raise TableKeyError(
            f"Table {truth.full_name!r} has more than one row for the same key {truth.key_columns!r}. "
            "Narrow it with where=, or correct the key."
        )


def require(connection: sa.Connection, table: Table, columns: Iterable[str]) -> dict[str, ColumnInfo]:
    """Read the named columns of a table from the catalogue.

    :raises TableNotFoundError: if the table or one of them does not exist.
    """
    return select_columns(table, read_columns(connection, table), columns)


def count_if(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    """Count the rows that meet a condition; NULL over no rows."""
    return sa.func.sum(sa.case((condition, 1), else_=0))


def _apart(truth: Table) -> Table:
    """Rename the parameters of a table, so that those of another in the same statement are not taken for them."""
    if truth.where is None:
        return truth
    where = _PARAMETER.sub(lambda found: f":truth_{found[1]}", truth.where)
    return replace(truth, where=where, parameters={f"truth_{name}": value for name, value in truth.parameters.items()})


def comparable(
    guess: tuple[sa.ColumnElement[Any], ColumnInfo], truth: tuple[sa.ColumnElement[Any], ColumnInfo]
) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """Bring both values to one type, or refuse: databases differ in what they let through."""
    (first, claimed), (second, actual) = guess, truth
    kinds = {claimed.kind, actual.kind}
    if kinds == {OutputType.TEXT}:
        return sa.cast(first, sa.String), sa.cast(second, sa.String)
    if kinds == {OutputType.BOOLEAN, OutputType.INTEGER}:
        return _as_integer(first, claimed), _as_integer(second, actual)
    if len(kinds) > 1 and not kinds <= NUMBERS:
        raise ColumnTypeError(
            f"Column {claimed.name!r} is {claimed.type}, its truth {actual.name!r} is {actual.type}: they cannot be "
            "compared. Make a truth column of the same type."
        )
    return first, second


def _as_integer(column: sa.ColumnElement[Any], info: ColumnInfo) -> sa.ColumnElement[Any]:
    if info.kind is not OutputType.BOOLEAN:
        return column
    return sa.case((column.is_(sa.true()), 1), (column.is_(sa.false()), 0))
