"""A schema as a suite: passed by the table it describes, broken by every violation, on real Great Expectations."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.schema import ColumnSchema, FeatureSchema, Relation, RelationRule
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.expectations import suite_of

COLUMNS = {
    "id": sa.Integer(),
    "hour": sa.Integer(),
    "distance": sa.Double(),
    "carrier": sa.Text(),
    "late": sa.Boolean(),
    "day": sa.Date(),
    "dep": sa.DateTime(),
    "arr": sa.DateTime(),
    "gate": sa.Integer(),
}
FIRST, LAST = dt.datetime(2013, 1, 1), dt.datetime(2013, 1, 5, 3)  # noqa: DTZ001  columns without zone

SCHEMA = FeatureSchema(
    table="flights",
    rows=100,
    max_share=0.02,
    columns={
        column.name: column
        for column in (
            ColumnSchema(name="id", type=OutputType.INTEGER, max_null_share=0.0),
            ColumnSchema(name="hour", type=OutputType.INTEGER, max_null_share=0.0, minimum=0, maximum=23),
            ColumnSchema(name="distance", type=OutputType.NUMBER, max_null_share=0.1, maximum=9.0),
            ColumnSchema(name="carrier", type=OutputType.TEXT, categories=("AA", "B6"), min_length=2, max_length=2),
            ColumnSchema(name="late", type=OutputType.BOOLEAN),
            ColumnSchema(name="day", type=OutputType.DATE, minimum="2013-01-01", maximum="2013-01-05"),
            ColumnSchema(name="dep", type=OutputType.TIMESTAMP, minimum=FIRST.isoformat(), maximum=LAST.isoformat()),
            ColumnSchema(name="arr", type=OutputType.TIMESTAMP),
            ColumnSchema(name="gate", type=OutputType.INTEGER),
        )
    },
    relations=(
        Relation(left="dep", rule=RelationRule.AT_MOST, right="arr"),
        Relation(left="hour", rule=RelationRule.LESS, right="gate"),
        Relation(left="late", rule=RelationRule.NULL_WITH, right="arr"),
    ),
)


def rows():
    for i in range(100):
        dep = FIRST + dt.timedelta(hours=i)
        yield {
            "id": i,
            "hour": dep.hour,
            "distance": None if i % 20 == 0 else float(i % 10),
            "carrier": ["AA", "B6"][i % 2],
            "late": i % 3 == 0,
            "day": dep.date(),
            "dep": dep,
            "arr": None if i % 9 == 0 else dep + dt.timedelta(hours=i % 2),
            "gate": dep.hour + 1,
        }


def write(engine, name, made):
    table = sa.Table(name, sa.MetaData(), *(sa.Column(column, COLUMNS[column]) for column in made[0]))
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(sa.insert(table), made)


def test_the_training_table_passes(ask, engine):
    write(engine, "flights", list(rows()))
    verdict = ask(Table("flights", "wh"), suite_of(SCHEMA).to_json_dict())
    assert [check.message for check in verdict.checks if check.outcome is not Outcome.PASS] == []
    assert len(verdict.checks) == 27


VIOLATIONS = [
    ({"hour": 24}, ["hour values_to_be_between", " pair_values_a_to_be_greater_than_b"]),
    ({"hour": None}, ["hour values_to_not_be_null"]),
    ({"distance": 9.5}, ["distance values_to_be_between"]),
    ({"distance": None}, ["distance values_to_not_be_null"]),
    ({"carrier": "HA"}, ["carrier values_to_be_in_set"]),
    ({"carrier": "B"}, ["carrier values_to_be_in_set", "carrier value_lengths_to_be_between"]),
    ({"day": dt.date(2013, 1, 6)}, ["day values_to_be_between"]),
    ({"dep": LAST + dt.timedelta(seconds=1)}, ["dep values_to_be_between", " pair_values_a_to_be_greater_than_b"]),
    ({"gate": 0}, [" pair_values_a_to_be_greater_than_b"]),
]


@pytest.mark.parametrize(("change", "broken"), VIOLATIONS, ids=lambda value: str(value)[:30])
def test_a_violation_breaks_its_expectation_and_no_other(ask, engine, change, broken):
    made = [row | (change if i < 12 else {}) for i, row in enumerate(rows())]
    write(engine, "flights", made)
    verdict = ask(Table("flights", "wh"), suite_of(SCHEMA).to_json_dict())
    assert verdict.outcome is Outcome.BREACH
    found = [
        f"{c.column or ''} {c.check.removeprefix('expectations.expect_column_')}" for c in verdict.of(Outcome.BREACH)
    ]
    assert sorted(found) == sorted(broken)


def test_few_violations_are_allowed(ask, engine):
    made = [row | ({"hour": 24, "carrier": "HA", "gate": 30} if i == 40 else {}) for i, row in enumerate(rows())]
    write(engine, "flights", made)
    assert ask(Table("flights", "wh"), suite_of(SCHEMA).to_json_dict()).outcome is Outcome.PASS


def test_a_column_that_is_missing_or_of_another_type(ask, engine):
    made = [{k: v for k, v in row.items() if k != "gate"} | {"id": i % 2 == 0} for i, row in enumerate(rows())]
    table = sa.Table(
        "flights",
        sa.MetaData(),
        *(sa.Column(c, sa.Boolean() if c == "id" else kind) for c, kind in COLUMNS.items() if c != "gate"),
    )
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(sa.insert(table), made)
    verdict = ask(Table("flights", "wh"), suite_of(SCHEMA).to_json_dict())
    assert {(c.column, c.check.rpartition(".")[2]) for c in verdict.of(Outcome.BREACH)} == {
        ("gate", "expect_column_to_exist"),
        ("id", "expect_column_values_to_be_in_type_list"),
    }


def test_what_has_no_expectation_is_named():
    strict = FeatureSchema.from_dict(SCHEMA.to_dict() | {"allow_extra": False})
    suite = suite_of(strict, name="features")
    assert suite.name == "features"
    assert suite.meta["aiguard"] == {
        "table": "flights",
        "rows": 100,
        "left_out": [
            "allow_extra",
            "schema.type of distance",
            "schema.type of carrier",
            "schema.relation of late",
        ],
    }
    assert json.loads(json.dumps(suite.to_json_dict()))["meta"]["aiguard"]["rows"] == 100


def test_types_can_be_left_out():
    left_out = suite_of(SCHEMA, types=False).meta["aiguard"]["left_out"]
    assert len([rule for rule in left_out if rule.startswith("schema.type of ")]) == len(COLUMNS)


def test_equal_columns(ask, engine):
    write(engine, "flights", [{"id": 1, "hour": 1}, {"id": 2, "hour": None}])
    columns = {name: ColumnSchema(name=name, type=OutputType.INTEGER) for name in ("id", "hour")}
    same = FeatureSchema(columns=columns, relations=(Relation(left="id", rule=RelationRule.EQUAL, right="hour"),))
    assert ask(Table("flights", "wh"), suite_of(same).to_json_dict()).outcome is Outcome.PASS
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO flights VALUES (3, 4)")
    assert ask(Table("flights", "wh"), suite_of(same).to_json_dict()).outcome is Outcome.BREACH
