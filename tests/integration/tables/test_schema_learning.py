"""A feature schema is learnt and enforced where the rows are, on three engines, whatever the columns are called."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import EmptyTableError, TableNotFoundError
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.schema import ColumnSchema, FeatureSchema, Relation, RelationRule
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.schema import schema_evidence
from airflow_provider_aiguard.tables.schema_learning import learn_schema

HOSTILE = ['we"ird', "semi; DROP TABLE t", "per%cent %s", "co:lon :x", "sélect", "select", "a b", "back\\slash", "it's"]
N = 400


def create(engine, name, kinds, rows):
    table = sa.Table(name, sa.MetaData(), *(sa.Column(c, kind) for c, kind in kinds.items()))
    with engine.begin() as conn:
        table.create(conn)
        for start in range(0, len(rows), 100):
            conn.execute(sa.insert(table).values(rows[start : start + 100]))


def flights(engine, name="flights", n=N, **changes):
    """Rows of every kind; ``changes`` maps a column to a function of the row's number."""
    kinds = {
        "id": sa.Integer(),
        "distance": sa.Integer(),
        "delay": sa.Double(),
        "price": sa.Numeric(10, 2),
        "carrier": sa.Text(),
        "note": sa.Text(),
        "late": sa.Boolean(),
        "day": sa.Date(),
        "left_at": sa.DateTime(),
        "came_at": sa.DateTime(),
        "late__confidence": sa.Double(),
    }
    start = dt.datetime(2013, 1, 1, 6)  # noqa: DTZ001  the columns have no zone
    make = {
        "id": lambda i: i,
        "distance": lambda i: 100 + i,
        "delay": lambda i: None if i % 10 == 0 else (i % 50) - 10.5,
        "price": lambda i: (i % 90) + 0.5,
        "carrier": lambda i: ("AA", "B6", "HA")[i % 3],
        "note": lambda i: f"note {i}",
        "late": lambda i: i % 4 == 0,
        "day": lambda i: (start + dt.timedelta(days=i)).date(),
        "left_at": lambda i: None if i % 20 == 0 else start + dt.timedelta(hours=i),
        "came_at": lambda i: None if i % 20 == 0 else start + dt.timedelta(hours=i + i % 5),
        "late__confidence": lambda i: 0.9,
    } | changes
    create(engine, name, kinds, [{c: make[c](i) for c in kinds} for i in range(n)])


def learn(engine, name="flights", columns=None, **kwargs):
    with engine.connect() as conn:
        return learn_schema(conn, Table(name, key="id"), columns, **kwargs)


def judge(engine, schema, table="flights"):
    with engine.connect() as conn:
        return schema_evidence(conn, Table(table, key="id") if isinstance(table, str) else table, schema)


def broken(evidence):
    return {
        (c.rule.parameters.get("rule", c.rule.check.removeprefix("schema.")), c.rule.column): c.broken
        for c in evidence.counts
        if c.broken
    }


def test_what_is_learnt(engine):
    flights(engine)
    schema = learn(engine)
    assert (schema.table, schema.rows, schema.allow_extra) == ("flights", N, True)
    assert "id" not in schema.columns
    assert "late__confidence" not in schema.columns
    columns = schema.columns
    assert (columns["distance"].minimum, columns["distance"].maximum) == (60, 540)
    assert columns["delay"].minimum == pytest.approx(-16, abs=1.1)
    assert columns["delay"].maximum == pytest.approx(43.5, abs=1.1)
    assert columns["price"].minimum == 0
    assert columns["carrier"].categories == ("AA", "B6", "HA")
    assert (columns["note"].categories, columns["note"].min_length, columns["note"].max_length) == ((), 1, 12)
    assert (columns["late"].type, columns["late"].minimum) == (OutputType.BOOLEAN, None)
    assert (columns["day"].minimum, columns["day"].maximum) == ("2012-11-22", None)
    assert columns["left_at"].minimum < "2013-01-01"
    assert 0.1 < columns["delay"].max_null_share < 0.17
    assert 0 < columns["distance"].max_null_share == schema.max_share < 0.02
    assert [r.text for r in schema.relations] == ["left_at <= came_at", "left_at null with came_at"]


def test_the_training_table_keeps_its_own_schema(engine):
    flights(engine)
    evidence = judge(engine, learn(engine, slack=0))
    assert (evidence.rows, evidence.missing, evidence.extra) == (N, (), ())
    assert {(c.check, c.column) for c in (c.rule for c in evidence.counts)} >= {
        ("schema.range", "left_at"),
        ("schema.range", "price"),
        ("schema.relation", "left_at"),
        ("schema.length", "note"),
    }
    assert {key for key in broken(evidence) if key[0] != "nulls"} == set()
    assert broken(evidence) == {("nulls", "delay"): 40, ("nulls", "left_at"): 20, ("nulls", "came_at"): 20}
    assert not any(c.reason or c.found for c in evidence.counts)


