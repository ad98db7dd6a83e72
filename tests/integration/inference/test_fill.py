"""``fill="missing"``: what was there stays, exactly, and says that it was observed."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.core.run import RunState
from airflow_provider_aiguard.core.table import Table

if TYPE_CHECKING:
    import sqlalchemy as sa
    from steps import Database, Runner

    from airflow_provider_aiguard.store.store import Store

MIXED = Table("mixed", key="id")
UTC = dt.UTC
MOMENT = dt.datetime(2013, 1, 31, 23, 30, 0, 123_456, tzinfo=UTC)

EXACT = {
    "sqlite": "DECIMAL_TEXT",
    "duckdb": "DECIMAL(38, 18)",
    "postgresql": "NUMERIC(38, 18)",
}

KINDS: dict[str, tuple[Any, Any]] = {
    "flag": (True, False),
    "big": (2**53 + 1, -(2**63)),
    "number": (0.1, -1e300),
    "exact": (Decimal("12345678901234567890.123456789012345678"), Decimal("0.10")),
    "word": ("naïve\t☂\n\\N", ""),
    "day": (dt.date(1900, 2, 28), dt.date(2013, 12, 31)),
    "moment": (MOMENT, dt.datetime(2013, 7, 1, tzinfo=UTC)),
}
"""By column: a value that is there, and what the model says."""

TYPES = {
    "flag": bool,
    "big": int,
    "number": float,
    "exact": Decimal,
    "word": str,
    "day": dt.date,
    "moment": dt.datetime,
}


@pytest.fixture(params=["in place", "into another"])
def into(request: pytest.FixtureRequest) -> Table:
    """Where claims go."""
    return Table("mixed" if request.param == "in place" else "filled")


def make_mixed(database: Database, rows: list[dict[str, Any]]) -> None:
    exact = EXACT[database.engine.dialect.name]
    database.run(
        "CREATE TABLE mixed (id BIGINT NOT NULL PRIMARY KEY, flag BOOLEAN, big BIGINT, number DOUBLE PRECISION, "
        f"exact {exact}, word TEXT, day DATE, moment TIMESTAMP WITH TIME ZONE)"
    )
    database.insert("mixed", [{n: _bound(database, v) for n, v in row.items()} for row in rows])


def _bound(database: Database, value: Any) -> Any:
    # What SQLite holds in these columns is text; DuckDB's driver would send a decimal as a float.
    if isinstance(value, Decimal) or (database.engine.dialect.name == "sqlite" and isinstance(value, dt.date)):
        return value.isoformat(" ") if isinstance(value, dt.datetime) else str(value)
    return value


def contents(engine: sa.Engine, table: str, name: str) -> list[Any]:
    """Values of one column in key order, by this package's own reader."""
    from airflow_provider_aiguard.tables.connection import connect
    from airflow_provider_aiguard.tables.frames import to_list
    from airflow_provider_aiguard.tables.reader import read_chunks

    with connect(engine) as conn:
        chunks = list(read_chunks(conn, Table(table, key="id"), [name], chunk_size=100))
    return [value for chunk in chunks for value in to_list(chunk[name])]


def test_observed_values_are_kept_exactly_and_the_others_inferred(database: Database, run: Runner, into: Table) -> None:
    given = {name: there for name, (there, _) in KINDS.items()}
    # Row 1 has all values, row 2 none, the rest each lack one.
    rows = [{"id": 1, **given}, {"id": 2, **dict.fromkeys(KINDS)}]
    rows += [{"id": 3 + i, **given, name: None} for i, name in enumerate(KINDS)]
    make_mixed(database, rows)

    def model(chunk: Any) -> Any:
        return {name: [said] * len(chunk) for name, (_, said) in KINDS.items()}

    for run_id in ("run-1", "run-2"):
        run(model, rows=MIXED, into=into, outputs=TYPES, inputs=("id",), fill="missing", chunk_size=4, run_id=run_id)
    for name, (there, said) in KINDS.items():
        kept = [row[name] is not None for row in rows]
        assert contents(run.engine, into.name, name) == [there if keep else said for keep in kept], name
        labels = database.rows(f"SELECT {name}__provenance, {name}__run FROM {into.name} ORDER BY id")
        # In place, the second run finds nothing missing; into another table it infers again.
        again = "run-1" if into.name == "mixed" else "run-2"
        assert labels == [("observed", None) if keep else ("ai_inferred", again) for keep in kept], name
    assert [list(chunk["id"]) for chunk in run.seen][:3] == [[2, 3, 4], [5, 6, 7, 8], [9]]


