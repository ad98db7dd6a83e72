"""What a profile asks of a value, in the words of each database.

The base is standard SQL with PostgreSQL's functions; a leaf overrides what its database calls otherwise. SQLite,
DuckDB and PostgreSQL run in the tests; of the others the compiled SQL is kept as snapshots.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.tables.cells import cell_of, is_nan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_aiguard.tables.kinds import ColumnInfo

LOWER, UPPER = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""The letters that have a case on every database: what else has one depends on its collation."""


class Expressions:
    """Expressions over one value."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect

    def prepare(self, conn: sa.Connection) -> None:
        """Give the connection what its database lacks."""

    def cell(self, x: sa.ColumnElement[Any], edges: Sequence[float]) -> sa.ColumnElement[int]:
        """Index of the cell that holds a double: how many edges are below it; one more than the last for NaN.

        :param x: a column named ``v``. Where it is NULL, so is the cell.
        """
        beyond = sa.literal_column(str(len(edges) + 1), sa.Integer)
        return sa.case((self.is_nan(x), beyond), (x.is_not(None), cell_of(x.key or "v", edges)))

    def is_nan(self, x: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Whether a double is NaN."""
        return is_nan(x, self.dialect)

    def chance(self, share: float) -> sa.ColumnElement[bool]:
        """Hold for a share of the rows, each drawn by itself."""
        return self.uniform() < sa.literal(share, sa.Double)

    def uniform(self) -> sa.ColumnElement[float]:
        """A number in [0, 1), another for each row."""
        return sa.func.random(type_=sa.Double)

    def text(self, value: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
        """A value as text that compares by code points."""
        return sa.cast(value, sa.String)

    def length(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
        """Characters of a text."""
        return sa.func.length(text, type_=sa.Integer)

    def digit(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
        """First hexadecimal digit of the MD5 of a text in UTF-8, lower case."""
        return sa.func.substr(sa.func.md5(text), 1, 1, type_=sa.String)

    def has_any(self, text: sa.ColumnElement[str], letters: str) -> sa.ColumnElement[bool]:
        """Whether a text holds one of :data:`LOWER` or of :data:`UPPER`."""
        return sa.func.translate(text, letters, "", type_=sa.String) != text

    def hour_of_week(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """24 times the weekday, Monday 0, plus the hour; NULL for an infinite time."""
        return (_part("isodow", time) - 1) * 24 + _part("hour", time)

    def seconds(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
        """Whole seconds since 1970."""
        return sa.cast(sa.func.floor(sa.extract("epoch", time)), sa.Double)

    def time(self, column: sa.ColumnElement[Any], info: ColumnInfo) -> sa.ColumnElement[Any]:
        """A date or timestamp as a timestamp without zone; one that has a zone in UTC."""
        return sa.func.timezone("UTC", column, type_=sa.DateTime) if info.zoned else sa.cast(column, sa.DateTime)


class PostgresExpressions(Expressions):
    """PostgreSQL."""

    def cell(self, x: sa.ColumnElement[Any], edges: Sequence[float]) -> sa.ColumnElement[int]:
        """By ``width_bucket``: a binary search in C. It counts the thresholds at or below a number, and all for NaN.

        So each is the double next above an edge, and the last is NaN.
        """
        thresholds = ",".join([*(repr(math.nextafter(edge, math.inf)) for edge in edges), "NaN"])
        array: sa.ColumnElement[Any] = sa.literal_column(f"'{{{thresholds}}}'::double precision[]")
        return sa.func.width_bucket(x, array, type_=sa.Integer)

    def text(self, value: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
        """In the collation C: another has an order, and with it a first and last value, of its own."""
        return sa.collate(sa.cast(value, sa.Text), "C")

    def hour_of_week(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """As the base, but the parts of an infinite time are NULL or infinite: PostgreSQL cannot cast the latter."""
        return sa.case((sa.func.isfinite(time), super().hour_of_week(time)))

    def seconds(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
        """As the base, NULL for an infinite time."""
        return sa.case((sa.func.isfinite(time), super().seconds(time)))


class DuckDBExpressions(Expressions):
    """DuckDB."""

    def hour_of_week(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """As the base, NULL for an infinite time."""
        return sa.case((sa.func.isfinite(time), super().hour_of_week(time)))

    def seconds(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
        """As the base, NULL for an infinite time."""
        return sa.case((sa.func.isfinite(time), super().seconds(time)))


class SQLiteExpressions(Expressions):
    """SQLite, which keeps times as text."""

    def prepare(self, conn: sa.Connection) -> None:
        """Register ``md5``."""
        database: Any = conn.connection.dbapi_connection
        database.create_function("md5", 1, _md5, deterministic=True)

    def uniform(self) -> sa.ColumnElement[float]:
        """From a signed integer of 64 bits."""
        return sa.func.random(type_=sa.Double) / sa.literal_column(repr(2.0**64), sa.Double) + 0.5

    def has_any(self, text: sa.ColumnElement[str], letters: str) -> sa.ColumnElement[bool]:
        """By ``GLOB``, whose ranges are of code points."""
        return text.bool_op("GLOB")(sa.literal(f"*[{letters[0]}-{letters[-1]}]*", sa.String))

    def hour_of_week(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """By ``strftime``, Sunday 0; NULL for a text that is no time."""
        day, hour = (sa.cast(sa.func.strftime(part, time), sa.Integer) for part in ("%w", "%H"))
        return (day + 6) % 7 * 24 + hour

    def seconds(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
        """By ``strftime``."""
        return sa.cast(sa.func.strftime("%s", time), sa.Double)

    def time(self, column: sa.ColumnElement[Any], info: ColumnInfo) -> sa.ColumnElement[Any]:  # noqa: ARG002
        """As it is: ``strftime`` reads an offset."""
        return sa.type_coerce(column, sa.String)


class MySQLExpressions(Expressions):
    """MySQL and MariaDB."""

    def uniform(self) -> sa.ColumnElement[float]:
        """``rand()``."""
        return sa.func.rand(type_=sa.Double)

    def text(self, value: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
        """In a binary collation: the default one takes 'a' for 'A'."""
        return sa.collate(sa.cast(value, sa.CHAR), "utf8mb4_bin")

    def length(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
        """``length`` would count bytes."""
        return sa.func.char_length(text, type_=sa.Integer)

    def has_any(self, text: sa.ColumnElement[str], letters: str) -> sa.ColumnElement[bool]:
        """By a regular expression that minds the case."""
        return sa.func.regexp_like(text, f"[{letters[0]}-{letters[-1]}]", "c", type_=sa.Boolean)

    def hour_of_week(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """``weekday`` starts at Monday with 0."""
        return sa.func.weekday(time, type_=sa.Integer) * 24 + sa.func.hour(time, type_=sa.Integer)

    def seconds(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
        """``unix_timestamp`` would convert from the session's zone."""
        epoch: sa.ColumnElement[Any] = sa.literal_column("'1970-01-01'")
        return sa.cast(sa.func.timestampdiff(sa.text("SECOND"), epoch, time), sa.Double)

    def time(self, column: sa.ColumnElement[Any], info: ColumnInfo) -> sa.ColumnElement[Any]:  # noqa: ARG002
        """As it is."""
        return column


class BigQueryExpressions(Expressions):
    """BigQuery."""

    def uniform(self) -> sa.ColumnElement[float]:
        """``rand()``."""
        return sa.func.rand(type_=sa.Double)

    def digit(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
        """Its ``md5`` makes bytes."""
        return sa.func.substr(sa.func.to_hex(sa.func.md5(text)), 1, 1, type_=sa.String)

    def hour_of_week(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """Its weeks start on Sunday with 1."""
        return sa.func.mod(_part("dayofweek", time) + 5, 7, type_=sa.Integer) * 24 + _part("hour", time)

    def seconds(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
        """By ``unix_seconds``."""
        return sa.cast(sa.func.unix_seconds(time), sa.Double)

    def time(self, column: sa.ColumnElement[Any], info: ColumnInfo) -> sa.ColumnElement[Any]:  # noqa: ARG002
        """As a timestamp, whose parts are in UTC."""
        return sa.cast(column, sa.TIMESTAMP)


class SnowflakeExpressions(Expressions):
    """Snowflake."""

    def uniform(self) -> sa.ColumnElement[float]:
        """``uniform`` of a generator."""
        zero, one = (sa.literal_column(f"{bound}::float", sa.Double) for bound in (0, 1))
        return sa.func.uniform(zero, one, sa.func.random(), type_=sa.Double)

    def hour_of_week(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """By ``dayofweekiso``."""
        return (sa.func.dayofweekiso(time, type_=sa.Integer) - 1) * 24 + sa.func.hour(time, type_=sa.Integer)

    def seconds(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
        """By ``date_part``."""
        return sa.cast(sa.func.date_part("epoch_second", time), sa.Double)

    def time(self, column: sa.ColumnElement[Any], info: ColumnInfo) -> sa.ColumnElement[Any]:
        """Through ``convert_timezone``."""
        return sa.func.convert_timezone("UTC", column) if info.zoned else sa.cast(column, sa.TIMESTAMP)


class TrinoExpressions(Expressions):
    """Trino."""

    def digit(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
        """Its ``md5`` takes and makes bytes, and its ``to_hex`` writes capitals."""
        written = sa.func.lower(sa.func.to_hex(sa.func.md5(sa.func.to_utf8(text))))
        return sa.func.substr(written, 1, 1, type_=sa.String)

    def hour_of_week(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """By ``day_of_week``, Monday 1."""
        return (sa.func.day_of_week(time, type_=sa.Integer) - 1) * 24 + sa.func.hour(time, type_=sa.Integer)

    def seconds(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
        """By ``to_unixtime``, which takes a timestamp without zone for UTC."""
        return sa.func.floor(sa.func.to_unixtime(time), type_=sa.Double)

    def time(self, column: sa.ColumnElement[Any], info: ColumnInfo) -> sa.ColumnElement[Any]:
        """By ``at_timezone``."""
        return sa.func.at_timezone(column, "UTC") if info.zoned else sa.cast(column, sa.TIMESTAMP)


class SparkExpressions(Expressions):
    """Spark SQL and Databricks. Their timestamps are read in the zone of the session: set it to UTC."""

    def uniform(self) -> sa.ColumnElement[float]:
        """``rand()``."""
        return sa.func.rand(type_=sa.Double)

    def hour_of_week(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """``weekday`` starts at Monday with 0."""
        return sa.func.weekday(time, type_=sa.Integer) * 24 + sa.func.hour(time, type_=sa.Integer)

    def seconds(self, time: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
        """By ``unix_timestamp``."""
        return sa.cast(sa.func.unix_timestamp(time), sa.Double)

    def time(self, column: sa.ColumnElement[Any], info: ColumnInfo) -> sa.ColumnElement[Any]:  # noqa: ARG002
        """As a timestamp."""
        return sa.cast(column, sa.TIMESTAMP)


_LEAVES: dict[str, type[Expressions]] = {
    "postgresql": PostgresExpressions,
    "duckdb": DuckDBExpressions,
    "sqlite": SQLiteExpressions,
    "mysql": MySQLExpressions,
    "mariadb": MySQLExpressions,
    "bigquery": BigQueryExpressions,
    "snowflake": SnowflakeExpressions,
    "trino": TrinoExpressions,
    "databricks": SparkExpressions,
    "spark": SparkExpressions,
    "hive": SparkExpressions,
}


def expressions_of(dialect: str) -> Expressions:
    """Find the words of a database by the name of its dialect, standard ones if there are no others.

    >>> type(expressions_of("mysql")).__name__
    'MySQLExpressions'
    """
    return _LEAVES.get(dialect, Expressions)(dialect)


def _part(name: str, time: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.cast(sa.extract(name, time), sa.Integer)


def _md5(text: str | None) -> str | None:
    return None if text is None else hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
