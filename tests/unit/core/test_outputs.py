from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.outputs import Output, OutputType, parse_outputs


def test_names_alone_leave_the_type_open() -> None:
    assert parse_outputs(["late", "why"]) == (Output("late"), Output("why"))


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (bool, OutputType.BOOLEAN),
        (int, OutputType.INTEGER),
        (float, OutputType.NUMBER),
        (str, OutputType.TEXT),
        (Decimal, OutputType.DECIMAL),
        (dt.date, OutputType.DATE),
        (dt.datetime, OutputType.TIMESTAMP),
        *((str(kind), kind) for kind in OutputType),
        (OutputType.NUMBER, OutputType.NUMBER),
        (None, None),
    ],
)
def test_types_by_class_or_name(declared: Any, expected: OutputType | None) -> None:
    assert parse_outputs({"x": declared}) == (Output("x", expected),)


@pytest.mark.parametrize("labels", [["a", "b"], ("a", "b")])
def test_a_list_of_labels_is_text(labels: Any) -> None:
    assert parse_outputs({"x": labels}) == (Output("x", OutputType.TEXT, ("a", "b")),)


@pytest.mark.parametrize("declared", ["late", "", [], {}, ()])
def test_at_least_one_column_is_named(declared: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"outputs must name at least one column, such as \['late'\]; got"):
        parse_outputs(declared)


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_name_is_a_string(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="An output must be a column name; got"):
        parse_outputs([name])


@pytest.mark.parametrize("kind", ["bool", "float64", bytes, [], [1, 2], 3, list])
def test_unknown_types_are_refused_with_the_choice(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Output 'x' has type .*Use one of \['boolean'.*list of labels"):
        parse_outputs({"x": kind})


@pytest.mark.parametrize("names", [["a", "a"], ["a", "a__run"], ["a__confidence", "a"]])
def test_columns_must_not_meet(names: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="repeat a column or a companion column"):
        parse_outputs(names)


def test_an_output_knows_its_companions() -> None:
    assert Output("late").companions.names == ("late__provenance", "late__confidence", "late__run")