def test_only_rows_that_lack_something_are_asked_about(
    database: Database, run: Runner, into: Table, store: Store
) -> None:
    make_mixed(database, [{"id": i, "word": None if i % 3 == 0 else "there"} for i in range(1, 10)])
    summary = run(
        lambda c: ([f"said {i}" for i in c["id"]], [0.75] * len(c)),
        rows=MIXED,
        into=into,
        outputs=["word"],
        inputs=("id",),
        fill="missing",
        chunk_size=2,
    )
    assert [i for chunk in run.seen for i in chunk["id"]] == [3, 6, 9]
    found = database.rows(
        f"SELECT id, word, word__provenance, word__confidence, word__run FROM {into.name} ORDER BY id"
    )
    assert found == [
        (i, f"said {i}", "ai_inferred", 0.75, "run-1") if i % 3 == 0 else (i, "there", "observed", None, None)
        for i in range(1, 10)
    ]
    assert (summary.rows, summary.inferred) == (9, 3)
    assert dict(summary.columns["word"].provenance) == {"observed": 6, "ai_inferred": 3}
    assert summary.columns["word"].confidence.count == 3


def test_companions_that_are_there_stay(database: Database, run: Runner, into: Table) -> None:
    make_mixed(database, [{"id": i, "word": None if i == 3 else "there"} for i in range(1, 6)])
    database.run(
        "ALTER TABLE mixed ADD COLUMN word__provenance TEXT",
        "ALTER TABLE mixed ADD COLUMN word__confidence DOUBLE PRECISION",
        "ALTER TABLE mixed ADD COLUMN word__run TEXT",
        "UPDATE mixed SET word__provenance = 'human_annotated', word__run = 'review-7' WHERE id = 1",
        "UPDATE mixed SET word__provenance = 'ai_inferred', word__confidence = 0.25, word__run = 'old' WHERE id = 2",
        "UPDATE mixed SET word__provenance = 'observed' WHERE id = 4",
    )
    summary = run(lambda c: ["said"] * len(c), rows=MIXED, into=into, outputs=["word"], inputs=("id",), fill="missing")
    found = database.rows(
        f"SELECT id, word, word__provenance, word__confidence, word__run FROM {into.name} ORDER BY id"
    )
    assert found == [
        (1, "there", "human_annotated", None, "review-7"),
        (2, "there", "ai_inferred", 0.25, "old"),
        (3, "said", "ai_inferred", None, "run-1"),
        (4, "there", "observed", None, None),
        (5, "there", "observed", None, None),
    ]
    assert dict(summary.columns["word"].provenance) == {"human_annotated": 1, "ai_inferred": 2, "observed": 2}


@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
def test_a_nan_is_a_value_and_null_is_none(
    kind: str, request: pytest.FixtureRequest, store: Store, into: Table
) -> None:
    """SQLite stores NaN as NULL: there the question does not arise."""
    from steps import Database, Runner

    engine = request.getfixturevalue(f"{kind}_engine")
    database, run = Database(engine), Runner(engine, store)
    make_mixed(database, [{"id": 1, "number": math.nan}, {"id": 2, "number": None}, {"id": 3, "number": 0.5}])
    run(lambda c: [9.0] * len(c), rows=MIXED, into=into, outputs=["number"], inputs=("id",), fill="missing")
    found = database.rows(f"SELECT number, number__provenance FROM {into.name} ORDER BY id")
    assert str(found) == "[(nan, 'observed'), (9.0, 'ai_inferred'), (0.5, 'observed')]"


