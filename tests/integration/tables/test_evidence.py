"""Confidences and truth, aggregated by SQL on three engines."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import (
    ColumnTypeError,
    ConfigurationError,
    TableKeyError,
    TableNotFoundError,
)
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.evidence import confidence_evidence, truth_evidence, unlabelled_evidence

AI, SEEN, PERSON = "ai_inferred", "observed", "human_annotated"


def create(engine, name, columns, rows):
    table = sa.Table(name, sa.MetaData(), *(sa.Column(c, kind) for c, kind in columns.items()))
    with engine.begin() as conn:
        table.create(conn)
        for start in range(0, len(rows), 200):
            conn.execute(sa.insert(table).values(rows[start : start + 200]))


def claims(engine, rows, *, name="claims", column="late", kind=None):
    kinds = {
        "id": sa.Integer(),
        "part": sa.Integer(),
        column: kind or sa.Boolean(),
        f"{column}__provenance": sa.Text(),
        f"{column}__confidence": sa.Double(),
        f"{column}__run": sa.Text(),
    }
    create(engine, name, kinds, [dict(zip(kinds, row, strict=False)) | {f"{column}__run": "r"} for row in rows])


def confidences(engine, table, column="late", below=()):
    with engine.connect() as conn:
        return confidence_evidence(conn, table, column, below)


def compare(engine, table, truth, column="late", truth_column="late"):
    with engine.connect() as conn:
        return truth_evidence(conn, table, column, truth, truth_column)


def test_confidences_are_counted_as_numpy_counts_them(engine):
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.random(900).round(2), rng.random(90), [0.0, 1.0, 0.29, 0.57, 0.58, 0.6]])
    claims(engine, [(i, 0, True, AI, float(v)) for i, v in enumerate(values)])
    found = confidences(engine, Table("claims"), below=(0.6, 0.29))
    cells = np.searchsorted([i / 100 for i in range(1, 100)], values, side="right")
    assert found.confidence.counts == tuple(np.bincount(cells, minlength=100).tolist())
    assert found.confidence.mean == pytest.approx(values.mean(), rel=1e-12)
    assert found.minimum == 0.0
    assert found.below == {0.6: int((values < 0.6).sum()), 0.29: int((values < 0.29).sum())}
    assert (found.rows, found.inferred, found.confidence.missing) == (996, 996, 0)


def test_only_inferred_cells_have_a_confidence_that_counts(engine):
    rows = [
        (1, 0, True, AI, 0.9),
        (2, 0, True, AI, None),
        (3, 0, True, SEEN, None),
        (4, 0, True, PERSON, 0.1),
        (5, 0, None, None, 0.2),
    ]
    claims(engine, rows)
    found = confidences(engine, Table("claims"), below=(0.5,))
    assert found.provenance == {AI: 2, SEEN: 1, PERSON: 1, "unlabelled": 1}
    assert (found.rows, found.inferred, found.unlabelled) == (5, 2, 1)
    assert (found.confidence.count, found.confidence.missing, found.confidence.mean) == (1, 1, 0.9)
    assert (found.below, found.minimum) == ({0.5: 0}, 0.9)


def test_confidences_that_are_none_are_kept_out(engine):
    claims(engine, [(1, 0, True, AI, 85.0), (2, 0, True, AI, -0.1), (3, 0, True, AI, math.inf), (4, 0, True, AI, 0.5)])
    found = confidences(engine, Table("claims"))
    assert (found.out_of_range, found.confidence.count, found.confidence.mean) == (3, 1, 0.5)


def test_nan_is_no_confidence(engine):
    claims(engine, [(1, 0, True, AI, math.nan), (2, 0, True, AI, 0.5)])
    found = confidences(engine, Table("claims"))
    assert found.out_of_range + found.confidence.missing == 1  # SQLite stores NaN as NULL
    assert found.confidence.mean == 0.5


def test_where_applies_and_no_rows_are_no_evidence(engine):
    claims(engine, [(i, i % 2, True, AI, 0.25 + 0.5 * (i % 2)) for i in range(10)])
    found = confidences(engine, Table("claims", where="part = :part", parameters={"part": 1}))
    assert (found.rows, found.confidence.mean) == (5, 0.75)
    nothing = confidences(engine, Table("claims", where="part = :part", parameters={"part": 9}), below=(0.5,))
    assert (nothing.rows, nothing.inferred, nothing.confidence.mean, nothing.minimum) == (0, 0, None, None)
    assert nothing.below == {0.5: 0}


def test_a_column_without_companions_is_an_error(engine):
    create(engine, "plain", {"id": sa.Integer(), "late": sa.Boolean()}, [{"id": 1, "late": True}])
    with pytest.raises(TableNotFoundError, match="late__provenance"):
        confidences(engine, Table("plain"))
    with pytest.raises(TableNotFoundError, match="late__provenance"):
        compare(engine, Table("plain", key="id"), Table("plain", key="id"))


def test_every_value_without_companions_counts_as_inferred(engine):
    rows = [{"id": i, "late": None if i % 3 else True} for i in range(9)]
    create(engine, "plain", {"id": sa.Integer(), "late": sa.Boolean()}, rows)
    table = Table("plain", where="id > :least", parameters={"least": 2})
    with engine.connect() as conn:
        found = unlabelled_evidence(conn, table, "late")
        assert (found.rows, found.provenance, found.confidence.missing) == (6, {"ai_inferred": 2}, 2)
        assert found.confidence.mean is None
        with pytest.raises(TableNotFoundError, match="'no'"):
            unlabelled_evidence(conn, Table("plain"), "no")


def test_truth_is_joined_by_key(engine):
    rows = [
        (1, 0, True, AI, 0.9),  # right
        (2, 0, True, AI, 0.9),  # wrong
        (3, 0, False, AI, 0.9),  # right
        (4, 0, True, AI, 0.9),  # its truth is NULL
        (5, 0, True, AI, 0.9),  # its truth has no row
        (6, 0, True, SEEN, None),  # not a claim
        (7, 0, None, AI, 0.9),  # nothing said
    ]
    claims(engine, rows)
    truths = [(1, True), (2, False), (3, False), (4, None), (6, False), (7, True), (99, True)]
    create(engine, "truth", {"flight": sa.Integer(), "was": sa.Boolean()}, [{"flight": k, "was": v} for k, v in truths])
    found = compare(engine, Table("claims", key="id"), Table("truth", key="flight"), truth_column="was")
    assert (found.inferred, found.labels, found.correct) == (6, 4, 2)
    assert found.confusion == {
        ("true", "true"): 1,
        ("true", "false"): 1,
        ("false", "false"): 1,
        ("NULL", "true"): 1,
    }


def test_parameters_of_the_same_name_stay_apart(engine):
    claims(engine, [(i, i % 2, True, AI, 0.9) for i in range(10)])
    create(
        engine,
        "truth",
        {"id": sa.Integer(), "part": sa.Text(), "late": sa.Boolean()},
        [{"id": i, "part": "ab"[i < 4], "late": True} for i in range(10)],
    )
    table = Table("claims", key="id", where="part = :part", parameters={"part": 1})
    truth = Table("truth", key="id", where="part = :part", parameters={"part": "b"})
    found = compare(engine, table, truth)
    assert (found.inferred, found.labels) == (5, 2)  # 1, 3, 5, 7, 9 and of those 1, 3


def test_the_truth_may_be_in_the_same_table(engine):
    claims(engine, [(i, i % 2, i % 3 == 0, AI, 0.9) for i in range(12)])
    found = compare(engine, Table("claims", key="id"), Table("claims", key="id"))
    assert (found.labels, found.correct) == (12, 12)


def test_composite_keys(engine):
    create(
        engine,
        "claims",
        {"a b": sa.Integer(), "select": sa.Text(), "y": sa.Text(), "y__provenance": sa.Text()},
        [{"a b": i // 2, "select": "xy"[i % 2], "y": "p", "y__provenance": AI} for i in range(6)],
    )
    create(
        engine,
        "truth",
        {"n": sa.Integer(), "s": sa.Text(), "y": sa.Text()},
        [{"n": 0, "s": "x", "y": "p"}, {"n": 0, "s": "y", "y": "q"}, {"n": 2, "s": "y", "y": "p"}],
    )
    found = compare(engine, Table("claims", key=("a b", "select")), Table("truth", key=("n", "s")), "y", "y")
    assert (found.inferred, found.labels, found.correct) == (6, 3, 2)
    assert found.confusion == {("p", "p"): 2, ("p", "q"): 1}


def test_the_truth_of_a_row_must_be_unique(engine):
    claims(engine, [(1, 0, True, AI, 0.9)])
    create(engine, "truth", {"id": sa.Integer(), "late": sa.Boolean()}, [{"id": 1, "late": True}] * 2)
    with pytest.raises(TableKeyError, match="more than one row for the same key"):
        compare(engine, Table("claims", key="id"), Table("truth", key="id"))


def test_keys_must_pair(engine):
    claims(engine, [(1, 0, True, AI, 0.9)])
    with pytest.raises(ConfigurationError, match="name as many columns"):
        compare(engine, Table("claims", key=("id", "part")), Table("claims", key="id"))
    with pytest.raises(ConfigurationError, match="needs a key"):
        compare(engine, Table("claims"), Table("claims", key="id"))


@pytest.mark.parametrize(
    ("claimed", "actual", "guess", "truth"),
    [
        (sa.Boolean(), sa.Integer(), True, 1),
        (sa.Integer(), sa.Boolean(), 1, True),
        (sa.Integer(), sa.Double(), 1, 1.0),
        (sa.Text(), sa.String(20), "one", "one"),
    ],
)
def test_kinds_that_mean_the_same_are_compared(engine, claimed, actual, guess, truth):
    claims(engine, [(1, 0, guess, AI, 0.9)], kind=claimed)
    create(engine, "truth", {"id": sa.Integer(), "late": actual}, [{"id": 1, "late": truth}])
    found = compare(engine, Table("claims", key="id"), Table("truth", key="id"))
    assert (found.labels, found.correct) == (1, 1)


def test_kinds_that_do_not_are_refused(engine):
    claims(engine, [(1, 0, True, AI, 0.9)])
    create(engine, "truth", {"id": sa.Integer(), "late": sa.Text()}, [{"id": 1, "late": "true"}])
    with pytest.raises(ColumnTypeError, match="cannot be compared"):
        compare(engine, Table("claims", key="id"), Table("truth", key="id"))


def test_numbers_and_many_labels_have_no_confusion(engine):
    claims(engine, [(i, 0, i / 7, AI, 0.9) for i in range(3)], column="y", kind=sa.Double())
    assert compare(engine, Table("claims", key="id"), Table("claims", key="id"), "y", "y").confusion == {}
    claims(engine, [(i, 0, f"v{i}", AI, 0.9) for i in range(401)], name="many", column="y", kind=sa.Text())
    found = compare(engine, Table("many", key="id"), Table("many", key="id"), "y", "y")
    assert (found.correct, found.confusion) == (401, {})


def test_the_entropy_of_confidences_is_never_too_low_and_hardly_too_high(engine):
    rng = np.random.default_rng(8)
    values = np.concatenate([rng.random(400), rng.beta(30, 1, 400), [0.0, 1.0, 0.5]])
    claims(engine, [(i, 0, True, AI, float(v)) for i, v in enumerate(values)])
    inside = values[(values > 0) & (values < 1)]
    bits = -(inside * np.log2(inside) + (1 - inside) * np.log2(1 - inside)).sum() / len(values)
    found = confidences(engine, Table("claims")).entropy
    assert bits <= found <= bits + 0.01


def test_without_confidences_there_is_no_entropy(engine):
    claims(engine, [(1, 0, True, AI, None), (2, 0, True, AI, 7.0)])
    assert confidences(engine, Table("claims")).entropy is None