def test_every_rule_is_counted(engine):
    flights(engine)
    schema = learn(engine)
    start = dt.datetime(2013, 1, 1)  # noqa: DTZ001
    flights(
        engine,
        "later",
        100,
        distance=lambda i: 10_000 if i < 7 else 200,
        delay=lambda i: math.inf if i < 3 else math.nan if i < 8 else None if i == 8 else 1.0,
        price=lambda i: 5_000 if i < 4 else 10,
        carrier=lambda i: "ZZ" if i < 6 else None if i == 6 else "AA",
        note=lambda i: "" if i < 2 else "x" * 500 if i < 5 else "fine",
        day=lambda i: dt.date(1999, 1, 1) if i < 9 else start.date(),
        left_at=lambda i: start + dt.timedelta(hours=5) if i < 11 else start,
        came_at=lambda i: None if i < 1 else start + dt.timedelta(hours=4),
    )
    found = judge(engine, schema, "later")
    assert broken(found) == {
        ("range", "distance"): 7,
        ("range", "delay"): 3,
        ("nulls", "delay"): 6,
        ("range", "price"): 4,
        ("categories", "carrier"): 6,
        ("nulls", "carrier"): 1,
        ("length", "note"): 5,
        ("range", "day"): 9,
        ("<=", "left_at"): 10,
        ("null with", "left_at"): 1,
        ("nulls", "came_at"): 1,
    }


def test_both_relations_are_counted(engine):
    kinds = {"id": sa.Integer(), "a": sa.Integer(), "b": sa.Double()}
    pairs = [(1, 2.0), (2, 2.0), (3, 2.0), (None, 2.0), (None, None), (9, None)]
    create(engine, "t", kinds, [{"id": i, "a": a, "b": b} for i, (a, b) in enumerate(pairs)])
    columns = {c: ColumnSchema(name=c, type=OutputType.NUMBER) for c in "ab"}
    relations = tuple(Relation(left="a", rule=rule, right="b") for rule in RelationRule)
    counts = judge(engine, FeatureSchema(columns=columns, relations=relations), "t").counts
    found = {c.rule.parameters["rule"]: c.broken for c in counts if c.rule.check == "schema.relation"}
    assert found == {"<": 2, "<=": 1, "==": 2, "null with": 2}


def test_columns_may_be_called_anything(engine):
    kinds = {"id": sa.Integer()} | {name: sa.Integer() for name in HOSTILE}
    rows = [{"id": i} | {name: i + n for n, name in enumerate(HOSTILE)} for i in range(150)]
    create(engine, 'ta"ble; --', kinds, rows)
    table = Table('ta"ble; --', key="id", where="id < :most", parameters={"most": 120})
    with engine.connect() as conn:
        schema = learn_schema(conn, table)
        assert list(schema.columns) == HOSTILE
        tight = replace(schema, columns={n: replace(c, minimum=0, maximum=9) for n, c in schema.columns.items()})
        found = schema_evidence(conn, table, tight)
    assert found.rows == 120
    ranges = {c.rule.column: c.broken for c in found.counts if c.rule.check == "schema.range"}
    assert ranges == {name: 110 + n for n, name in enumerate(HOSTILE)}
    assert {c.broken for c in found.counts if c.rule.check == "schema.relation"} == {0}


def test_all_rules_are_counted_in_one_statement(engine):
    flights(engine)
    schema, seen = learn(engine), []
    sa.event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    judge(engine, schema)
    assert sum("flights" in statement and "CASE WHEN" in statement for statement in seen) == 1


def test_hostile_categories_are_values(engine):
    values = ["'; DROP TABLE t; --", "%s", ":x", "ünï", '"']
    kinds = {"id": sa.Integer(), "c": sa.Text()}
    create(engine, "t", kinds, [{"id": i, "c": values[i % 5]} for i in range(100)])
    schema = learn(engine, "t")
    assert sorted(schema.columns["c"].categories) == sorted(values)
    assert broken(judge(engine, schema, "t")) == {}


def test_missing_extra_and_changed_columns(engine):
    create(engine, "t", {"id": sa.Integer(), "a": sa.Text(), "new": sa.Integer()}, [{"id": 1, "a": "x", "new": 1}])
    number = OutputType.NUMBER
    schema = FeatureSchema(
        columns={
            "a": ColumnSchema(name="a", type=number, minimum=0, max_null_share=0.0),
            "gone": ColumnSchema(name="gone", type=number, maximum=1),
        },
        relations=(Relation(left="a", rule=RelationRule.AT_MOST, right="gone"),),
        allow_extra=False,
    )
    found = judge(engine, schema, "t")
    assert (found.missing, found.extra, found.columns) == (("gone",), ("new",), 2)
    by_rule = {(c.rule.check, c.rule.column): c for c in found.counts}
    assert by_rule["schema.type", "a"].found == "TEXT"
    assert by_rule["schema.nulls", "a"].broken == 0
    assert "'a' is not of type number" in by_rule["schema.range", "a"].reason
    assert "no column 'gone'" in by_rule["schema.range", "gone"].reason
    assert "no column 'gone'" in by_rule["schema.relation", "a"].reason


