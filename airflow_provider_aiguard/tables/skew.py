"""The same entities at training and at serving, compared cell by cell in one statement where the rows are."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import TableKeyError, TableNotFoundError
from airflow_provider_aiguard.core.skew import SkewEvidence
from airflow_provider_aiguard.tables.cells import HUGE
from airflow_provider_aiguard.tables.columns import read_columns, rows_of, select_columns
from airflow_provider_aiguard.tables.comparable import Comparable, comparable
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.schema import feature_columns
from airflow_provider_aiguard.tables.truth import NUMBERS, count_if

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_aiguard.core.table import Table
    from airflow_provider_aiguard.tables.kinds import ColumnInfo


def skew_evidence(
    connection: sa.Connection,
    table: Table,
    serving: Table,
    columns: Sequence[str] | None = None,
    *,
    tolerance: float = 0.0,
    absolute_tolerance: float = 0.0,
) -> SkewEvidence:
    """Join two tables by key and count where their columns differ.

    Texts, booleans, dates and timestamps must be equal, numbers within the tolerance. NULL equals NULL and differs from
    all else; NaN is a missing number, too.

    :param connection: where both tables are; the caller owns it.
    :param table: the rows the model was trained on; needs a key.
    :param serving: the rows it was asked about; its key columns pair with those of ``table`` in order.
    :param columns: columns to compare; those that both have, without key and companions, if ``None``.
    :param tolerance: share of the larger of two numbers by which they may differ.
    :param absolute_tolerance: or by how much.
    :raises TableNotFoundError: if a table or a column does not exist, or the two have no column in common.
    :raises TableKeyError: if a key is there twice on one side.
    """
    with transaction(connection):
        infos, other = read_columns(connection, table), read_columns(connection, serving)
        names = _names(table, serving, infos, other) if columns is None else list(dict.fromkeys(columns))
        left = select_columns(table, infos, (*table.require_key(), *names))
        right = select_columns(serving, other, (*serving.require_key(), *names))
        types = {n: (str(left[n].type), str(right[n].type)) for n in names if not _alike(left[n], right[n])}
        compared = [name for name in names if name not in types]
        sides = _named(rows_of(table, left.values())), _named(rows_of(serving, right.values()))
        cells = {name: _cells(sides, (left[name], right[name]), connection.dialect.name) for name in compared}
        differ = [_differ(*cells[name], left[name], (tolerance, absolute_tolerance)) for name in compared]
        found = connection.execute(_statement(sides, (table, serving), differ)).one()
    _refuse_repeated((table, serving), found[2:4])
    return SkewEvidence(
        table=table.full_name,
        serving=serving.full_name,
        rows=found[0],
        serving_rows=found[1],
        joined=found[4],
        mismatches={name: int(number or 0) for name, number in zip(compared, found[5:], strict=True)},
        types=types,
    )


def _named(rows: sa.Select[Any]) -> sa.CTE:
    # A name that no table has: in its own definition it would hide one.
    return rows.cte(f"aiguard_{uuid.uuid4().hex}")


def _names(table: Table, serving: Table, infos: Mapping[str, ColumnInfo], other: Mapping[str, ColumnInfo]) -> list[str]:
    both = [name for name in feature_columns(table, infos) if name in set(feature_columns(serving, other))]
    if not both:
        raise TableNotFoundError(
            f"Tables {table.full_name!r} and {serving.full_name!r} have no column in common beside their keys. "
            "Serve the features under the names they were trained with."
        )
    return both


def _alike(one: ColumnInfo, other: ColumnInfo) -> bool:
    return one.kind is other.kind or {one.kind, other.kind} <= NUMBERS


def _cells(
    sides: tuple[sa.CTE, sa.CTE], infos: tuple[ColumnInfo, ColumnInfo], dialect: str
) -> tuple[Comparable, Comparable]:
    name = infos[0].name
    return comparable(sides[0].c[name], infos[0], dialect), comparable(sides[1].c[name], infos[1], dialect)


def _differ(
    one: Comparable, other: Comparable, info: ColumnInfo, tolerances: tuple[float, float]
) -> sa.ColumnElement[bool]:
    """Condition that two cells differ: exactly one is missing, or the values are not equal.

    A value of another kind than the column's, which SQLite allows, differs from everything.
    """
    lone = sa.case((one.missing, 1), else_=0) != sa.case((other.missing, 1), else_=0)
    odd = [cell.mistyped for cell in (one, other) if cell.mistyped is not None]
    if info.kind not in NUMBERS or not any(tolerances):
        return sa.or_(lone, *odd, one.value != other.value)
    a, b = sa.cast(one.value, sa.Double), sa.cast(other.value, sa.Double)
    larger = sa.case((sa.func.abs(a) > sa.func.abs(b), sa.func.abs(a)), else_=sa.func.abs(b))
    share, least = (sa.literal(t, sa.Double) for t in tolerances)
    # Everything is within a share of infinity.
    beyond = larger > sa.literal(HUGE, sa.Double)
    far = sa.and_(sa.func.abs(a - b) > least, sa.func.abs(a - b) > share * larger)
    return sa.or_(lone, *odd, sa.and_(a != b, sa.or_(beyond, far)))


def _statement(
    sides: tuple[sa.CTE, sa.CTE], tables: tuple[Table, Table], differ: Sequence[sa.ColumnElement[bool]]
) -> sa.Select[Any]:
    keys = [[side.c[name] for name in table.require_key()] for side, table in zip(sides, tables, strict=True)]
    rows = [sa.select(sa.func.count()).select_from(side).scalar_subquery() for side in sides]
    repeated = [
        sa.select(sa.func.count())
        .select_from(sa.select(*columns).group_by(*columns).having(sa.func.count() > 1).subquery())
        .scalar_subquery()
        for columns in keys
    ]
    same = sa.and_(*(a == b for a, b in zip(*keys, strict=True)))
    joined = sa.join(*sides, same)
    return sa.select(*rows, *repeated, sa.func.count(), *(count_if(condition) for condition in differ)).select_from(
        joined
    )


def _refuse_repeated(tables: tuple[Table, Table], repeated: Sequence[int]) -> None:
    for table, number in zip(tables, repeated, strict=True):
        if number:
            raise TableKeyError(
                f"Table {table.full_name!r} has more than one row for {number} of its keys {table.key_columns!r}. "
                "Narrow it with where=, or correct the key."
            )
