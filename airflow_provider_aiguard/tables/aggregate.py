"""One number of a column, by SQL."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.alignment import Aggregate
from airflow_provider_aiguard.core.errors import ColumnTypeError, ConfigurationError
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.tables.columns import rows_of
from airflow_provider_aiguard.tables.comparable import comparable
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.truth import NUMBERS, require

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_aiguard.core.table import Table


def aggregate_column(connection: sa.Connection, table: Table, column: str, aggregate: Aggregate) -> float | None:
    """Make one number of the cells that are not NULL.

    :param connection: where the table is; the caller owns it.
    :param table: the rows.
    :param column: the column.
    :param aggregate: what to make of it.
    :return: ``None`` if it is no finite number, or all cells are NULL or there are no rows; a count is 0 then.
    :raises TableNotFoundError: if the table or the column does not exist.
    :raises ColumnTypeError: if the column is of no type that has such a number.
    """
    with transaction(connection):
        infos = require(connection, table, [column])
        rows = rows_of(table, infos.values()).subquery()
        wanted = {OutputType.BOOLEAN} if aggregate is Aggregate.SHARE_TRUE else NUMBERS
        if aggregate is not Aggregate.COUNT and infos[column].kind not in wanted:
            raise ColumnTypeError(
                f"Column {column!r} is of type {infos[column].type}, which has no {aggregate}: share_true is of "
                "booleans, mean and sum are of numbers, count is of all."
            )
        cell = comparable(rows.c[column], infos[column], connection.dialect.name)
        found = connection.execute(sa.select(_number(cell.value, aggregate)).select_from(rows)).scalar_one()
    return _finite(found)


def _finite(value: Any) -> float | None:
    """One NaN among the numbers of a series would leave nothing to correlate."""
    return None if value is None or not math.isfinite(value) else float(value)


def _number(value: sa.ColumnElement[Any], aggregate: Aggregate) -> sa.ColumnElement[Any]:
    if aggregate is Aggregate.COUNT:
        return sa.func.count(value)
    if aggregate is Aggregate.SHARE_TRUE:
        # `value = true` would be refused by SQLite's older grammar, `value IS TRUE` calls NULL false.
        value = sa.case((value.is_(None), sa.null()), (sa.type_coerce(value, sa.Boolean), 1.0), else_=0.0)
    number = sa.cast(value, sa.Double)
    return sa.func.sum(number) if aggregate is Aggregate.SUM else sa.func.avg(number)


def query_number(connection: sa.Connection, query: str, parameters: Mapping[str, Any]) -> float | None:
    """Run a query of the author's that gives one number.

    :param connection: where it runs; the caller owns it.
    :param query: SQL, with bind parameters such as ``:day``.
    :param parameters: their values: the only way for outside values to get in.
    :return: ``None`` if it gives NULL, NaN or infinity, or no row.
    :raises ConfigurationError: if a parameter has no value, or it gives several rows or columns or no number.
    """
    clause = sa.text(query)
    missing = sorted(set(clause.compile().params) - set(parameters))
    if missing:
        raise ConfigurationError(
            f"The KPI query uses parameter {missing[0]!r}, which has no value. Add it: "
            f"kpi_parameters={{{missing[0]!r}: ...}}. A colon that is no parameter is written '\\:'."
        )
    with transaction(connection):
        rows = connection.execute(clause, {n: parameters[n] for n in clause.compile().params}).fetchmany(2)
    if not rows:
        return None
    if len(rows) > 1 or len(rows[0]) != 1:
        raise ConfigurationError(
            f"The KPI query gives {len(rows[0])} columns and {'several rows' if rows[1:] else '1 row'}"
            "; it must give one number."
        )
    value = rows[0][0]
    try:
        return None if value is None else _finite(float(value))
    except (TypeError, ValueError):
        raise ConfigurationError(f"The KPI query gives a {type(value).__name__}; it must give one number.") from None