def test_sqlite_holds_anything_and_that_is_seen(sqlite_engine):
    with sqlite_engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE t (id INTEGER, i INTEGER, x REAL, b BOOLEAN, d DATE, s TEXT)")
        conn.exec_driver_sql(
            "INSERT INTO t VALUES (1, 'abc', 'abc', 'yes', 'soon', x'00'), (2, 1.5, 2.5, 1, '2013-01-01', 's'), "
            "(3, 7, 7, 0, '2013-02-30x', 's')"
        )
    kinds = {"i": "integer", "x": "number", "b": "boolean", "d": "date", "s": "text"}
    columns = {name: ColumnSchema(name=name, type=OutputType(kind)) for name, kind in kinds.items()}
    columns["x"] = replace(columns["x"], maximum=5)
    found = broken(judge(sqlite_engine, FeatureSchema(columns=columns), "t"))
    assert found == {
        ("type", "i"): 2,
        ("type", "x"): 1,
        ("range", "x"): 1,
        ("type", "b"): 1,
        ("type", "d"): 2,
        ("type", "s"): 1,
    }


def test_zones_are_moments(engine):
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE t (id INTEGER, moment TIMESTAMPTZ)")
        conn.exec_driver_sql("INSERT INTO t VALUES (1, '2013-01-01T05:30:00+05:30'), (2, '2012-12-31 23:59:59+00:00')")
    rule = ColumnSchema(name="moment", type=OutputType.TIMESTAMP, minimum="2013-01-01T00:00:00", max_null_share=0.0)
    assert broken(judge(engine, FeatureSchema(columns={"moment": rule}), "t")) == {("range", "moment"): 1}


def test_many_rules_take_a_few_statements(engine):
    names = [f"c{i}" for i in range(300)]
    create(
        engine, "wide", {"id": sa.Integer()} | {n: sa.Integer() for n in names}, [{"id": 1} | dict.fromkeys(names, 1)]
    )
    columns = {n: ColumnSchema(name=n, type=OutputType.INTEGER, minimum=2, max_null_share=0.0) for n in names}
    found = judge(engine, FeatureSchema(columns=columns), "wide")
    assert found.rows == 1
    assert broken(found) == {("range", name): 1 for name in names}


def test_degenerate_columns_have_a_schema(engine):
    kinds = {
        "id": sa.Integer(),
        "empty": sa.Integer(),
        "same": sa.Double(),
        "wild": sa.Double(),
        "blob": sa.LargeBinary(),
    }
    wild = [None if engine.dialect.name == "sqlite" else math.nan, math.inf, -math.inf, 1.0]
    rows = [{"id": i, "empty": None, "same": 5.0, "wild": wild[i % 4], "blob": b"x"} for i in range(40)]
    create(engine, "t", kinds, rows)
    schema = learn(engine, "t")
    columns = schema.columns
    assert (columns["empty"].max_null_share, columns["empty"].minimum) == (1.0, None)
    assert (columns["same"].minimum, columns["same"].maximum) == (5, 5)
    assert (columns["wild"].minimum, columns["wild"].maximum) == (None, None)
    assert 0.25 < columns["wild"].max_null_share < 1
    assert columns["blob"].type is None
    assert {k for k in broken(judge(engine, schema, "t")) if k[0] != "nulls"} == set()


def test_there_must_be_something_to_learn_from(engine):
    flights(engine, n=1)
    with engine.connect() as conn:
        with pytest.raises(EmptyTableError, match="'flights' has no rows or no columns"):
            learn_schema(conn, Table("flights", key="id", where="id = 99"))
        with pytest.raises(TableNotFoundError, match="no column 'nope'"):
            learn_schema(conn, Table("flights", key="id"), ["nope"])
        with pytest.raises(TableNotFoundError, match="'nowhere' does not exist"):
            schema_evidence(conn, Table("nowhere"), FeatureSchema(columns={"a": ColumnSchema(name="a")}))


def test_an_empty_table_is_no_error_of_the_count(engine):
    flights(engine)
    schema = learn(engine)
    found = judge(engine, schema, Table("flights", key="id", where="id < 0"))
    assert found.rows == 0
    assert {c.broken for c in found.counts} == {0}


def test_a_time_that_no_clock_shows_is_no_limit(postgres_engine):
    with postgres_engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE t (id INTEGER, moment TIMESTAMP)")
        conn.exec_driver_sql("INSERT INTO t VALUES (1, '-infinity'), (2, '2013-01-01')")
    schema = learn(postgres_engine, "t")
    assert schema.columns["moment"].minimum is None
    assert broken(judge(postgres_engine, schema, "t")) == {}


def test_rare_categories_leave_room_for_others_that_were_not_seen(engine):
    rows = [{"id": i, "often": "ab"[i % 2], "rare": f"v{i}" if i < 8 else "usual"} for i in range(400)]
    create(engine, "t", {"id": sa.Integer(), "often": sa.Text(), "rare": sa.Text()}, rows)
    columns = learn(engine, "t").columns
    assert (columns["often"].categories, columns["often"].max_share) == (("a", "b"), None)
    assert len(columns["rare"].categories) == 9
    assert 8 / 400 < columns["rare"].max_share < 0.06
