"""Truth signatures by SQL on three engines, against an oracle in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.concept import TruthSignature
from airflow_provider_aiguard.core.errors import TableKeyError, TableNotFoundError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.signature import MAX_CLASSES, truth_signature

CLAIMS, TRUTH = Table("claims", key="id"), Table("truth", key="id")


def create(engine, name, columns, rows):
    table = sa.Table(name, sa.MetaData(), *(sa.Column(c, kind) for c, kind in columns.items()))
    with engine.begin() as conn:
        table.create(conn)
        for start in range(0, len(rows), 200):
            chunk = [dict(zip(columns, row, strict=True)) for row in rows[start : start + 200]]
            conn.execute(sa.insert(table).values(chunk))


def claims(engine, rows, kind=None, column="late"):
    """Rows of id, value, confidence, provenance, run."""
    kinds = {
        "id": sa.Integer(),
        column: kind or sa.Boolean(),
        f"{column}__confidence": sa.Double(),
        f"{column}__provenance": sa.Text(),
        f"{column}__run": sa.Text(),
    }
    create(engine, "claims", kinds, rows)


def truth(engine, rows, kind=None):
    create(engine, "truth", {"id": sa.Integer(), "late": kind or sa.Boolean()}, rows)


def sign(engine, like=None, **tables):
    with engine.connect() as conn:
        where = {"table": CLAIMS, "truth": TRUTH} | tables
        return truth_signature(conn, where["table"], "late", where["truth"], "late", like=like)


def test_it_counts_as_numpy_counts(engine):
    rng = np.random.default_rng(8)
    n = 800
    guess, right, sure = rng.random(n) < 0.4, rng.random(n) < 0.8, rng.random(n)
    claims(engine, [(i, bool(guess[i]), float(sure[i]), "ai_inferred", "a") for i in range(n)])
    truth(engine, [(i, bool(guess[i] == right[i])) for i in range(n)])
    found = sign(engine)
    edges = np.sort(sure)[[199, 399, 599]]
    assert found.signature.edges == pytest.approx(edges)
    cells = np.searchsorted(edges, sure, side="left") + 5 * ~right
    for value in (True, False):
        assert (
            list(found.signature.counts[str(value).lower()])
            == np.bincount(cells[guess == value], minlength=10).tolist()
        )
    assert (found.inferred, found.run) == (n, "a")
    assert (found.signature.labels, found.signature.errors) == (n, int((~right).sum()))


def test_only_labelled_claims_count_and_the_run_that_made_most_is_named(engine):
    claims(
        engine,
        [
            (1, True, 0.9, "ai_inferred", "new"),
            (2, True, 0.9, "ai_inferred", "new"),
            (3, False, 0.9, "ai_inferred", "old"),
            (4, False, 0.9, "observed", "old"),
            (5, False, 0.9, "ai_inferred", "old"),
            (6, False, 0.9, "ai_inferred", "old"),
        ],
    )
    truth(engine, [(1, True), (2, False), (3, False), (4, False), (5, None)])
    found = sign(engine)
    assert (found.inferred, found.signature.labels, found.signature.errors, found.run) == (5, 3, 1, "new")


@pytest.mark.parametrize("odd", [None, math.nan, 1.5, -0.1, math.inf])
def test_a_confidence_that_is_none_has_a_cell_of_its_own(engine, odd):
    claims(engine, [(1, True, odd, "ai_inferred", "a"), (2, True, odd, "ai_inferred", "a")])
    truth(engine, [(1, True), (2, False)])
    found = sign(engine)
    assert found.signature == TruthSignature(edges=(), counts={"true": (0, 0, 0, 0, 1, 0, 0, 0, 0, 1)})


def test_an_earlier_signature_gives_quartiles_and_classes(engine):
    claims(engine, [(i, f"c{i}", i / 10, "ai_inferred", "a") for i in range(10)], sa.Text())
    truth(engine, [(i, f"c{i}") for i in range(10)], sa.Text())
    found = sign(engine, like=TruthSignature(edges=(0.2, 0.5), counts={"": (1,) * 10}))
    assert found.signature == TruthSignature(edges=(0.2, 0.5), counts={"": (3, 3, 4, 0, 0, 0, 0, 0, 0, 0)})
    found = sign(engine, like=TruthSignature(edges=(0.5,), counts={"c1": (1,) * 10}))
    assert len(found.signature.counts) == 10


def test_a_value_that_is_null_is_a_wrong_claim(engine):
    claims(engine, [(1, None, 0.5, "ai_inferred", "a")])
    truth(engine, [(1, True)])
    assert sign(engine).signature.counts == {"": (0, 0, 0, 0, 0, 1, 0, 0, 0, 0)}


@pytest.mark.parametrize("kind", ["many", "number"])
def test_values_that_are_no_classes_are_not_told_apart(engine, kind):
    values = [i + 0.5 if kind == "number" else f"text {i}" for i in range(MAX_CLASSES + 1)]
    type_ = sa.Double() if kind == "number" else sa.Text()
    claims(engine, [(i, v, 0.5, "ai_inferred", "a") for i, v in enumerate(values)], type_)
    truth(engine, list(enumerate(values)), type_)
    assert sign(engine).signature.counts == {"": (MAX_CLASSES + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)}


def test_no_label_is_an_empty_signature(engine):
    claims(engine, [(1, True, 0.5, "ai_inferred", "a")])
    truth(engine, [(1, None)])
    found = sign(engine)
    assert (found.inferred, found.signature, found.run) == (1, TruthSignature(), None)


def test_where_and_hostile_names(engine):
    table = Table('cl"aims', key="id", where='"par\'t" = :part', parameters={"part": 1})
    column = 'la"te'
    kinds = {
        "id": sa.Integer(),
        "par't": sa.Integer(),
        column: sa.Integer(),
        f"{column}__confidence": sa.Double(),
        f"{column}__provenance": sa.Text(),
        f"{column}__run": sa.Text(),
    }
    create(engine, 'cl"aims', kinds, [(i, i % 2, 1, 0.5, "ai_inferred", "'; DROP TABLE truth; --") for i in range(6)])
    create(
        engine, "truth", {"id": sa.Integer(), "part": sa.Integer(), "late": sa.Integer()}, [(i, 1, 1) for i in range(6)]
    )
    with engine.connect() as conn:
        apart = Table("truth", key="id", where="part = :part", parameters={"part": 1})
        found = truth_signature(conn, table, column, apart, "late")
    assert (found.inferred, found.signature.labels, found.run) == (3, 3, "'; DROP TABLE truth; --")


def test_what_is_not_there_and_what_is_there_twice(engine):
    claims(engine, [(1, True, 0.5, "ai_inferred", "a")])
    with pytest.raises(TableNotFoundError, match="truth"):
        sign(engine)
    truth(engine, [(1, True), (1, True)])
    with pytest.raises(TableKeyError, match="more than one row for the same key"):
        sign(engine)
    with engine.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE claims RENAME COLUMN late__confidence TO sure")
    with pytest.raises(TableNotFoundError, match="late__confidence"):
        sign(engine)
