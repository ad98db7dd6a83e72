"""What cannot be a stored profile is refused, and the error names column and value."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile

COLUMN = ColumnProfile(
    name="x",
    kind=ColumnKind.NUMERIC,
    type="DOUBLE",
    edges=(0.0, 1.0, 2.5),
    rows=3,
    nulls=1,
    counts=(0, 1, 0, 1),
    finite=2,
    total=3.5,
    squares=9.25,
    minimum=0.5,
    maximum=3.0,
)


def forged(**changed):
    table = TableProfile(table="t", rows=3, columns={"x": replace(COLUMN, **changed)})
    return json.loads(json.dumps(table.to_dict()))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"counts": (-1, 1, 1, 1)}, r"counts\[0\] is -1, which is no count"),
        ({"counts": (0.5, 0.5, 0, 1)}, r"counts\[0\] is 0\.5"),
        ({"counts": (0, True, 0, 1)}, r"counts\[1\] is True"),
        ({"nulls": -1}, "nulls is -1"),
        ({"rows": 9}, "add up to 3 rows, not to 9"),
        ({"counts": (2,)}, "has 1 cells, and its grid 4"),
        ({"finite": 7}, "7 numbers in the moments of 2 values"),
        ({"edges": (0.0, 2.5, 1.0)}, "edges do not ascend"),
        ({"squares": -1.0}, "squares is -1.0"),
        ({"design_effects": {"values": -2.0}}, r"design_effects\['values'\] is -2\.0"),
        ({"patterns": {"empty": -1}}, r"patterns\['empty'\] is -1"),
        ({"lengths": (-1,) * 33}, r"lengths\[0\] is -1"),
    ],
)
def test_what_cannot_be_counts_is_refused(changed, what):
    with pytest.raises(ConfigurationError, match=rf"column 'x' cannot be one: .*{what}"):
        TableProfile.from_dict(forged(**changed))


@pytest.mark.parametrize(
    ("key", "value"), [("edges", "no base 85 \\"), ("counts", "c$}o"), ("kind", "colour"), ("nulls", None)]
)
def test_what_is_no_column_is_refused(key, value):
    stored = forged()
    stored["columns"][0][key] = value
    with pytest.raises(ConfigurationError, match="stored profile of column 'x' cannot be one"):
        TableProfile.from_dict(stored)
    del stored["columns"][0][key]
    with pytest.raises(ConfigurationError, match="stored profile of column 'x' cannot be one"):
        TableProfile.from_dict(stored)


@pytest.mark.parametrize("counts", [[1, 2, 3], [1, 2, 3, -4], [1, 2, 3, 0.5]])
def test_forged_pairs_are_refused(counts):
    stored = forged() | {"pairs": [["x", "y", *counts]]}
    with pytest.raises(ConfigurationError, match=r"x and y.*the counts of the pair are"):
        TableProfile.from_dict(stored)


@pytest.mark.parametrize("changed", [{"rows": -1}, {"sample": 0}, {"sample": 2.0}, {"clusters": -1}, {"rows": "many"}])
def test_a_table_that_cannot_be_is_refused(changed):
    (name,) = changed
    with pytest.raises(ConfigurationError, match=f"stored profile of table 't' cannot be one: {name} is"):
        TableProfile.from_dict(forged() | changed)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"minimum": 9.0}, "lowest value 9.0 is above its highest 3.0"),
        ({"buckets": (0,)}, "has 1 buckets, not 16"),
        ({"lengths": (0,)}, "has 1 cells of lengths"),
        ({"patterns": []}, r"patterns is \[\], which is no object"),
        ({"levels": (1,)}, r"levels\[0\] is 1, which is no text"),
        ({"cutoff": 0}, "cutoff is 0, which is no count of at least 1"),
        ({"total": 10**400}, "total is 1000*, which is no finite number"),
        ({"learnt": 1}, "learnt is 1, which is no true or false"),
    ],
)
def test_each_field_is_of_its_kind(changed, what):
    with pytest.raises(ConfigurationError, match=rf"column 'x' cannot be one: .*{what}"):
        TableProfile.from_dict(forged(**changed))


def test_a_table_without_a_field_is_refused():
    stored = forged()
    del stored["clusters"]
    with pytest.raises(ConfigurationError, match="table 't' cannot be one: it has no 'clusters'"):
        TableProfile.from_dict(stored)


def test_pairs_name_two_columns():
    with pytest.raises(ConfigurationError, match="names no two columns"):
        TableProfile.from_dict(forged() | {"pairs": [["x", 1, 2, 3, 4, 5]]})
