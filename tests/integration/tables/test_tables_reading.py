"""Reading, on each database: what comes back is what the database holds."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import (
    ConfigurationError,
    TableKeyError,
    TableNotFoundError,
)
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.columns import key_is_unique, read_columns
from airflow_provider_aiguard.tables.connection import connect
from airflow_provider_aiguard.tables.reader import count_rows, read_chunks

if TYPE_CHECKING:
    from sqlalchemy import Engine

HOSTILE_NAMES = [
    "drop", "nothing", "by", "'select'", 'we"ird', "naïve ☂", "a b", "per%cent", "co:lon", "SELECT",
    "x.y", "$1", "(p)s",
]  # fmt: skip
HOSTILE_VALUES = ["1; DROP TABLE t --", "' OR 1=1 --", "1 OR 1=1", "%(x)s", ":month", "\\'; DROP TABLE t; --"]
BERLIN = dt.timezone(dt.timedelta(hours=2))


@pytest.fixture(params=["sqlite", "duckdb", "postgres", "psycopg3"])
def any_engine(request: pytest.FixtureRequest) -> Engine:
    """The three databases, PostgreSQL by both of its drivers."""
    name = "psycopg3_engine" if request.param == "psycopg3" else f"{request.param}_engine"
    made: Engine = request.getfixturevalue(name)
    return made


def execute(engine: Engine, *statements: str) -> None:
    with engine.begin() as conn:
        for statement in statements:
            conn.execute(sa.text(statement))


def read(engine: Engine, table: Table, chunk_size: int = 2, columns: list[str] | None = None) -> pd.DataFrame:
    with connect(engine) as conn:
        return pd.concat(list(read_chunks(conn, table, columns, chunk_size=chunk_size)), ignore_index=True)


def month_table(engine: Engine) -> None:
    execute(
        engine,
        "CREATE TABLE t (id BIGINT PRIMARY KEY, month INTEGER, name VARCHAR(20))",
        "INSERT INTO t VALUES (1, 1, 'ann'), (2, 1, 'bob'), (3, 2, 'abe'), (4, NULL, NULL)",
    )


@pytest.fixture
def typed(any_engine: Engine) -> Engine:
    zone = "TIMESTAMPTZ"
    execute(
        any_engine,
        "CREATE TABLE t (id BIGINT PRIMARY KEY, b BOOLEAN, i BIGINT, f DOUBLE PRECISION, s VARCHAR(20), "
        f"n DECIMAL(12, 3), d DATE, ts TIMESTAMP, tz {zone})",
        "INSERT INTO t VALUES (1, true, 9007199254740993, 0.1, 'é☂', 1.125, '2020-02-29', "
        "'2020-01-01 10:00:00.123456', '2020-01-01 10:00:00.123456+02:00')",
        "INSERT INTO t VALUES (2, false, -9223372036854775807, -2.5, '', -0.001, '0001-01-01', '1969-12-31 00:00:00', "
        "'1969-12-31 00:00:00+00:00')",
        "INSERT INTO t VALUES (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    return any_engine


def test_dtypes_without_nulls(typed: Engine) -> None:
    frame = read(typed, Table("t", key="id", where="id < 3"), 10)
    expected = {
        "id": "int64",
        "b": "bool",
        "i": "int64",
        "f": "float64",
        "s": "str",
        "n": "object",
        "d": "object",
        "ts": "datetime64[us]",
        "tz": "datetime64[us, UTC]",
    }
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == expected
    first, second = frame.to_dict("records")
    assert first == {
        "id": 1,
        "b": True,
        "i": 9007199254740993,
        "f": 0.1,
        "s": "é☂",
        "n": Decimal("1.125"),
        "d": dt.date(2020, 2, 29),
        "ts": pd.Timestamp("2020-01-01 10:00:00.123456"),
        "tz": pd.Timestamp("2020-01-01 08:00:00.123456", tz="UTC"),
    }
    assert second["i"] == -9223372036854775807
    assert second["n"] == Decimal("-0.001")
    assert second["d"] == dt.date(1, 1, 1)
    assert second["ts"] == pd.Timestamp("1969-12-31")


def test_dtypes_with_nulls(typed: Engine) -> None:
    frame = read(typed, Table("t", key="id"), 10)
    expected = {"id": "int64", "b": "boolean", "i": "Int64", "f": "Float64", "s": "str", "n": "object", "d": "object"}
    assert {name: str(frame.dtypes[name]) for name in expected} == expected
    assert frame["i"].iloc[0] == 9007199254740993
    last = frame.iloc[2].drop("id")
    assert last.isna().all()
    assert last["n"] is None
    assert last["d"] is None


def test_a_chunk_that_is_all_null_keeps_the_dtype(typed: Engine) -> None:
    frame = read(typed, Table("t", key="id", where="id = 3"))
    assert [str(d) for d in frame.dtypes] == [
        "int64",
        "boolean",
        "Int64",
        "Float64",
        "str",
        "object",
        "object",
        "datetime64[us]",
        "datetime64[us, UTC]",
    ]


def test_columns_say_kind_zone_and_nullability(typed: Engine) -> None:
    with connect(typed) as conn:
        columns = read_columns(conn, Table("t"))
    kinds = {name: column.kind for name, column in columns.items()}
    assert list(kinds.values()) == [
        OutputType.INTEGER,
        OutputType.BOOLEAN,
        OutputType.INTEGER,
        OutputType.NUMBER,
        OutputType.TEXT,
        OutputType.DECIMAL,
        OutputType.DATE,
        OutputType.TIMESTAMP,
        OutputType.TIMESTAMP,
    ]
    assert [columns["ts"].zoned, columns["tz"].zoned] == [False, True]
    assert columns["b"].nullable


@pytest.mark.parametrize("name", ["duckdb_engine", "postgres_engine", "psycopg3_engine"])
def test_nan_is_not_null(name: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue(name)
    execute(
        engine,
        "CREATE TABLE t (id BIGINT PRIMARY KEY, f DOUBLE PRECISION, g REAL)",
        "INSERT INTO t VALUES (1, 'nan', 'nan'), (2, NULL, NULL), (3, 'infinity', 0.5)",
    )
    frame = read(engine, Table("t", key="id"), 10)
    for column in ("f", "g"):
        array = frame[column].array
        assert isinstance(array, pd.arrays.FloatingArray)
        assert array.isna().tolist() == [False, True, False]
        assert np.isnan(array[0])
    assert frame["f"].iloc[2] == float("inf")
    only_nan = read(engine, Table("t", key="id", where="id = 1"), 10)
    assert str(only_nan["f"].dtype) == "float64"


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 100])
def test_chunks_are_in_key_order_and_no_larger_than_asked(engine: Engine, size: int) -> None:
    execute(engine, "CREATE TABLE t (a INTEGER, b VARCHAR(9), v INTEGER, PRIMARY KEY (a, b))")
    execute(engine, "INSERT INTO t VALUES (2, 'a', 3), (1, 'b', 2), (1, 'a', 1), (2, 'c', 4), (3, '', 5)")
    with connect(engine) as conn:
        chunks = list(read_chunks(conn, Table("t", key=("a", "b")), ["v"], chunk_size=size))
        assert not conn.in_transaction()
    assert [len(c) for c in chunks] == [min(size, 5 - i) for i in range(0, 5, size)]
    assert [v for c in chunks for v in c["v"].tolist()] == [1, 2, 3, 4, 5]
    assert list(chunks[0]) == ["a", "b", "v"]


def test_an_empty_table_has_no_chunks(engine: Engine) -> None:
    execute(engine, "CREATE TABLE t (id BIGINT PRIMARY KEY)")
    with connect(engine) as conn:
        assert list(read_chunks(conn, Table("t", key="id"), chunk_size=3)) == []
        assert count_rows(conn, Table("t")) == 0


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ("DECIMAL(20, 4)", ["0.0001", "1.1", "9007199254740993.0001"]),
        ("DATE", ["'0001-01-01'", "'2020-02-29'", "'9999-12-31'"]),
        ("TIMESTAMP", ["'2020-01-01 00:00:00.000001'", "'2020-01-01 00:00:00.000002'", "'2020-01-01 00:00:01'"]),
        ("TIMESTAMPTZ", ["'2020-01-01 00:00:00+00:00'", "'2020-01-01 00:30:00+00:00'", "'2020-01-02 00:00:00+00:00'"]),
        ("BOOLEAN", ["false", "true"]),
        ("REAL", ["-0.1", "0.1", "0.3"]),
        ("DOUBLE PRECISION", ["0.1", "0.30000000000000004", "1e300"]),
        ("VARCHAR(40)", ["'A'", "'a'", "'it''s; DROP TABLE t'"]),
        ("BIGINT", ["-9223372036854775807", "9007199254740992", "9007199254740993"]),
    ],
)
def test_any_type_of_key_pages(engine: Engine, declared: str, values: list[str]) -> None:
    execute(engine, f"CREATE TABLE t (k {declared} NOT NULL PRIMARY KEY, v INTEGER)")
    execute(engine, f"INSERT INTO t VALUES {', '.join(f'({value}, {i})' for i, value in enumerate(values))}")
    frame = read(engine, Table("t", key="k"), 1)
    assert sorted(frame["v"].tolist()) == list(range(len(values)))


@pytest.mark.parametrize("name", ["duckdb_engine", "postgres_engine", "psycopg3_engine"])
def test_keys_of_types_no_claim_can_have_page_too(name: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue(name)
    execute(engine, "CREATE TABLE t (k UUID PRIMARY KEY, v INTEGER)")
    keys = ", ".join(f"('{i}0000000-0000-0000-0000-000000000000', {i})" for i in range(5))
    execute(engine, f"INSERT INTO t VALUES {keys}")
    assert read(engine, Table("t", key="k"), 2)["v"].tolist() == [0, 1, 2, 3, 4]


def test_duckdb_types_of_its_own(duckdb_engine: Engine) -> None:
    execute(
        duckdb_engine,
        "CREATE TABLE t (k TIMESTAMP_NS PRIMARY KEY, h HUGEINT, u UBIGINT, e ENUM('x', 'y'), t TINYINT, l INTEGER[])",
        "INSERT INTO t VALUES ('2020-01-01 00:00:00.000001001', 170141183460469231731687303715884105727, "
        "18446744073709551615, 'y', 1, [1, 2]), ('2020-01-01 00:00:00.000002001', NULL, NULL, NULL, NULL, NULL)",
    )
    frame = read(duckdb_engine, Table("t", key="k"), 1)
    assert frame["h"].iloc[0] == Decimal(170141183460469231731687303715884105727)
    assert frame["u"].iloc[0] == Decimal(18446744073709551615)
    assert frame["e"].iloc[0] == "y"
    assert frame["t"].iloc[0] == 1
    assert list(frame["l"].iloc[0]) == [1, 2]
    assert len(frame) == 2


def test_a_view_and_a_temporary_table_can_be_read(engine: Engine) -> None:
    month_table(engine)
    execute(engine, "CREATE VIEW v AS SELECT id, month FROM t WHERE id < 3")
    assert read(engine, Table("v", key="id"))["id"].tolist() == [1, 2]
    with connect(engine) as conn:
        with conn.begin():
            conn.execute(sa.text("CREATE TEMPORARY TABLE mine AS SELECT 7 AS id"))
        assert next(read_chunks(conn, Table("mine", key="id"), chunk_size=2))["id"].tolist() == [7]
        assert not key_is_unique(conn, Table("v", key="id"))


@pytest.mark.parametrize("name", ["duckdb_engine", "postgres_engine"])
def test_a_schema_with_a_hostile_name(name: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue(name)
    execute(engine, 'CREATE SCHEMA "my ☂ schema"', 'CREATE TABLE "my ☂ schema".t (id BIGINT PRIMARY KEY)')
    execute(engine, 'INSERT INTO "my ☂ schema".t VALUES (5)', "CREATE TABLE t (other INTEGER)")
    table = Table("t", schema="my ☂ schema", key="id")
    assert read(engine, table)["id"].tolist() == [5]
    with connect(engine) as conn:
        assert list(read_columns(conn, Table("t"))) == ["other"]
        assert key_is_unique(conn, table)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_identifiers(engine: Engine, name: str) -> None:
    table = Table(name, key=name)
    made = sa.Table(name, sa.MetaData(), sa.Column(name, sa.Integer, primary_key=True, autoincrement=False))
    with connect(engine) as conn, conn.begin():
        conn.execute(sa.schema.CreateTable(made))
        conn.execute(made.insert().values([(1,), (2,), (3,)]))
    frame = read(engine, table, 2)
    assert frame[name].tolist() == [1, 2, 3]
    with connect(engine) as conn:
        assert count_rows(conn, table) == 3
        assert key_is_unique(conn, table)


@pytest.mark.parametrize("value", [1, "1"], ids=["number", "rendered template"])
def test_where_with_a_parameter(any_engine: Engine, value: Any) -> None:
    month_table(any_engine)
    table = Table("t", key="id", where="month = :month", parameters={"month": value})
    assert read(any_engine, table, 1)["id"].tolist() == [1, 2]
    with connect(any_engine) as conn:
        assert count_rows(conn, table) == 2


@pytest.mark.parametrize(
    ("where", "parameters", "expected"),
    [
        ("name LIKE 'a%'", {}, [1, 3]),
        ("name LIKE :like", {"like": "%b%"}, [2, 3]),
        ("month = 2 OR month = 1 -- a comment", {}, [1, 2, 3]),
        ("month IN :months", {"months": (2, 3)}, [3]),
        ("month IN :months", {"months": []}, []),
        ("name <> '\\:month'", {}, [1, 2, 3]),
        ("CAST(:id AS INTEGER) = id", {"id": 4}, [4]),
        ("month = :month", {"month": None}, []),
    ],
)
def test_where(any_engine: Engine, where: str, parameters: dict[str, Any], expected: list[int]) -> None:
    month_table(any_engine)
    table = Table("t", key="id", where=where, parameters=parameters)
    with connect(any_engine) as conn:
        ids = [i for chunk in read_chunks(conn, table, chunk_size=1) for i in chunk["id"].tolist()]
        assert ids == expected
        assert count_rows(conn, table) == len(expected)


@pytest.mark.parametrize("value", HOSTILE_VALUES)
@pytest.mark.parametrize("column", ["name", "month"])
def test_a_hostile_parameter_does_nothing(any_engine: Engine, column: str, value: str) -> None:
    month_table(any_engine)
    table = Table("t", key="id", where=f"{column} = :v", parameters={"v": value})
    with connect(any_engine) as conn:
        try:
            # Text in a numeric comparison is an error for DuckDB and PostgreSQL, and equal to nothing for SQLite.
            found = count_rows(conn, table)
        except sa.exc.DBAPIError:
            found = 0
            assert column == "month"
    assert found == 0
    assert read(any_engine, Table("t", key="id"))["id"].tolist() == [1, 2, 3, 4]


def test_a_missing_table(engine: Engine) -> None:
    with connect(engine) as conn:
        for call in (read_columns, count_rows, key_is_unique):
            with pytest.raises(TableNotFoundError, match=r"Table 'nope' does not exist on connection 'c'"):
                call(conn, Table("nope", conn_id="c", key="id"))
        with pytest.raises(TableNotFoundError, match=r"put the schema into schema="):
            read_columns(conn, Table("main.nope"))
        with pytest.raises(TableNotFoundError, match=r"no_schema\.nope"):
            read_columns(conn, Table("nope", schema="no_schema"))


def test_a_missing_column(engine: Engine) -> None:
    month_table(engine)
    with (
        connect(engine) as conn,
        pytest.raises(TableNotFoundError, match=r"'t' has no column 'nope'\. It has: id, month, name"),
    ):
        read_chunks(conn, Table("t", key="id"), ["month", "nope"], chunk_size=2)


def test_no_key_and_no_size(engine: Engine) -> None:
    month_table(engine)
    with connect(engine) as conn:
        with pytest.raises(ConfigurationError, match=r"Table 't' needs a key"):
            read_chunks(conn, Table("t"), chunk_size=2)
        with pytest.raises(ConfigurationError, match=r"chunk_size must be at least 1; got 0"):
            read_chunks(conn, Table("t", key="id"), chunk_size=0)


def test_a_null_key_is_refused_wherever_the_database_sorts_it(engine: Engine) -> None:
    execute(engine, "CREATE TABLE t (a INTEGER, b INTEGER)", "INSERT INTO t VALUES (1, 1), (2, NULL), (3, 3)")
    with (
        connect(engine) as conn,
        pytest.raises(TableKeyError, match=r"NULL in its key: a=2, b=None\. .* \['a', 'b'\]"),
    ):
        read_chunks(conn, Table("t", key=("a", "b")), chunk_size=1)
    assert read(engine, Table("t", key=("a", "b"), where="b IS NOT NULL"), 1)["a"].tolist() == [1, 3]


@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_a_repeated_key_is_refused_across_page_borders_too(engine: Engine, size: int) -> None:
    execute(engine, "CREATE TABLE t (a INTEGER, b INTEGER)", "INSERT INTO t VALUES (1, 1), (2, 2), (2, 2), (3, 3)")
    with connect(engine) as conn, pytest.raises(TableKeyError, match=r"more than one row with key a=2, b=2"):
        list(read_chunks(conn, Table("t", key=("a", "b")), chunk_size=size))


def test_keys_only_python_tells_apart_are_refused_not_skipped(sqlite_engine: Engine) -> None:
    execute(sqlite_engine, "CREATE TABLE t (k TEXT COLLATE NOCASE)", "INSERT INTO t VALUES ('a'), ('A'), ('b')")
    with connect(sqlite_engine) as conn, pytest.raises(TableKeyError, match=r"holds to be equal: k='a' and k='A'"):
        list(read_chunks(conn, Table("t", key="k"), chunk_size=1))


def test_rows_deleted_and_inserted_between_pages_do_not_disturb(engine: Engine) -> None:
    execute(engine, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (3), (5), (7), (9)")
    with connect(engine) as conn:
        chunks = read_chunks(conn, Table("t", key="id"), chunk_size=2)
        seen = next(chunks)["id"].tolist()
        with conn.begin():
            conn.execute(sa.text("DELETE FROM t WHERE id = 5"))
        seen += next(chunks)["id"].tolist()
        with conn.begin():
            conn.execute(sa.text("INSERT INTO t VALUES (8)"))
        seen += [i for chunk in chunks for i in chunk["id"].tolist()]
    assert seen == [1, 3, 7, 9]


def test_a_row_inserted_before_the_one_expected_is_read(engine: Engine) -> None:
    execute(engine, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (3), (5)")
    with connect(engine) as conn:
        chunks = read_chunks(conn, Table("t", key="id"), chunk_size=1)
        seen = next(chunks)["id"].tolist()
        with conn.begin():
            conn.execute(sa.text("INSERT INTO t VALUES (2)"))
        assert seen + [i for chunk in chunks for i in chunk["id"].tolist()] == [1, 2, 3, 5]


@pytest.mark.parametrize(
    ("constraint", "unique"),
    [
        ("PRIMARY KEY (a, b)", True),
        ("UNIQUE (b, a)", True),
        ("PRIMARY KEY (a)", False),
        ("UNIQUE (a, b, c)", False),
        ("CHECK (a > 0)", False),
    ],
)
def test_key_is_unique_by_constraint(engine: Engine, constraint: str, unique: bool) -> None:
    execute(engine, f"CREATE TABLE t (a INTEGER, b INTEGER, c INTEGER, {constraint})")
    with connect(engine) as conn:
        assert key_is_unique(conn, Table("t", key=("a", "b"))) is unique


def test_key_is_unique_by_index(engine: Engine) -> None:
    execute(engine, 'CREATE TABLE t (a INTEGER, "b "" c" INTEGER)', 'CREATE UNIQUE INDEX u ON t ("b "" c", a)')
    execute(engine, "CREATE INDEX plain ON t (a)")
    with connect(engine) as conn:
        assert key_is_unique(conn, Table("t", key=("a", 'b " c')))
        assert not key_is_unique(conn, Table("t", key="a"))


@pytest.mark.parametrize("name", ["sqlite_engine", "postgres_engine"])
def test_a_partial_or_computed_index_keeps_no_key_unique(name: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue(name)
    execute(engine, "CREATE TABLE t (a INTEGER, b INTEGER)", "CREATE UNIQUE INDEX u ON t (a) WHERE b > 1")
    execute(engine, "CREATE UNIQUE INDEX w ON t (abs(b))")
    with connect(engine) as conn:
        assert not key_is_unique(conn, Table("t", key="a"))
        assert not key_is_unique(conn, Table("t", key="b"))


def test_memory_is_bounded_by_the_page(duckdb_engine: Engine) -> None:
    execute(duckdb_engine, "CREATE TABLE t AS SELECT i AS id, 'text ' || i AS s FROM range(200000) r(i)")
    peaks = []
    for rows in (20_000, 200_000):
        table = Table("t", key="id", where="id < :rows", parameters={"rows": rows})
        with connect(duckdb_engine) as conn:
            tracemalloc.start()
            total = sum(len(chunk) for chunk in read_chunks(conn, table, chunk_size=5_000))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert total == rows
    assert peaks[1] < peaks[0] * 1.5


def test_duckdb_hands_out_columns_not_tuples(duckdb_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(duckdb_engine, "CREATE TABLE t AS SELECT i AS id, i / 7 AS x, i % 2 = 0 AS b FROM range(1000) r(i)")
    result: Any = sa.engine.CursorResult

    def refuse(*_: object) -> None:
        raise AssertionError("rows were fetched as tuples")

    with connect(duckdb_engine) as conn:
        chunks = read_chunks(conn, Table("t", key="id"), chunk_size=300)
        for method in ("all", "fetchall", "fetchmany", "fetchone", "__iter__"):
            monkeypatch.setattr(result, method, refuse)
        assert sum(len(chunk) for chunk in chunks) == 1000
