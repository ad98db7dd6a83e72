"""Cells as values that compare the same way in every database: NaN is a missing number, and a time is a moment."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.tables.cells import is_nan
from airflow_provider_aiguard.tables.dialects.sqlite import ExactDecimal

if TYPE_CHECKING:
    from airflow_provider_aiguard.tables.kinds import ColumnInfo

_MOMENT = "%Y-%m-%d %H:%M:%f"
"""A time in SQLite, where times are text: always UTC and with milliseconds, so that text order is time order."""

_STORED = {
    OutputType.BOOLEAN: ("integer",),
    OutputType.INTEGER: ("integer",),
    OutputType.NUMBER: ("integer", "real"),
    OutputType.DECIMAL: ("integer", "real"),
    OutputType.TEXT: ("text",),
    OutputType.DATE: ("text",),
    OutputType.TIMESTAMP: ("text",),
}
"""What SQLite, which lets any value into any column, stores values of a kind as."""


@dataclass(frozen=True)
class Comparable:
    """One column in expressions.

    :param value: the cell as a value that compares; NULL if it is missing or none of the column's kind.
    :param missing: whether the cell is NULL or NaN.
    :param mistyped: whether it holds a value that is none of the column's kind; ``None`` where the database sees to it.
    """

    value: sa.ColumnElement[Any]
    missing: sa.ColumnElement[bool]
    mistyped: sa.ColumnElement[bool] | None = None


def comparable(column: sa.ColumnElement[Any], info: ColumnInfo, dialect: str) -> Comparable:
    """Make the expressions of a column.

    :param column: the column.
    :param info: how the database declares it.
    :param dialect: name of the dialect.
    """
    if dialect == "sqlite" and info.kind is not None:
        return _in_sqlite(column, info)
    missing = column.is_(None)
    if info.kind is OutputType.NUMBER:
        nan = is_nan(column, dialect)
        return Comparable(sa.case((nan, sa.null()), else_=column), sa.or_(missing, nan))
    # An enumeration is a text in all but its functions.
    return Comparable(sa.cast(column, sa.Text) if info.kind is OutputType.TEXT else column, missing)


def bound(value: float | str, info: ColumnInfo, dialect: str) -> sa.ColumnElement[Any]:
    """Make a number, or a date or timestamp in ISO 8601, a bind parameter that compares with a column's values.

    :param value: the number or the text. A timestamp without zone is taken for UTC.
    :param info: the column.
    :param dialect: name of the dialect.
    """
    if not isinstance(value, str):
        return sa.literal(value, sa.BigInteger if isinstance(value, int) and abs(value) < 2**63 else sa.Double)
    moment = dt.datetime.fromisoformat(value)
    moment = moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
    if dialect == "sqlite":
        return sa.literal(f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}", sa.Text)
    if info.kind is OutputType.DATE:
        return sa.literal(moment.date(), sa.Date)
    return sa.literal(moment if info.zoned else moment.replace(tzinfo=None), sa.DateTime(timezone=info.zoned))


def _in_sqlite(column: sa.ColumnElement[Any], info: ColumnInfo) -> Comparable:
    kind = info.kind or OutputType.TEXT
    raw: sa.ColumnElement[Any] = sa.type_coerce(column, sa.types.NullType())
    missing = raw.is_(None)
    if isinstance(info.type, ExactDecimal):
        return Comparable(sa.cast(raw, sa.Double), missing)
    fits: sa.ColumnElement[bool] = sa.func.typeof(raw).in_(_STORED[kind])
    value = raw
    if kind in {OutputType.DATE, OutputType.TIMESTAMP}:
        value = sa.func.strftime(_MOMENT, raw)
        fits = sa.and_(fits, value.is_not(None))
    return Comparable(sa.case((fits, value)), missing, sa.and_(raw.is_not(None), sa.not_(fits)))
