"""A schema survives JSON, and says what is wrong with which column and value."""

from __future__ import annotations

import json

import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.schema import ColumnSchema, FeatureSchema, Relation, RelationRule, SchemaRule

SCHEMA = FeatureSchema(
    table="flights",
    rows=1_000,
    columns={
        "distance": ColumnSchema(
            name="distance", type=OutputType.INTEGER, minimum=80, maximum=5480, max_null_share=0.0
        ),
        "carrier": ColumnSchema(name="carrier", type=OutputType.TEXT, categories=("AA", "B6"), max_null_share=0.02),
        "note": ColumnSchema(name="note", type=OutputType.TEXT, min_length=1, max_length=200),
        "left": ColumnSchema(name="left", type=OutputType.TIMESTAMP, minimum="2013-01-01T00:00:00"),
        "came": ColumnSchema(name="came", type=OutputType.TIMESTAMP),
        "blob": ColumnSchema(name="blob"),
    },
    relations=(
        Relation(left="left", rule=RelationRule.AT_MOST, right="came"),
        Relation(left="left", rule=RelationRule.NULL_WITH, right="came"),
    ),
    max_share=0.001,
)


def test_it_survives_json() -> None:
    assert FeatureSchema.from_dict(json.loads(json.dumps(SCHEMA.to_dict()))) == SCHEMA


