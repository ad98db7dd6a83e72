from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ConfigurationError, TableNotFoundError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.columns import ColumnInfo, condition, rows_of, select_columns, sql_table

COLUMNS = {"id": ColumnInfo("id", sa.BigInteger(), nullable=False), "month": ColumnInfo("month", sa.Integer())}


def compiled(table: Table) -> Any:
    return sa.select(sa.literal_column("1")).where(condition(table)).compile()


def test_values_are_bound_never_written_into_the_statement() -> None:
    hostile = "1; DROP TABLE x --"
    made = compiled(Table("t", where="month = :month", parameters={"month": hostile}))
    assert list(made.params.values()) == [hostile]
    assert "DROP" not in str(made)


def test_an_or_of_the_author_cannot_reach_other_conditions() -> None:
    table = Table("t", where="a = 1 OR b = 2 -- note")
    one: sa.ColumnElement[int] = sa.literal_column("1")
    query = sa.select(one).where(condition(table), sa.column("id") > 3)
    assert "(a = 1 OR b = 2 -- note\n) AND id > " in str(query)


def test_no_where_is_true() -> None:
    assert isinstance(condition(Table("t")), sa.True_)


@pytest.mark.parametrize(
    ("where", "parameters", "message"),
    [
        ("a = :x AND b = :y", {"x": 1}, r"uses parameter 'y', which has no value\. Add it: parameters=\{'y': \.\.\.\}"),
        ("a = 'at :noon'", {}, r"uses parameter 'noon'.*A colon that is no parameter is written"),
        ("a = :x", {"x": 1, "z": 2}, r"has parameter 'z', but where='a = :x' does not use it\. Write :z"),
        ("a = 1", {"x": 1}, r"has parameter 'x', but"),
    ],
)
def test_parameters_and_where_must_agree(where: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        condition(Table("t", where=where, parameters=parameters))


@pytest.mark.parametrize("where", ["d > '2020-01-01'::date", "t > '10:30'", "a = '\\:x'"])
def test_colons_that_are_no_parameters(where: str) -> None:
    assert compiled(Table("t", where=where)).params == {}


def test_rows_of_selects_typed_columns_of_the_rows_meant() -> None:
    query = rows_of(Table("t", schema="s", where="month = :m", parameters={"m": 1}), COLUMNS.values())
    assert [c.name for c in query.selected_columns] == ["id", "month"]
    assert isinstance(query.selected_columns[0].type, sa.BigInteger)
    assert str(query) == "SELECT s.t.id, s.t.month \nFROM s.t \nWHERE (month = :m_1\n)"


def test_sql_table_takes_names_too() -> None:
    clause = sql_table(Table("t"), ["a", COLUMNS["id"]])
    assert isinstance(clause.c.a.type, sa.types.NullType)
    assert isinstance(clause.c.id.type, sa.BigInteger)


def test_select_columns_keeps_the_order_asked_for_and_names_what_is_missing() -> None:
    assert list(select_columns(Table("t"), COLUMNS, ["month", "id", "month"])) == ["month", "id"]
    with pytest.raises(TableNotFoundError, match=r"Table 't' has no column 'x', 'y'\. It has: id, month\."):
        select_columns(Table("t"), COLUMNS, ["x", "id", "y"])
