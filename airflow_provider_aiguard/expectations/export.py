"""A feature schema as a Great Expectations suite, for projects that enforce their suites elsewhere.

Not every rule has an expectation that means the same. Great Expectations compares declared types by name and size, so
types that have sizes (text, numbers with a point) are left out; so are ``null with``, and ``allow_extra: false``, which
spares keys and companions. The suite says under ``meta["aiguard"]["left_out"]`` what it does not have.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.schema import FeatureSchema, RelationRule, SchemaRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from great_expectations.core import ExpectationSuite

TYPE_NAMES = {
    OutputType.INTEGER: ["BIGINT", "INTEGER", "INT", "SMALLINT"],
    OutputType.BOOLEAN: ["BOOLEAN", "BOOL"],
    OutputType.DATE: ["DATE"],
    OutputType.TIMESTAMP: ["TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE", "TIMESTAMP WITH TIME ZONE", "DATETIME"],
}
"""Names that SQLite, DuckDB and PostgreSQL have for a type, for those that have no size."""


def suite_of(schema: FeatureSchema, name: str | None = None, *, types: bool = True) -> ExpectationSuite:
    """Make a suite that expects what a schema demands.

    ``suite_of(schema).to_json_dict()`` is the JSON that Great Expectations, and ``ExpectationsCheckOperator``, read.
    The shares of rows that may break a rule become ``mostly``, which counts among the values that are not NULL.

    :param schema: what a table must be like.
    :param name: name of the suite; default the schema's table, or ``features``.
    :param types: whether to expect types. Great Expectations on its own takes ``BIGINT``, ``DATE`` and ``DATETIME``
        columns of SQLite for something else; in ``ExpectationsCheckOperator`` it does not.
    """
    from great_expectations.core import ExpectationSuite

    expectations = []
    left_out = [] if schema.allow_extra else ["allow_extra"]
    for rule in schema.rules():
        found = None if rule.check == "schema.type" and not types else _EXPECTATIONS[rule.check](rule)
        if found is None:
            left_out.append(f"{rule.check} of {rule.column}")
        else:
            expectations.append(_expectation(*found))
    suite = ExpectationSuite(name=name or schema.table or "features", expectations=expectations)
    suite.meta["aiguard"] = {"table": schema.table, "rows": schema.rows, "left_out": left_out}
    return suite


Found = tuple[str, dict[str, Any]] | None


def _expectation(kind: str, kwargs: dict[str, Any]) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    return ExpectationConfiguration(
        type=kind, kwargs={key: value for key, value in kwargs.items() if value is not None}
    )


def _mostly(rule: SchemaRule) -> float | None:
    return round(1 - rule.max_share, 12) if rule.max_share else None


def _column(rule: SchemaRule) -> Found:
    return "expect_column_to_exist", {"column": rule.column}


def _type(rule: SchemaRule) -> Found:
    names = TYPE_NAMES.get(OutputType(rule.parameters["type"]))
    kwargs = {"column": rule.column, "type_list": names}
    return None if names is None else ("expect_column_values_to_be_in_type_list", kwargs)


def _nulls(rule: SchemaRule) -> Found:
    return "expect_column_values_to_not_be_null", {"column": rule.column, "mostly": _mostly(rule)}


def _range(rule: SchemaRule) -> Found:
    ends = {"min_value": _end(rule.parameters["minimum"]), "max_value": _end(rule.parameters["maximum"])}
    return "expect_column_values_to_be_between", {"column": rule.column, **ends, "mostly": _mostly(rule)}


def _end(value: Any) -> Any:
    """A bound; of a timestamp as SQLite stores it, where it is compared as text."""
    if not isinstance(value, str) or len(value) <= len("2013-01-31"):
        return value
    return dt.datetime.fromisoformat(value).isoformat(sep=" ", timespec="microseconds")


def _categories(rule: SchemaRule) -> Found:
    kwargs = {"column": rule.column, "value_set": list(rule.parameters["categories"]), "mostly": _mostly(rule)}
    return "expect_column_values_to_be_in_set", kwargs


def _length(rule: SchemaRule) -> Found:
    ends = {"min_value": rule.parameters["minimum"], "max_value": rule.parameters["maximum"]}
    return "expect_column_value_lengths_to_be_between", {"column": rule.column, **ends, "mostly": _mostly(rule)}


def _relation(rule: SchemaRule) -> Found:
    left, right, kind = rule.column, rule.parameters["other"], RelationRule(rule.parameters["rule"])
    if kind is RelationRule.NULL_WITH:
        return None
    kwargs = {"column_A": right, "column_B": left, "ignore_row_if": "either_value_is_missing", "mostly": _mostly(rule)}
    if kind is RelationRule.EQUAL:
        return "expect_column_pair_values_to_be_equal", kwargs
    return "expect_column_pair_values_a_to_be_greater_than_b", {**kwargs, "or_equal": kind is RelationRule.AT_MOST}


_EXPECTATIONS: dict[str, Callable[[SchemaRule], Found]] = {
    "schema.column": _column,
    "schema.type": _type,
    "schema.nulls": _nulls,
    "schema.range": _range,
    "schema.categories": _categories,
    "schema.length": _length,
    "schema.relation": _relation,
}
