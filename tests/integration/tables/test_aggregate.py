"""One number of a column, and one number of a query, on three engines."""

from __future__ import annotations

import math

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.alignment import Aggregate
from airflow_provider_aiguard.core.errors import ColumnTypeError, ConfigurationError, TableNotFoundError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.aggregate import aggregate_column, query_number

KINDS = {
    "id": sa.Integer(),
    "x": sa.Double(),
    'h"i; --': sa.Integer(),
    "b": sa.Boolean(),
    "s": sa.Text(),
    "d": sa.Numeric(9, 2),
}
ROWS = [
    (1, 1.5, 1, True, "a", 2),
    (2, 2.5, 2, False, None, 3),
    (3, None, 3, None, "c", None),
    (4, 5.0, 4, True, "d", 4),
]


@pytest.fixture
def conn(engine):
    table = sa.Table("t", sa.MetaData(), *(sa.Column(n, k) for n, k in KINDS.items()))
    with engine.begin() as writing:
        table.create(writing)
        writing.execute(sa.insert(table).values([dict(zip(KINDS, row, strict=True)) for row in ROWS]))
    with engine.connect() as reading:
        yield reading


@pytest.mark.parametrize(
    ("column", "aggregate", "number"),
    [
        ("x", "mean", 3.0),
        ("x", "sum", 9.0),
        ("x", "count", 3.0),
        ('h"i; --', "mean", 2.5),
        ("d", "sum", 9.0),
        ("b", "share_true", 2 / 3),
        ("b", "count", 3.0),
        ("s", "count", 3.0),
    ],
)
def test_numbers(conn, column, aggregate, number):
    assert aggregate_column(conn, Table("t"), column, Aggregate(aggregate)) == pytest.approx(number)


def test_where_applies_and_nothing_is_none(conn):
    table = Table("t", where="id > :least", parameters={"least": 1})
    assert aggregate_column(conn, table, "x", Aggregate.MEAN) == 3.75
    nobody = Table("t", where="id > 99")
    assert aggregate_column(conn, nobody, "x", Aggregate.MEAN) is None
    assert aggregate_column(conn, nobody, "b", Aggregate.SHARE_TRUE) is None
    assert aggregate_column(conn, nobody, "x", Aggregate.COUNT) == 0


@pytest.mark.parametrize(("column", "aggregate"), [("s", "mean"), ("b", "sum"), ("x", "share_true")])
def test_a_type_without_such_a_number_is_refused(conn, column, aggregate):
    with pytest.raises(ColumnTypeError, match=f"Column '{column}' is of type .*, which has no {aggregate}"):
        aggregate_column(conn, Table("t"), column, Aggregate(aggregate))


def test_a_column_must_be_there(conn):
    with pytest.raises(TableNotFoundError, match="no column 'gone'"):
        aggregate_column(conn, Table("t"), "gone", Aggregate.MEAN)


def test_a_query_gives_one_number(conn):
    assert query_number(conn, "SELECT sum(d) FROM t WHERE id > :least", {"least": 1, "unused": 2}) == 7
    assert query_number(conn, "SELECT x FROM t WHERE id = 3", {}) is None
    assert query_number(conn, "SELECT x FROM t WHERE id = 99", {}) is None
    assert math.isclose(query_number(conn, "SELECT avg(x) FROM t", {}), 3)


def test_what_is_no_finite_number_is_none(conn):
    """It would be remembered, and leave nothing to correlate in any later run."""
    endless = "1e308 * 10" if conn.dialect.name == "sqlite" else "CAST('Infinity' AS DOUBLE PRECISION)"
    assert query_number(conn, f"SELECT {endless}", {}) is None
    conn.execute(sa.text(f"UPDATE t SET x = {endless} WHERE id = 1"))
    assert aggregate_column(conn, Table("t"), "x", Aggregate.MEAN) is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT x FROM t", "gives 1 columns and several rows; it must give one number"),
        ("SELECT x, id FROM t WHERE id = 1", "gives 2 columns and 1 row; it must give one number"),
        ("SELECT s FROM t WHERE id = 1", "gives a str; it must give one number"),
        ("SELECT x FROM t WHERE id = :day", "uses parameter 'day', which has no value"),
    ],
)
def test_a_query_that_does_not_is_refused(conn, query, message):
    with pytest.raises(ConfigurationError, match=message):
        query_number(conn, query, {})