def test_a_rejected_row_has_no_half_of_an_answer(database: Database, run: Runner, into: Table, store: Store) -> None:
    """One output was answered, the other not: neither is written, what was there is."""
    make_mixed(database, [{"id": 1}, {"id": 2, "word": "there"}, {"id": 3}])

    def model(chunk: Any) -> Any:
        return {"big": [7] * len(chunk), "day": [None, Failure("timeout", "no answer"), dt.date(2013, 1, 1)]}

    outputs = {"big": int, "day": dt.date}
    summary = run(model, rows=MIXED, into=into, outputs=outputs, inputs=("id",), fill="missing", max_reject_share=1.0)
    found = database.rows(f"SELECT id, big, big__provenance, big__run, day__provenance FROM {into.name} ORDER BY id")
    good = (3, 7, "ai_inferred", "run-1", "ai_inferred")
    rejected = [(i, None, None, None, None) for i in (1, 2)]
    assert found == ([*rejected, good] if into.name == "mixed" else [good])
    assert (summary.inferred, summary.rejects) == (1, 2)
    assert [(dict(r.key), r.reason) for r in store.runs.rejects("run-1")] == [
        ({"id": "1"}, "no_value"),
        ({"id": "2"}, "timeout"),
    ]


def test_what_a_rejected_row_has_is_labelled_in_place(database: Database, run: Runner) -> None:
    make_mixed(database, [{"id": 1, "word": "there", "big": None}, {"id": 2, "word": None, "big": 5}])
    run(
        lambda c: {"word": ["said"] * len(c), "big": [None] * len(c)},
        rows=MIXED,
        into=MIXED,
        outputs={"word": str, "big": int},
        inputs=("id",),
        fill="missing",
        max_reject_share=1.0,
    )
    found = database.rows("SELECT word, word__provenance, big, big__provenance FROM mixed ORDER BY id")
    assert found == [("there", "observed", None, None), ("said", "ai_inferred", 5, "observed")]


def test_nothing_missing_asks_nobody(database: Database, run: Runner, into: Table, store: Store) -> None:
    make_mixed(database, [{"id": 1, "word": "a"}, {"id": 2, "word": "b"}])
    summary = run(lambda _: 1 / 0, rows=MIXED, into=into, outputs=["word"], inputs=("id",), fill="missing")
    assert database.rows(f"SELECT word, word__provenance FROM {into.name} ORDER BY id") == [
        ("a", "observed"),
        ("b", "observed"),
    ]
    assert (summary.inferred, run.seen, store.runs.get("run-1").state) == (0, [], RunState.SUCCESS)


def test_a_column_the_rows_do_not_have_is_missing_everywhere(database: Database, run: Runner, into: Table) -> None:
    make_mixed(database, [{"id": 1, "word": "a"}, {"id": 2, "word": "b"}])
    run(lambda c: c["word"].str.upper(), rows=MIXED, into=into, outputs=["upper"], fill="missing")
    assert database.rows(f"SELECT upper, upper__provenance FROM {into.name} ORDER BY id") == [
        ("A", "ai_inferred"),
        ("B", "ai_inferred"),
    ]


def test_a_first_chunk_without_an_answer_leaves_the_type_open(
    database: Database, run: Runner, into: Table, store: Store
) -> None:
    make_mixed(database, [{"id": i} for i in range(1, 5)])
    run(
        lambda c: [i if i > 2 else Failure("timeout") for i in c["id"].tolist()],
        rows=MIXED,
        into=into,
        outputs=["twice"],
        inputs=("id",),
        fill="missing",
        chunk_size=2,
        max_reject_share=0.5,
    )
    found = database.rows(f"SELECT id, twice FROM {into.name} WHERE twice IS NOT NULL ORDER BY id")
    assert found == [(3, 3), (4, 4)]
    assert [r.key["id"] for r in store.runs.rejects("run-1")] == ["1", "2"]
