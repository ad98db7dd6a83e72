"""The flow of a chunk on each database: what ends up in the table and in the store."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.run import RunState
from airflow_provider_aiguard.core.table import Table

if TYPE_CHECKING:
    from steps import Database, Runner

    from airflow_provider_aiguard.store.store import Store

FLIGHTS = Table("flights", key="id")
SCORED = Table("scored")
ALL = "SELECT id, late, late__provenance, late__confidence, late__run FROM scored ORDER BY id"


def far(chunk: Any) -> Any:
    """Late if far, surer the further."""
    return {"late": chunk["distance"] > 1500}, {"late": chunk["distance"] / 10_000}


def expected(rows: int, run_id: str = "run-1") -> list[tuple[Any, ...]]:
    return [(i, i > 15, "ai_inferred", i / 100, run_id) for i in range(1, rows + 1)]


def test_every_value_says_who_how_sure_and_which_run(database: Database, run: Runner, store: Store) -> None:
    database.flights(30)
    summary = run(far, rows=FLIGHTS, into=SCORED, outputs={"late": bool}, chunk_size=7)
    assert database.rows(ALL) == expected(30)
    assert database.columns("scored") == ["id", "late", "late__provenance", "late__confidence", "late__run"]
    assert (summary.rows, summary.inferred, summary.rejects, summary.chunks) == (30, 30, 0, 5)
    assert (summary.source, summary.target, str(summary.model)) == ("flights", "scored", "model@1")
    assert summary.cost_micros is None
    assert (summary.latency.count, summary.usage.requests) == (5, 0)
    assert summary.latency.seconds == pytest.approx(summary.model_seconds, abs=1e-3)
    column = summary.columns["late"]
    assert dict(column.provenance) == {"ai_inferred": 30}
    assert column.confidence.mean == pytest.approx(0.155)
    assert column.confidence_source == "probability"
    assert run.closed == 1
    record = store.runs.get("run-1")
    assert (record.state, record.summary.rows, record.summary.columns) == (RunState.SUCCESS, 30, summary.columns)
    assert record.summary.latency == summary.latency


def test_types_of_a_new_table(database: Database, run: Runner) -> None:
    database.flights(2)
    run(far, rows=FLIGHTS, into=SCORED, outputs={"late": bool})
    found = {c["name"]: type(c["type"].as_generic()) for c in _described(database.engine, "scored")}
    assert {name: kind.__name__ for name, kind in found.items()} == {
        "id": "BigInteger",
        "late": "Boolean",
        "late__provenance": "Text",
        "late__confidence": "Double",
        "late__run": "Text",
    }


def _described(engine: sa.Engine, table: str) -> list[dict[str, Any]]:
    from airflow_provider_aiguard.tables.columns import read_columns
    from airflow_provider_aiguard.tables.connection import connect

    with connect(engine) as conn:
        return [{"name": c.name, "type": c.type} for c in read_columns(conn, Table(table)).values()]


def test_an_existing_table_is_extended_and_its_other_columns_stay(database: Database, run: Runner) -> None:
    database.flights(20)
    database.run("CREATE TABLE scored (note TEXT, id BIGINT NOT NULL PRIMARY KEY)")
    database.insert("scored", [{"note": "mine", "id": 3}, {"note": "not in flights", "id": 99}])
    run(far, rows=FLIGHTS, into=SCORED, outputs=["late"], chunk_size=6)
    assert database.rows(ALL) == [*expected(20), (99, None, None, None, None)]
    assert database.rows("SELECT id, note FROM scored WHERE note IS NOT NULL ORDER BY id") == [
        (3, "mine"),
        (99, "not in flights"),
    ]


def test_a_second_run_rewrites_and_never_duplicates(database: Database, run: Runner) -> None:
    database.flights(20)
    run(lambda c: {"late": [False] * len(c)}, rows=FLIGHTS, into=SCORED, outputs=["late"], chunk_size=3)
    run(far, rows=FLIGHTS, into=SCORED, outputs=["late"], run_id="run-2")
    assert database.rows(ALL) == expected(20, "run-2")


def test_in_place_all_values_are_replaced(database: Database, run: Runner) -> None:
    database.flights(20)
    database.run("ALTER TABLE flights ADD COLUMN late BOOLEAN", "UPDATE flights SET late = true")
    run(far, rows=FLIGHTS, into=FLIGHTS, outputs=["late"], chunk_size=6)
    assert database.rows(ALL.replace("scored", "flights")) == expected(20)
    assert database.rows("SELECT distance FROM flights WHERE id = 7") == [(700.0,)]


def test_value_and_companions_are_written_in_one_statement(database: Database, run: Runner) -> None:
    """The database itself refuses a row with one and without the other."""
    database.flights(20)
    companions = "late__provenance TEXT, late__confidence DOUBLE PRECISION, late__run TEXT"
    whole = (
        "CHECK ((late IS NULL) = (late__provenance IS NULL)), CHECK ((late IS NULL) = (late__confidence IS NULL)), "
        "CHECK ((late IS NULL) = (late__run IS NULL))"
    )
    database.run(f"CREATE TABLE scored (id BIGINT NOT NULL PRIMARY KEY, late BOOLEAN, {companions}, {whole})")
    run(far, rows=FLIGHTS, into=SCORED, outputs=["late"], chunk_size=6)
    assert database.rows(ALL) == expected(20)
    database.run("UPDATE scored SET late = NULL, late__provenance = NULL, late__confidence = NULL, late__run = NULL")
    run(
        lambda c: ([True] * len(c), [0.5] * len(c)),
        rows=Table("scored", key="id"),
        into=SCORED,
        inputs=("id",),
        outputs=["late"],
        fill="missing",
    )
    assert set(database.rows("SELECT late, late__provenance, late__confidence FROM scored")) == {
        (True, "ai_inferred", 0.5)
    }


def test_a_model_sees_neither_keys_nor_its_answers_nor_companions(database: Database, run: Runner) -> None:
    database.flights(3)
    database.run(
        "ALTER TABLE flights ADD COLUMN late BOOLEAN",
        "ALTER TABLE flights ADD COLUMN late__provenance TEXT",
        "ALTER TABLE flights ADD COLUMN carrier__run TEXT",
    )
    run(far, rows=FLIGHTS, into=SCORED, outputs=["late"])
    (chunk,) = run.seen
    assert list(chunk) == ["carrier", "distance"]
    assert list(chunk.index) == [0, 1, 2]


def test_a_composite_key(database: Database, run: Runner) -> None:
    database.run("CREATE TABLE legs (day TEXT NOT NULL, nr BIGINT NOT NULL, distance DOUBLE PRECISION)")
    keys = [(day, nr) for day in ("a", "b", "c") for nr in range(1, 6)]
    database.insert("legs", [{"day": day, "nr": nr, "distance": 500.0 * nr} for day, nr in reversed(keys)])
    for run_id in ("run-1", "run-2"):
        run(far, rows=Table("legs", key=("day", "nr")), into=SCORED, outputs=["late"], chunk_size=4, run_id=run_id)
    found = database.rows("SELECT day, nr, late, late__run FROM scored ORDER BY day, nr")
    assert found == [(day, nr, nr > 3, "run-2") for day, nr in keys]


def test_the_columns_of_the_targets_where_come_along(database: Database, run: Runner) -> None:
    database.flights(6)
    where: dict[str, Any] = {"where": "carrier = :carrier", "parameters": {"carrier": "AA"}}
    rows, into = Table("flights", key="id", **where), Table("scored", **where)
    summary = run(far, rows=rows, into=into, outputs=["late"], inputs=("distance",))
    assert database.rows("SELECT id, carrier, late FROM scored ORDER BY id") == [
        (2, "AA", False),
        (4, "AA", False),
        (6, "AA", False),
    ]
    assert summary.rows == 3
    assert list(run.seen[0]) == ["distance"]


def test_named_columns_come_along(database: Database, run: Runner) -> None:
    database.flights(2)
    run(far, rows=FLIGHTS, into=SCORED, outputs=["late"], carry=("distance",))
    assert database.rows("SELECT id, distance, late FROM scored ORDER BY id") == [(1, 100.0, False), (2, 200.0, False)]


def test_labels(database: Database, run: Runner) -> None:
    database.flights(4)
    run(
        lambda c: np.where(c["distance"] > 200, "far", "near"),
        rows=FLIGHTS,
        into=SCORED,
        outputs={"how": ["far", "near"]},
    )
    assert [how for (how,) in database.rows("SELECT how FROM scored ORDER BY id")] == ["near", "near", "far", "far"]


@pytest.mark.parametrize(
    ("answer", "stored"),
    [
        ([True, False], [True, False]),
        ([7, 2**62], [7, 2**62]),
        ([0.1, -1e300], [0.1, -1e300]),
        (["naïve ☂", "'; DROP TABLE flights; --\n\t\\"], ["naïve ☂", "'; DROP TABLE flights; --\n\t\\"]),
    ],
    ids=["boolean", "integer", "number", "text"],
)
def test_an_undeclared_output_takes_the_type_of_its_values(
    database: Database, run: Runner, answer: list[Any], stored: list[Any]
) -> None:
    database.flights(2)
    run(lambda _: {"y": answer}, rows=FLIGHTS, into=SCORED, outputs=["y"])
    assert [y for (y,) in database.rows("SELECT y FROM scored ORDER BY id")] == stored
    assert database.rows("SELECT DISTINCT y__provenance, y__confidence FROM scored") == [("ai_inferred", None)]


def test_source_and_target_may_be_different_databases(
    sqlite_engine: sa.Engine, duckdb_engine: sa.Engine, postgres_engine: sa.Engine, store: Store
) -> None:
    from steps import Database, Runner

    Database(sqlite_engine).flights(20)
    engines = [sqlite_engine, duckdb_engine, postgres_engine, sqlite_engine]
    rows = FLIGHTS
    for i, (source, target) in enumerate(itertools.pairwise(engines)):
        into = Table(f"scored_{i}", conn_id=f"c{i}")
        Runner(source, store)(
            far,
            rows=rows,
            into=into,
            outputs=["late"],
            carry=("distance",),
            target=target,
            chunk_size=6,
            run_id=f"r{i}",
        )
        assert Database(target).rows(ALL.replace("scored", into.name)) == expected(20, f"r{i}")
        rows = Table(into.name, key="id")


@pytest.mark.parametrize(("outputs", "made"), [({"late": bool}, True), (["late"], False)])
def test_no_rows_are_no_error(database: Database, run: Runner, store: Store, outputs: Any, made: bool) -> None:
    database.flights(0)
    summary = run(far, rows=FLIGHTS, into=SCORED, outputs=outputs)
    assert (summary.rows, summary.inferred, summary.chunks, summary.reject_share) == (0, 0, 0, 0.0)
    assert store.runs.get("run-1").state is RunState.SUCCESS
    assert (run.seen, run.closed, database.has("scored")) == ([], 1, made)


def test_names_that_need_quoting(database: Database, run: Runner) -> None:
    names = ["drop", 'we"ird', "naïve ☂", "per%cent", "co:lon"]
    source = sa.Table(
        "select",
        sa.MetaData(),
        *(sa.Column(n, sa.BigInteger, autoincrement=False, primary_key=n == "drop") for n in names),
    )
    with database.engine.begin() as conn:
        source.create(conn)
        conn.execute(source.insert(), [dict.fromkeys(names, i) for i in range(3)])
    database.engine.dispose()
    into = Table('tar"get', where=r'"co\:lon" >= :low', parameters={"low": 0})
    for run_id in ("run-1", "run-2"):
        run(
            lambda c: {'out"put': c["per%cent"] + 1},
            rows=Table("select", key="drop"),
            into=into,
            outputs=['out"put'],
            chunk_size=2,
            run_id=run_id,
        )
    found = database.rows('SELECT "drop", "co\\:lon", "out""put", "out""put__run" FROM "tar""get" ORDER BY 1')
    assert found == [(i, i, i + 1, "run-2") for i in range(3)]


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE flights; --", "AA' OR '1'='1", "AA') OR 1=1 --", ":carrier", "%s %(x)s ?", "\\"]
)
def test_a_hostile_parameter_does_nothing(database: Database, run: Runner, value: str) -> None:
    database.flights(4)
    before = database.rows("SELECT * FROM flights ORDER BY id")
    where: dict[str, Any] = {"where": "carrier = :carrier", "parameters": {"carrier": value}}
    summary = run(far, rows=Table("flights", key="id", **where), into=Table("scored", **where), outputs={"late": bool})
    assert (summary.rows, run.seen) == (0, [])
    assert database.rows("SELECT * FROM flights ORDER BY id") == before
    assert database.rows("SELECT * FROM scored") == []


def test_a_hostile_key_is_only_a_key(database: Database, run: Runner) -> None:
    keys = sorted(["'; DROP TABLE names; --", "a\tb\nc\\N", "\\N", "☂", "%s", ":x"])
    database.run("CREATE TABLE names (name TEXT NOT NULL PRIMARY KEY)")
    database.insert("names", [{"name": key} for key in keys])
    run(
        lambda c: c["name"].str.len(),
        rows=Table("names", key="name"),
        into=SCORED,
        outputs=["n"],
        inputs=("name",),
        chunk_size=2,
    )
    assert sorted(database.rows("SELECT name, n FROM scored")) == [(key, len(key)) for key in keys]


def test_progress_is_in_the_store_while_the_step_runs(database: Database, run: Runner, store: Store) -> None:
    database.flights(30)
    seen: list[Any] = []

    def watch(chunk: Any) -> Any:
        record = store.runs.get("run-1")
        seen.append((record.state, record.summary.rows, record.summary.chunks))
        return far(chunk)

    run(watch, rows=FLIGHTS, into=SCORED, outputs=["late"], chunk_size=10)
    assert seen == [(RunState.RUNNING, 0, 0), (RunState.RUNNING, 10, 1), (RunState.RUNNING, 20, 2)]


def test_the_log_says_how_far_it_is(
    database: Database, run: Runner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from airflow_provider_aiguard.inference import engine

    monkeypatch.setattr(engine, "LOG_EVERY_SECONDS", 0.0)
    database.flights(20)
    with caplog.at_level("INFO", logger=engine.__name__):
        run(far, rows=FLIGHTS, into=SCORED, outputs=["late"], chunk_size=10)
    assert caplog.messages == [
        "Inferring late for 20 rows of flights by model@1",
        "10 of 20 rows done, 0 rejected",
        "20 of 20 rows done, 0 rejected",
    ]


def test_a_finished_step_leaves_no_file_open(duckdb_engine: sa.Engine, store: Store, tmp_path: Any) -> None:
    """DuckDB lets no other process in while a connection is open."""
    import subprocess
    import sys

    from steps import Database, Runner

    Database(duckdb_engine).flights(3)
    Runner(duckdb_engine, store)(far, rows=FLIGHTS, into=SCORED, outputs=["late"])
    script = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute('SELECT count(*) FROM scored').fetchall())"
    other = subprocess.run(
        [sys.executable, "-c", script, duckdb_engine.url.database], capture_output=True, text=True, check=True
    )
    assert other.stdout == "[(3,)]\n"
