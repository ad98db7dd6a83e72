from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.table import Table

names = st.text(min_size=1, max_size=10).filter(str.strip)
keys = st.none() | names | st.lists(names, min_size=1, max_size=3, unique=True).map(tuple)


@given(names, st.none() | names, keys, st.dictionaries(names, st.integers() | st.text(), max_size=2))
def test_round_trip(name: str, schema: str | None, key: Any, parameters: dict[str, Any]) -> None:
    table = Table(name, conn_id="c", schema=schema, key=key, where="x" if parameters else None, parameters=parameters)
    assert Table.from_dict(json.loads(json.dumps(table.to_dict()))) == table


@pytest.mark.parametrize(("key", "columns"), [(None, ()), ("id", ("id",)), (["a", "b"], ("a", "b")), (("a",), ("a",))])
def test_a_key_is_a_tuple_of_columns(key: Any, columns: tuple[str, ...]) -> None:
    assert Table("t", key=key).key_columns == columns


@pytest.mark.parametrize("key", ["", (), [], ("a", ""), ("a", 3), 5])
def test_a_key_without_columns_is_refused(key: Any) -> None:
    with pytest.raises(ConfigurationError, match="A table key is a column name or a sequence of them; got"):
        Table("t", key=key)


def test_a_repeated_key_column_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"\('a', 'b', 'a'\) repeats a column"):
        Table("t", key=("a", "b", "a"))


@pytest.mark.parametrize("name", ["", "  ", None, 3])
def test_a_table_needs_a_name(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="Table name must be a non-empty string; got"):
        Table(name)


def test_parameters_need_a_where() -> None:
    with pytest.raises(ConfigurationError, match=r"'t' has parameters \['month'\] but no where="):
        Table("t", parameters={"month": 1})


def test_require_key_names_the_table_and_the_remedy() -> None:
    assert Table("t", key="id").require_key() == ("id",)
    with pytest.raises(ConfigurationError, match=r"Table 's\.t' needs a key.*Table\('t', key='id'\)"):
        Table("t", schema="s").require_key()


def test_full_name() -> None:
    assert (Table("t").full_name, Table("t", schema="s").full_name) == ("t", "s.t")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Table("t", "c", "s", where="x = 1"), True),
        (Table("t", "c", "s", key="id"), True),
        (Table("u", "c", "s"), False),
        (Table("t", "d", "s"), False),
        (Table("t", "c"), False),
    ],
)
def test_the_same_table_whatever_rows(other: Table, same: bool) -> None:
    assert Table("t", "c", "s").is_same_table(other) is same
