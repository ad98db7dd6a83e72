"""Suites as authors give them, and what is wrong with some."""

from __future__ import annotations

import json

import great_expectations as gx
import great_expectations.expectations as gxe
import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.expectations.suites import load_suite

NAMED = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "name", "mostly": 0.9}}


def suite(*expectations):
    return {"name": "people", "expectations": list(expectations)}


def kinds(loaded):
    return [expectation.expectation_type for expectation in loaded.expectations]


def test_what_great_expectations_writes_is_read():
    written = gx.ExpectationSuite(
        name="people",
        expectations=[
            gxe.ExpectColumnValuesToNotBeNull(column="name", mostly=0.9, severity="warning", notes="n"),
            gxe.ExpectColumnValuesToNotBeNull(column="name"),
        ],
    ).to_json_dict()
    loaded = load_suite(json.loads(json.dumps(written)))
    assert (loaded.name, kinds(loaded)) == ("people", [NAMED["type"]] * 2)
    assert [e.severity for e in loaded.expectations] == ["warning", "critical"]
    assert loaded.expectations[0].mostly == 0.9


def test_a_file_and_a_function(tmp_path):
    file = tmp_path / "people.json"
    file.write_text(json.dumps(suite(NAMED) | {"id": "3f1f", "meta": {}, "notes": None}))
    made = gx.ExpectationSuite(name="made", expectations=[gxe.ExpectTableRowCountToEqual(value=3)])
    assert kinds(load_suite(str(file))) == [NAMED["type"]]
    assert load_suite(lambda: made) is made
    assert kinds(load_suite(lambda: str(file))) == [NAMED["type"]]


def test_ours_can_be_named_in_json():
    ours = {"type": "expect_table_to_match_baseline", "kwargs": {"baseline": "january"}}
    assert kinds(load_suite(suite(ours))) == ["expect_table_to_match_baseline"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (3, "suite must be a Great Expectations suite as a dict, .*; got int"),
        (lambda: None, "suite must be a Great Expectations suite as a dict, .*; got NoneType"),
        ("nowhere.json", "Suite file 'nowhere.json' cannot be read: No such file"),
        (suite({"type": "expect_magic", "kwargs": {}}), "Suite 'people' is not valid: expect_magic not found"),
        (
            suite(NAMED | {"kwargs": {"column": "name", "mostly": 7}}),
            "Suite 'people' is not valid: .*less than or equal to 1",
        ),
        (suite(NAMED | {"kwargs": {}}), "Suite 'people' is not valid: 1 validation error"),
        (suite(NAMED, "expect_more"), "an expectation is a mapping with type and kwargs, got 'expect_more'"),
        (suite(NAMED | {"severity": "mild"}), "Invalid severity 'mild'"),
    ],
)
def test_what_is_wrong_is_named_and_never_left_out(source, message):
    with pytest.raises(ConfigurationError, match=f"(?s){message}"):
        load_suite(source)


def test_an_expectation_that_great_expectations_itself_cannot_find():
    """It exports one under a name that it does not register."""
    made = gx.ExpectationSuite(
        name="s", expectations=[gxe.ExpectMulticolumnValuesToBeUnique(column="a", column_list=["a", "b"])]
    )
    with pytest.raises(ConfigurationError, match="Suite 's' is not valid: expect_multicolumn_values_to_be_unique not"):
        load_suite(made)


def test_a_file_that_is_no_json(tmp_path):
    file = tmp_path / "people.json"
    file.write_text("expectations:")
    with pytest.raises(ConfigurationError, match="is not JSON"):
        load_suite(str(file))
