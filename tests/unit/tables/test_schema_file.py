"""A schema as a file: what a person edits is read back, and what they got wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError, NotRecordedError
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.schema import ColumnSchema, FeatureSchema, Relation, RelationRule
from airflow_provider_aiguard.tables.schema_file import parse_schema, read_schema, schema_text, write_schema

GOOD = """\
version: 1
max_share: 0.001
columns:
  distance:
    type: integer
    max_null_share: 0.0
    range: [80, 5480]
  carrier:
    type: text
    categories: [AA, B6]
  day:
    type: date
    range: [2013-01-01, null]
relations:
- [distance, '==', distance]
"""
HOSTILE = FeatureSchema(
    table="a: b",
    rows=3,
    columns={
        name: ColumnSchema(name=name, type=OutputType.TEXT, categories=("no", "1", "", "ü: '", "null"))
        for name in ("yes", "1", "a: b", "#x", "ünï", "- q", "line\nbreak")
    },
    relations=(Relation(left="yes", rule=RelationRule.EQUAL, right="1"),),
)


def test_it_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "flights.yaml"
    for schema in (parse_schema(GOOD), HOSTILE):
        write_schema(file, schema, overwrite=True)
        assert read_schema(file) == schema
    assert list(tmp_path.iterdir()) == [file]


def test_it_looks_as_a_person_would_write_it() -> None:
    schema = parse_schema(GOOD)
    assert schema.columns["day"].minimum == "2013-01-01"
    text = schema_text(schema)
    assert "  distance:\n    type: integer\n    max_null_share: 0.0\n    range: [80, 5480]\n" in text
    assert "    categories: [AA, B6]\n" in text
    assert "- [distance, ==, distance]\n" in text
    assert text.startswith("# Feature schema, learnt from 0 rows")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("range: [80, 5480]", "range: [80, far]", 7, "Column 'distance': range 'far' is wrong"),
        ("range: [80, 5480]", "rnge: [80, 5480]", 7, "Column 'distance': unknown rule 'rnge'"),
        ("max_null_share: 0.0", "max_null_share: 2", 6, "Column 'distance': max_null_share"),
        ("type: integer", "type: int", 5, "Column 'distance': type must be one of"),
        ("[AA, B6]", "[AA, NO]", 10, "Column 'carrier': categories False is wrong"),
        ("'=='", "'~'", 15, "unknown rule '~'"),
        ("'==', distance", "'==', nowhere", 15, "no column 'nowhere'"),
        ("max_share: 0.001", "max_share: lots", 2, "max_share must be a number"),
        ("version: 1", "version: 7", 1, "version 7"),
        ("relations:", "relation:", 14, "no entry 'relation'"),
        (
            "  distance:\n    type: integer",
            "  distance: 5\n  other:\n    type: integer",
            4,
            "Column 'distance': expected",
        ),
        ("  carrier:", "  distance:", 8, "'distance' is there twice"),
        ("[AA, B6]", "[AA, B6", 11, "this is no YAML: expected ',' or ']'"),
        (GOOD, "- a\n- b\n", 1, "A feature schema is a mapping"),
        (GOOD, "", 1, "A feature schema is a mapping .* got None"),
        (GOOD, "version: 1\ncolumns:\n", 1, "columns must be a mapping"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    file = tmp_path / "flights.yaml"
    assert old in GOOD
    file.write_text(GOOD.replace(old, new, 1), "utf-8")
    with pytest.raises(ConfigurationError, match=rf"flights.yaml, line {line}: .*{message}"):
        read_schema(file)


def test_a_date_that_is_none_is_an_error_of_the_file() -> None:
    with pytest.raises(ConfigurationError, match=r"schema: this is no YAML: .*month must be in"):
        parse_schema(GOOD.replace("2013-01-01", "2013-13-01"))


def test_edits_are_not_lost(tmp_path: Path) -> None:
    file = tmp_path / "flights.yaml"
    schema = parse_schema(GOOD)
    write_schema(file, schema)
    write_schema(file, schema)
    edited = file.read_text("utf-8") + "# mine\n"
    file.write_text(edited, "utf-8")
    with pytest.raises(ConfigurationError, match="exists and is not what was learnt now: it may have been edited"):
        write_schema(file, schema)
    assert file.read_text("utf-8") == edited
    write_schema(file, schema, overwrite=True)
    assert "# mine" not in file.read_text("utf-8")


def test_where_the_file_is_must_be_sure(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"Schema path 'flights\.yaml' is relative"):
        read_schema("flights.yaml")
    with pytest.raises(NotRecordedError, match=r"There is no schema file '.*gone\.yaml'"):
        read_schema(tmp_path / "gone.yaml")
    with pytest.raises(ConfigurationError, match=r"There is no folder '.*nowhere'"):
        write_schema(tmp_path / "nowhere" / "flights.yaml", HOSTILE)