def test_the_rules_are_plain_and_complete() -> None:
    found = [(r.check, r.column, r.max_share, dict(r.parameters)) for r in SCHEMA.rules()]
    assert found == [
        ("schema.column", "distance", 0, {}),
        ("schema.type", "distance", 0, {"type": "integer"}),
        ("schema.nulls", "distance", 0, {}),
        ("schema.range", "distance", 0.001, {"minimum": 80, "maximum": 5480}),
        ("schema.column", "carrier", 0, {}),
        ("schema.type", "carrier", 0, {"type": "text"}),
        ("schema.nulls", "carrier", 0.02, {}),
        ("schema.categories", "carrier", 0.001, {"categories": ["AA", "B6"]}),
        ("schema.column", "note", 0, {}),
        ("schema.type", "note", 0, {"type": "text"}),
        ("schema.length", "note", 0.001, {"minimum": 1, "maximum": 200}),
        ("schema.column", "left", 0, {}),
        ("schema.type", "left", 0, {"type": "timestamp"}),
        ("schema.range", "left", 0.001, {"minimum": "2013-01-01T00:00:00", "maximum": None}),
        ("schema.column", "came", 0, {}),
        ("schema.type", "came", 0, {"type": "timestamp"}),
        ("schema.column", "blob", 0, {}),
        ("schema.relation", "left", 0.001, {"rule": "<=", "other": "came"}),
        ("schema.relation", "left", 0.001, {"rule": "null with", "other": "came"}),
    ]
    json.dumps(found)
    assert isinstance(SCHEMA.rules()[0], SchemaRule)
    assert SCHEMA.relations[0].text == "left <= came"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("integer", r"Column 'c': expected a mapping such as \{type: integer\}; got 'integer'"),
        ({"typ": "text"}, "Column 'c': unknown rule 'typ'; the rules are"),
        ({"type": "float"}, r"Column 'c': type must be one of \['boolean', .*'any'\]; got 'float'"),
        ({"max_null_share": 5}, r"Column 'c': max_null_share must be a number in \[0, 1\]; got 5"),
        ({"type": "integer", "range": 5}, r"Column 'c': range must be \[lowest, highest\], null for no limit; got 5"),
        (
            {"type": "integer", "range": ["a", None]},
            "Column 'c': range 'a' is wrong: range of a number has two numbers",
        ),
        ({"type": "number", "range": [True, None]}, "Column 'c': range True is wrong"),
        ({"type": "number", "range": [float("nan"), 1]}, "Column 'c': range nan is wrong"),
        ({"type": "integer", "range": [9, 1]}, r"Column 'c': range \[9, 1\] is wrong: range starts above its end"),
        ({"type": "date", "range": ["1 May", None]}, "'1 May' is wrong: range of a date has two .* '2013-01-31'"),
        ({"type": "timestamp", "range": [5, None]}, "Column 'c': range 5 is wrong: range of a timestamp"),
        ({"type": "text", "range": [1, 2]}, "Column 'c': range 1 is wrong: range needs type date, decimal, integer"),
        ({"range": [1, 2]}, "range needs type"),
        ({"type": "text", "categories": "AA"}, "Column 'c': categories must be a list of values; got 'AA'"),
        ({"type": "text", "categories": [True]}, "categories True is wrong: .* must be of that type: quote text"),
        ({"type": "integer", "categories": ["1"]}, "categories '1' is wrong"),
        (
            {"type": "boolean", "categories": ["1"]},
            r"categories \['1'\] is wrong: categories need type text or integer",
        ),
        ({"type": "integer", "length": [1, 2]}, "length 1 is wrong: length needs type text"),
        ({"type": "text", "length": [-1, 2]}, "length -1 is wrong: length has two whole numbers of at least 0"),
        ({"type": "text", "length": [5, 2]}, r"length \[5, 2\] is wrong: length starts above its end"),
    ],
)
def test_a_wrong_column_says_what_is_wrong(rules: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ColumnSchema.from_dict("c", rules)


def test_a_column_has_a_name() -> None:
    with pytest.raises(ConfigurationError, match="needs a name that is text; got 5"):
        ColumnSchema.from_dict(5, {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "The schema is of version 2; this release reads version 1"),
        ({"colums": {}}, "A feature schema has no entry 'colums'; it has"),
        ({"columns": {}}, "needs at least one column under columns"),
        ({"columns": []}, "columns must be a mapping of column to its rules"),
        ({"max_share": "some"}, r"max_share must be a number in \[0, 1\]; got 'some'"),
        ({"allow_extra": 1}, "allow_extra must be true or false; got 1"),
        ({"relations": ["left <= came"]}, r"A relation is \[column, rule, column\].*; got 'left <= came'"),
        ({"relations": [["left", "=<", "came"]]}, r"unknown rule '=<'; use one of \['<', '<=', '==', 'null with'\]"),
        ({"relations": [["left", "<=", "gone"]]}, "the schema has no column 'gone'. Add it under columns"),
        ({"relations": [["left", "<=", "distance"]]}, r"types \['integer', 'timestamp'\]. An order needs two numbers"),
        ({"relations": [["carrier", "<", "note"]]}, r"types \['text'\]. An order needs"),
        ({"relations": [["blob", "==", "blob"]]}, r"types \['any'\]"),
    ],
)
def test_a_wrong_schema_says_what_is_wrong(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        FeatureSchema.from_dict(SCHEMA.to_dict() | change)


def test_no_mapping_is_no_schema() -> None:
    with pytest.raises(ConfigurationError, match="A feature schema is a mapping with version and columns; got None"):
        FeatureSchema.from_dict(None)


def test_what_is_not_said_is_not_checked() -> None:
    schema = FeatureSchema.from_dict({"version": 1, "columns": {"a": {}, "b": {"type": "text"}}})
    assert [(r.check, r.column) for r in schema.rules()] == [
        ("schema.column", "a"),
        ("schema.column", "b"),
        ("schema.type", "b"),
    ]
    equal = [["b", "==", "b"], ["a", "null with", "b"]]
    assert len(FeatureSchema.from_dict(schema.to_dict() | {"relations": equal}).relations) == 2


def test_a_column_may_have_a_share_of_its_own() -> None:
    schema = FeatureSchema.from_dict(
        {"version": 1, "max_share": 0.1, "columns": {"a": {"type": "text", "categories": ["x"], "max_share": 0}}}
    )
    assert [r.max_share for r in schema.rules() if r.check == "schema.categories"] == [0]
    assert FeatureSchema.from_dict(schema.to_dict()) == schema
    with pytest.raises(ConfigurationError, match=r"Column 'a': max_share must be a number in \[0, 1\]; got 2"):
        ColumnSchema.from_dict("a", {"max_share": 2})


def test_times_are_ordered_as_moments() -> None:
    rules = {"type": "timestamp", "range": ["2013-01-01T05:00:00+05:30", "2013-01-01T00:00:00"]}
    assert ColumnSchema.from_dict("c", rules).minimum == "2013-01-01T05:00:00+05:30"
    with pytest.raises(ConfigurationError, match="range starts above its end"):
        ColumnSchema.from_dict("c", {"type": "timestamp", "range": ["2013-01-01T06:00:00+05:30", "2013-01-01"]})
