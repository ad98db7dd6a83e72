"""Writing, on each database: what was claimed is what is read back, all of it or nothing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import (
    ColumnTypeError,
    ConfigurationError,
    TableKeyError,
    TableNotFoundError,
)
from airflow_provider_aiguard.core.outputs import Output, OutputType
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.columns import key_is_unique, read_columns
from airflow_provider_aiguard.tables.connection import connect
from airflow_provider_aiguard.tables.reader import read_chunks
from airflow_provider_aiguard.tables.writer import ClaimWriter, resolve_outputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

HOSTILE_NAMES = [
    "drop", "nothing", "by", "'select'", 'we"ird', "naïve ☂", "a b", "per%cent", "co:lon", "SELECT",
    "x.y", "$1", "(p)s",
]  # fmt: skip
LATE = Output("late", OutputType.BOOLEAN)
KEY: dict[str, Any] = {"id": sa.BigInteger()}
SCORED = Table("scored", key="id")
UTC = dt.UTC


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


def rows(engine: Engine, table: Table = SCORED, columns: list[str] | None = None) -> list[dict[Any, Any]]:
    with connect(engine) as conn:
        chunks = list(read_chunks(conn, table, columns, chunk_size=1000))
    if not chunks:
        return []
    frame = chunks[0].astype(object)
    return frame.where(frame.notna(), None).to_dict("records")


def claims(ids: Sequence[Any], run: str = "r1", **values: Sequence[Any]) -> pd.DataFrame:
    frame = pd.DataFrame({"id": list(ids)})
    for name, column in (values or {"late": [i % 2 == 0 for i in ids]}).items():
        frame[name] = pd.Series(list(column), dtype=object)
        frame[f"{name}__provenance"] = "ai_inferred"
        frame[f"{name}__confidence"] = 0.5
        frame[f"{name}__run"] = run
    return frame


def write(engine: Engine, frame: pd.DataFrame, outputs: Sequence[Output] = (LATE,), **options: Any) -> None:
    with connect(engine) as conn:
        made = ClaimWriter(conn, options.pop("into", SCORED), outputs, key=options.pop("key", KEY), **options)
        made.prepare()
        made.write(frame)
        assert not conn.in_transaction()


VALUES: dict[OutputType, list[Any]] = {
    OutputType.BOOLEAN: [True, False, None],
    OutputType.INTEGER: [9007199254740993, -9223372036854775807, None],
    OutputType.NUMBER: [0.1, float("inf"), None],
    OutputType.DECIMAL: [Decimal("12345678901234567890.123456789012345678"), Decimal("-0.1"), None],
    OutputType.TEXT: ["tab\tnew\nline\r back\\slash \\N 'q' \"q\" ☂", "", None],
    OutputType.DATE: [dt.date(2020, 2, 29), dt.date(1, 1, 1), None],
    OutputType.TIMESTAMP: [
        dt.datetime(2020, 1, 1, 10, 0, 0, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        dt.datetime(1969, 12, 31),  # noqa: DTZ001 - without zone it is UTC
        None,
    ],
}
READ_BACK = {
    **VALUES,
    OutputType.TIMESTAMP: [
        pd.Timestamp("2020-01-01 08:00:00.000001", tz="UTC"),
        pd.Timestamp("1969-12-31", tz="UTC"),
        None,
    ],
}


@pytest.mark.parametrize("kind", list(OutputType))
def test_values_of_each_type_come_back_exactly(any_engine: Engine, kind: OutputType) -> None:
    write(any_engine, claims([1, 2, 3], v=VALUES[kind]), [Output("v", kind)])
    assert [row["v"] for row in rows(any_engine)] == READ_BACK[kind]
    with connect(any_engine) as conn:
        columns = read_columns(conn, SCORED)
    assert columns["v"].kind is kind
    assert columns["v"].zoned is (kind is OutputType.TIMESTAMP)


def test_null_and_nan_are_told_apart(any_engine: Engine) -> None:
    frame = claims([1, 2, 3], v=[0.0, 0.0, 0.0])
    frame["v"] = pd.arrays.FloatingArray(np.array([np.nan, 0.0, 1.5]), np.array([False, True, False]))
    frame["v__confidence"] = [np.nan, 0.25, 1.0]
    write(any_engine, frame, [Output("v", OutputType.NUMBER)])
    with any_engine.connect() as conn:
        found = conn.execute(sa.text("SELECT v IS NULL, v__confidence FROM scored ORDER BY id")).all()
        first = conn.execute(sa.text("SELECT v FROM scored WHERE id = 1")).scalar_one()
    nulls = [bool(row[0]) for row in found]
    if any_engine.dialect.name == "sqlite":
        assert nulls == [True, True, False]
    else:
        assert nulls == [False, True, False]
        assert np.isnan(first)
    assert [row[1] for row in found] == [None, 0.25, 1.0]


def test_a_plain_float_column_with_nan_holds_nan(duckdb_engine: Engine) -> None:
    frame = claims([1, 2], v=[0.0, 0.0])
    frame["v"] = np.array([np.nan, 2.0])
    write(duckdb_engine, frame, [Output("v", OutputType.NUMBER)])
    with duckdb_engine.connect() as conn:
        assert conn.execute(sa.text("SELECT isnan(v) FROM scored ORDER BY id")).scalars().all() == [True, False]


def test_the_created_target_has_a_primary_key_and_carried_columns(engine: Engine) -> None:
    frame = claims([2, 1])
    frame["month"] = [1, 2]
    frame["seen"] = pd.DatetimeIndex(["2020-01-01", pd.NaT]).as_unit("us")
    frame["fee"] = pd.Series([Decimal("1.25"), None], dtype=object)
    carry = {"month": sa.SmallInteger(), "seen": sa.DateTime(), "fee": sa.Numeric(6, 2)}
    frame["region"] = ["n", "s"]
    into = Table("scored", key=("region", "id"))
    write(engine, frame, key={"id": sa.Integer(), "region": sa.String(5)}, into=into, carry=carry)
    with connect(engine) as conn:
        assert key_is_unique(conn, into)
        columns = read_columns(conn, into)
    assert list(columns) == ["id", "region", *carry, "late", *LATE.companions.names]
    assert not columns["seen"].zoned
    first, second = rows(engine, into)
    assert first["fee"] == Decimal("1.25")
    assert first["seen"] == pd.Timestamp("2020-01-01")
    assert second["fee"] is None
    assert second["seen"] is None


def test_a_key_is_never_generated_by_the_database(engine: Engine) -> None:
    write(engine, claims([5]))
    with engine.begin() as conn, pytest.raises(sa.exc.IntegrityError, match=r"(?i)null"):
        conn.execute(sa.text("INSERT INTO scored (late) VALUES (true)"))


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_identifiers(any_engine: Engine, name: str) -> None:
    into, output = Table(name, key=f"{name} k"), Output(name, OutputType.TEXT)
    frame = claims([1, 2], "r1", **{name: ["a", "b"]}).rename(columns={"id": f"{name} k"})
    frame[f"{name} c"] = [1, 2]
    options: dict[str, Any] = {"into": into, "key": {f"{name} k": sa.BigInteger()}}
    for _ in range(2):
        write(any_engine, frame, [output], carry={f"{name} c": sa.BigInteger()}, **options)
    frame[name] = ["c", "d"]
    write(any_engine, frame, [output], mode="update", **options)
    write(any_engine, frame, [output], mode="fill", **options)
    assert [(r[f"{name} k"], r[name], r[f"{name} c"]) for r in rows(any_engine, into)] == [(1, "c", 1), (2, "d", 2)]


def test_writing_again_changes_nothing_and_overlap_overwrites(any_engine: Engine) -> None:
    write(any_engine, claims(range(10)))
    once = rows(any_engine)
    write(any_engine, claims(range(10)))
    assert rows(any_engine) == once
    write(any_engine, claims(range(8, 12), run="r2", late=[None, True, True, True]))
    found = rows(any_engine)
    assert [r["id"] for r in found] == list(range(12))
    assert [r["late__run"] for r in found[7:]] == ["r1", "r2", "r2", "r2", "r2"]
    assert [r["late"] for r in found[7:10]] == [False, None, True]


def test_upsert_leaves_other_columns_alone(engine: Engine) -> None:
    execute(engine, "CREATE TABLE scored (id BIGINT PRIMARY KEY, note TEXT)", "INSERT INTO scored VALUES (1, 'mine')")
    write(engine, claims([1, 2]))
    assert [(r["id"], r["note"], r["late__run"]) for r in rows(engine)] == [(1, "mine", "r1"), (2, None, "r1")]


def test_update_overwrites_existing_rows_only_and_needs_no_unique_key(any_engine: Engine) -> None:
    execute(
        any_engine,
        "CREATE TABLE scored (id BIGINT, late BOOLEAN, other INTEGER)",
        "INSERT INTO scored VALUES (1, true, 7), (2, NULL, 8)",
    )
    write(any_engine, claims([1, 2, 3], late=[False, True, True]), mode="update")
    found = rows(any_engine)
    assert [(r["id"], r["late"], r["other"], r["late__provenance"]) for r in found] == [
        (1, False, 7, "ai_inferred"),
        (2, True, 8, "ai_inferred"),
    ]


@pytest.fixture
def half_filled(any_engine: Engine) -> Engine:
    execute(
        any_engine,
        "CREATE TABLE scored (id BIGINT, late BOOLEAN, late__provenance VARCHAR(20), late__confidence DOUBLE PRECISION,"
        " late__run VARCHAR(20), speed DOUBLE PRECISION)",
        "INSERT INTO scored VALUES (1, NULL, NULL, NULL, NULL, 1), (2, true, NULL, NULL, NULL, NULL), "
        "(3, false, 'human_annotated', NULL, NULL, NULL), (4, true, 'ai_inferred', 0.9, 'r0', 2), "
        "(5, NULL, NULL, NULL, NULL, NULL)",
    )
    return any_engine


def test_fill_sets_null_cells_only_and_labels_the_rest(half_filled: Engine) -> None:
    outputs = [LATE, Output("speed", OutputType.NUMBER)]
    frame = claims([1, 2, 3, 4], late=[True, False, True, False], speed=[9.5, 9.5, 9.5, 9.5])
    write(half_filled, frame, outputs, mode="fill")
    found = rows(half_filled)
    late = [tuple(r[c] for c in ("late", *LATE.companions.names)) for r in found]
    assert late == [
        (True, "ai_inferred", 0.5, "r1"),
        (True, "observed", None, None),
        (False, "human_annotated", None, None),
        (True, "ai_inferred", 0.9, "r0"),
        (None, None, None, None),
    ]
    assert [(r["speed"], r["speed__provenance"], r["speed__run"]) for r in found] == [
        (1.0, "observed", None),
        (9.5, "ai_inferred", "r1"),
        (9.5, "ai_inferred", "r1"),
        (2.0, "observed", None),
        (None, None, None),
    ]
    write(half_filled, claims([1, 2, 3, 4], "r2", late=[False] * 4, speed=[1.5] * 4), outputs, mode="fill")
    assert rows(half_filled) == found


def test_fill_decides_by_what_the_table_holds_then(half_filled: Engine) -> None:
    with connect(half_filled) as conn:
        made = ClaimWriter(conn, SCORED, [LATE], key=KEY, mode="fill")
        made.prepare()
        with conn.begin():
            conn.execute(sa.text("UPDATE scored SET late = false WHERE id = 1"))
        made.write(claims([1], late=[True]))
    assert [rows(half_filled)[0][c] for c in ("late", "late__provenance")] == [False, "observed"]


def test_fill_of_a_row_without_an_answer_labels_nothing(half_filled: Engine) -> None:
    frame = claims([1, 2], late=[None, None])
    frame[["late__provenance", "late__confidence", "late__run"]] = None
    write(half_filled, frame, mode="fill")
    assert [(r["late"], r["late__provenance"]) for r in rows(half_filled)[:2]] == [(None, None), (True, "observed")]


def test_a_nan_is_a_value_and_is_not_filled(duckdb_engine: Engine) -> None:
    execute(duckdb_engine, "CREATE TABLE scored (id BIGINT, v DOUBLE)", "INSERT INTO scored VALUES (1, 'nan')")
    write(duckdb_engine, claims([1], v=[2.0]), [Output("v", OutputType.NUMBER)], mode="fill")
    assert rows(duckdb_engine)[0]["v__provenance"] == "observed"


@pytest.mark.parametrize("mode", ["update", "fill"])
def test_update_and_fill_need_the_table_and_its_key(engine: Engine, mode: str) -> None:
    with pytest.raises(TableNotFoundError, match=r"Table 'scored' does not exist"):
        write(engine, claims([1]), mode=mode)
    execute(engine, "CREATE TABLE scored (other BIGINT)")
    with pytest.raises(TableNotFoundError, match=r"'scored' has no key column 'id'\. It has: other"):
        write(engine, claims([1]), mode=mode)


def test_upsert_needs_a_unique_key(engine: Engine) -> None:
    execute(engine, "CREATE TABLE scored (id BIGINT, x INTEGER)")
    with pytest.raises(TableKeyError, match=r"no primary key or unique constraint on exactly \['id'\]"):
        write(engine, claims([1]))
    execute(engine, "CREATE UNIQUE INDEX u ON scored (id)")
    write(engine, claims([1]))
    write(engine, claims([1, 2]))
    assert [r["id"] for r in rows(engine)] == [1, 2]


@pytest.mark.parametrize(
    ("declared", "kind", "message"),
    [
        ("late TEXT", OutputType.BOOLEAN, r"Column 'late' .* cannot hold boolean values"),
        ("late BIGINT", OutputType.NUMBER, r"Column 'late' .* cannot hold number values"),
        ("late DOUBLE PRECISION", OutputType.INTEGER, r"Column 'late' .* cannot hold integer values"),
        ("late BIGINT, late__confidence TEXT", OutputType.INTEGER, r"'late__confidence' .* cannot hold number values"),
        ("late BIGINT, late__run BIGINT", OutputType.INTEGER, r"'late__run' .* cannot hold text values"),
        ("late BIGINT, extra TEXT", OutputType.INTEGER, r"Column 'extra' .* cannot hold integer values"),
    ],
)
def test_a_clash_of_types_is_refused_before_anything_changes(
    engine: Engine, declared: str, kind: OutputType, message: str
) -> None:
    execute(engine, f"CREATE TABLE scored (id BIGINT PRIMARY KEY, {declared})")
    with connect(engine) as conn:
        before = list(read_columns(conn, SCORED))
    with pytest.raises(ColumnTypeError, match=message):
        write(engine, claims([1]), [Output("late", kind)], carry={"extra": sa.BigInteger()})
    with connect(engine) as conn:
        assert list(read_columns(conn, SCORED)) == before


@pytest.mark.parametrize(
    ("declared", "kind", "value", "expected"),
    [
        ("NUMERIC(12, 0)", OutputType.INTEGER, 123456789012, Decimal(123456789012)),
        ("VARCHAR(10)", OutputType.TEXT, "ok", "ok"),
        (
            "TIMESTAMP",
            OutputType.TIMESTAMP,
            dt.datetime(2020, 1, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2))),
            pd.Timestamp("2020-01-01"),
        ),
        ("NUMERIC(12, 3)", OutputType.DECIMAL, Decimal("1.125"), Decimal("1.125")),
    ],
)
def test_an_existing_column_that_can_hold_the_output(
    engine: Engine, declared: str, kind: OutputType, value: Any, expected: Any
) -> None:
    execute(engine, f"CREATE TABLE scored (id BIGINT PRIMARY KEY, v {declared})")
    write(engine, claims([1], v=[value]), [Output("v", kind)])
    assert rows(engine)[0]["v"] == expected


@pytest.mark.parametrize("value", [Decimal("1.0001"), Decimal(10**9), Decimal("NaN")])
def test_a_decimal_is_never_rounded(any_engine: Engine, value: Decimal) -> None:
    execute(any_engine, "CREATE TABLE scored (id BIGINT PRIMARY KEY, v NUMERIC(10, 3))")
    if any_engine.dialect.name == "sqlite" and not value.is_nan():
        value = Decimal("0.1234567890123456")
    with pytest.raises(ColumnTypeError, match=r"Column 'v' of table 'scored' keeps 1\d digits.* Nothing was written"):
        write(any_engine, claims([1, 2], v=[Decimal(1), value]), [Output("v", OutputType.DECIMAL)])
    assert rows(any_engine, columns=[]) == []


def test_types_are_resolved_from_the_target(engine: Engine) -> None:
    execute(
        engine,
        "CREATE TABLE scored (id BIGINT PRIMARY KEY, late BOOLEAN, raw BYTEA)".replace(
            "BYTEA", "BYTEA" if engine.dialect.name == "postgresql" else "BLOB"
        ),
    )
    with connect(engine) as conn:
        columns = read_columns(conn, SCORED)
    declared = (Output("late"), Output("new"), Output("given", OutputType.TEXT))
    assert resolve_outputs(columns, declared) == (LATE, *declared[1:])
    with pytest.raises(ColumnTypeError, match=r"Column 'raw' has type .* which no model can write"):
        resolve_outputs(columns, [Output("raw")])


@pytest.mark.parametrize(
    ("ids", "message"),
    [([1, 2, 1], r"a repeated key: id=1"), ([1, None, 2], r"NULL in key: id=None")],
)
def test_a_bad_key_in_the_chunk_writes_nothing(engine: Engine, ids: list[Any], message: str) -> None:
    frame = claims([1, 2, 3])
    frame["id"] = pd.array(ids, dtype="Int64")
    with pytest.raises(TableKeyError, match=message):
        write(engine, frame)
    assert rows(engine) == []


def test_a_value_of_another_type_writes_nothing_and_is_not_quoted(engine: Engine) -> None:
    for value in ("secret", 1.5, object()):
        with pytest.raises(ColumnTypeError, match=r"Column 'late' holds boolean values") as caught:
            write(engine, claims([1, 2], late=[True, value]))
        assert "secret" not in str(caught.value)
    assert rows(engine) == []


def test_what_the_database_refuses_is_reported_without_values(any_engine: Engine) -> None:
    execute(
        any_engine,
        "CREATE TABLE scored (id BIGINT PRIMARY KEY, v BIGINT, w VARCHAR(30) NOT NULL, CHECK (v < 100))",
        "INSERT INTO scored VALUES (1, 1, 'kept')",
    )
    write(any_engine, claims([1, 2], v=[5, 987654321]), [Output("v", OutputType.INTEGER)], mode="update")
    with pytest.raises(ColumnTypeError, match=r"'scored' refused the chunk: .*Nothing was written") as caught:
        write(any_engine, claims([1, 2], v=[987654321, 6]), [Output("v", OutputType.INTEGER)], mode="update")
    assert "987654321" not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(ColumnTypeError, match=r"refused the chunk"):
        write(any_engine, claims([2, 3], v=[2, 3]), [Output("v", OutputType.INTEGER)])
    assert [(r["id"], r["v"]) for r in rows(any_engine)] == [(1, 5)]


@pytest.mark.parametrize("name", ["duckdb_engine", "postgres_engine", "psycopg3_engine"])
def test_a_value_too_large_for_its_column_writes_nothing(name: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue(name)
    execute(engine, "CREATE TABLE scored (id BIGINT PRIMARY KEY, v SMALLINT)")
    with pytest.raises(ColumnTypeError, match=r"refused the chunk") as caught:
        write(engine, claims([1, 2], v=[1, 70000]), [Output("v", OutputType.INTEGER)])
    assert "70000" not in str(caught.value)
    assert rows(engine) == []


@pytest.mark.parametrize("mode", ["upsert", "update", "fill"])
def test_an_interrupt_between_statement_and_commit_leaves_nothing(engine: Engine, mode: str) -> None:
    execute(engine, "CREATE TABLE scored (id BIGINT PRIMARY KEY, late BOOLEAN)", "INSERT INTO scored VALUES (1, NULL)")
    with connect(engine) as conn:
        made = ClaimWriter(conn, SCORED, [LATE], key=KEY, mode=mode)  # type: ignore[arg-type]
        made.prepare()

        @sa.event.listens_for(engine, "commit", once=True)
        def _interrupt(_: sa.Connection) -> None:
            raise KeyboardInterrupt("now")

        with pytest.raises(KeyboardInterrupt, match="now"):
            made.write(claims([1, 2]))
        assert not conn.in_transaction()
        made.write(claims([3]))
    assert [r["id"] for r in rows(engine) if r["late__run"] is not None] == ([3] if mode == "upsert" else [])


def test_one_statement_and_one_transaction_a_chunk(engine: Engine) -> None:
    statements: list[str] = []
    commits: list[int] = []
    with connect(engine) as conn:
        made = ClaimWriter(conn, SCORED, [LATE], key=KEY)
        made.prepare()
        sa.event.listen(engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
        sa.event.listen(engine, "commit", lambda _: commits.append(1))
        made.write(claims(range(500)))
    writing = [s for s in statements if "scored" in s and s.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]
    assert len(writing) == 1
    assert "ON CONFLICT" in writing[0]
    assert len(commits) == 1


def test_nothing_is_left_behind_by_staging(engine: Engine) -> None:
    with connect(engine) as conn:
        made = ClaimWriter(conn, SCORED, [LATE], key=KEY)
        made.write(claims([1]))
        made.write(claims([2]))
        query = {
            "sqlite": "SELECT count(*) FROM sqlite_temp_master",
            "duckdb": "SELECT count(*) FROM information_schema.tables WHERE table_name <> 'scored'",
            "postgresql": "SELECT count(*) FROM pg_class WHERE relname LIKE 'aiguard%'",
        }[engine.dialect.name]
        assert conn.execute(sa.text(query)).scalar_one() == 0


def test_an_open_transaction_of_the_caller_is_refused(engine: Engine) -> None:
    with connect(engine) as conn:
        made = ClaimWriter(conn, SCORED, [LATE], key=KEY)
        conn.execute(sa.text("SELECT 1"))
        with pytest.raises(ConfigurationError, match=r"has an open transaction"):
            made.write(claims([1]))
        conn.rollback()
        made.write(claims([1]))
    assert len(rows(engine)) == 1


def test_an_empty_chunk_writes_nothing(engine: Engine) -> None:
    write(engine, claims([1]).iloc[:0])
    assert rows(engine) == []


def test_a_chunk_without_a_column_is_refused(engine: Engine) -> None:
    with pytest.raises(ConfigurationError, match=r"The chunk lacks column 'late__run'"):
        write(engine, claims([1]).drop(columns="late__run"))


def test_rows_in_any_order_and_with_any_index(engine: Engine) -> None:
    frame = claims([5, 3, 9], late=[True, False, None]).set_axis([7, 7, 2])
    write(engine, frame)
    assert [(r["id"], r["late"]) for r in rows(engine)] == [(3, False), (5, True), (9, None)]


def test_keys_and_carried_columns_copied_from_another_database(
    postgres_engine: Engine, duckdb_engine: Engine, sqlite_engine: Engine
) -> None:
    execute(
        postgres_engine,
        "CREATE TABLE src (k NUMERIC(12, 3), tz TIMESTAMPTZ, u UUID, PRIMARY KEY (k, tz))",
        "INSERT INTO src VALUES (1.5, '2020-01-01 10:00:00+02', '00000000-0000-0000-0000-000000000001')",
    )
    source = Table("src", key=("k", "tz"))
    with connect(postgres_engine) as conn:
        types = {name: column.type for name, column in read_columns(conn, source).items()}
        chunk = next(read_chunks(conn, source, chunk_size=5))
    chunk = chunk.join(claims([1]).drop(columns="id"))
    for engine in (duckdb_engine, sqlite_engine):
        key = {name: types[name] for name in ("k", "tz")}
        carry = {"u": types["u"]} if engine is duckdb_engine else {}
        for _ in range(2):
            write(engine, chunk, into=Table("scored", key=("k", "tz")), key=key, carry=carry)
        (row,) = rows(engine, Table("scored", key=("k", "tz")))
        assert row["k"] == Decimal("1.5")
        assert row["tz"] == pd.Timestamp("2020-01-01 08:00", tz="UTC")


def test_columns_no_claim_can_have_are_carried(any_engine: Engine) -> None:
    blob = "BYTEA" if any_engine.dialect.name == "postgresql" else "BLOB"
    execute(any_engine, f"CREATE TABLE src (id BIGINT PRIMARY KEY, raw {blob})")
    with any_engine.begin() as conn:
        conn.execute(sa.text("INSERT INTO src VALUES (1, :raw), (2, NULL)"), {"raw": b"\x00\xff\\t"})
    with connect(any_engine) as conn:
        source = Table("src", key="id")
        carry = {"raw": read_columns(conn, source)["raw"].type}
        chunk = next(read_chunks(conn, source, chunk_size=5)).join(claims([1, 2]).drop(columns="id"))
    write(any_engine, chunk, carry=carry)
    with any_engine.connect() as conn:
        found = conn.execute(sa.text("SELECT raw FROM scored ORDER BY id")).scalars().all()
    assert bytes(found[0]) == b"\x00\xff\\t"
    assert found[1] is None


@pytest.mark.parametrize("name", ["postgres_engine", "psycopg3_engine"])
def test_postgres_documents_uuids_and_arrays_are_carried(name: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue(name)
    execute(
        engine,
        "CREATE TABLE src (id BIGINT PRIMARY KEY, j JSONB, u UUID)",
        """INSERT INTO src VALUES (1, '{"a": ["x\\\\ty"]}', '00000000-0000-0000-0000-000000000001')""",
    )
    source = Table("src", key="id")
    with connect(engine) as conn:
        types = {name: column.type for name, column in read_columns(conn, source).items()}
        chunk = next(read_chunks(conn, source, chunk_size=5)).join(claims([1]).drop(columns="id"))
    write(engine, chunk, carry={"j": types["j"], "u": types["u"]})
    with engine.connect() as conn:
        same = conn.execute(sa.text("SELECT src.j = s.j AND src.u = s.u FROM src JOIN scored s USING (id)"))
        assert same.scalar_one() is True
