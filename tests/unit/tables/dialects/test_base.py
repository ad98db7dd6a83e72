from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, registry

from airflow_provider_aiguard.core.errors import ColumnTypeError, ConfigurationError
from airflow_provider_aiguard.core.outputs import Output, OutputType
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.dialects.base import Dialect, dialect_of, portable_type
from airflow_provider_aiguard.tables.kinds import ColumnInfo
from airflow_provider_aiguard.tables.writer import ClaimWriter


def connected_to(name: str) -> sa.Connection:
    dialect = registry.load(name)()
    return cast("sa.Connection", SimpleNamespace(dialect=dialect))


@pytest.mark.parametrize("name", ["sqlite", "duckdb", "postgresql"])
def test_each_supported_database_has_a_leaf(name: str) -> None:
    assert type(dialect_of(connected_to(name))).__module__.endswith(name.removesuffix("ql"))


def test_another_database_is_read_from_but_not_written_to() -> None:
    conn = connected_to("mysql")
    assert type(dialect_of(conn)) is Dialect
    expected = r"Claims cannot be written to 'mysql': only to sqlite, duckdb and postgresql"
    with pytest.raises(ConfigurationError, match=expected):
        ClaimWriter(conn, Table("t"), [Output("o", OutputType.TEXT)], key={"id": sa.Integer()})


def test_a_leaf_must_say_how_it_stages_and_upserts() -> None:
    class Half(Dialect):
        pass

    target = sa.table("t", sa.column("id"))
    with pytest.raises(NotImplementedError, match=r"^$"):
        Half().stage(connected_to("mysql"), pd.DataFrame(), target, [])
    with pytest.raises(NotImplementedError, match=r"^$"):
        Half().upsert(target, {}, ["id"])
    assert not Half().is_busy(ValueError("locked"))
    assert Half().reason(ValueError("with a value")) == "ValueError"
    Half().serialise(connected_to("mysql"), Table("t"))


def test_the_key_condition_is_spelled_out() -> None:
    keys = [ColumnInfo(name, sa.Integer()) for name in "abc"]
    made = Dialect().after(keys, (1, 2, 3)).compile(compile_kwargs={"literal_binds": False})
    assert str(made).replace("\n", "") == (
        "a >= :param_1 AND (a > :param_1 OR b >= :param_2 AND (b > :param_2 OR c > :param_3))"
    )
    assert set(made.params.values()) == {1, 2, 3}


@pytest.mark.parametrize(
    ("target", "declared", "expected"),
    [
        ("sqlite", sa.DateTime(timezone=True), "TIMESTAMPTZ"),
        ("sqlite", sa.DateTime(), "DATETIME"),
        ("sqlite", sa.Numeric(5, 2), "DECIMAL_TEXT"),
        ("duckdb", sa.Numeric(5, 2), "NUMERIC(5, 2)"),
        ("duckdb", sa.Numeric(), "NUMERIC(38, 18)"),
        ("duckdb", sa.Numeric(60, 3), "NUMERIC(38, 18)"),
        ("postgresql", sa.Numeric(), "NUMERIC"),
        ("postgresql", sa.SmallInteger(), "BIGINT"),
        ("postgresql", postgresql.JSONB(), "JSONB"),
        ("duckdb", postgresql.JSONB(), "JSON"),
        ("duckdb", sa.Uuid(), "UUID"),
    ],
)
def test_a_type_of_one_database_in_another(target: str, declared: Any, expected: str) -> None:
    conn = connected_to(target)
    made = portable_type(dialect_of(conn), conn, "c", declared)
    assert made.compile(dialect=conn.dialect) == expected


def test_a_type_the_target_has_no_column_for() -> None:
    conn = connected_to("sqlite")
    with pytest.raises(ColumnTypeError, match=r"Column 'c' has type NullType\(\), which sqlite has no column for"):
        portable_type(dialect_of(conn), conn, "c", sa.types.NullType())
    with pytest.raises(ColumnTypeError, match=r"which sqlite has no column for\. Leave it out"):
        portable_type(dialect_of(conn), conn, "c", sa.ARRAY(sa.Integer()))
