"""What a profile counts: against exact numpy at a million rows, and the same on every engine and from a frame."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from dataclasses import replace
from functools import reduce

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from profiled import fill, profile

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.profile import BUCKETS, LENGTH_EDGES, ColumnKind, TableProfile
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.files import open_files, profile_frame
from airflow_provider_aiguard.tables.profile import profile_table

MILLION = 1_000_000

SHAPES = {
    "normal": lambda rng, n, k: rng.normal(0.05 * k, 1, n),
    "lognormal": lambda rng, n, k: rng.lognormal(0.05 * k, 1.5, n),
    "heavy tail": lambda rng, n, k: rng.standard_t(2, n) * (1 + 0.05 * k),
    "zeros": lambda rng, n, k: np.where(rng.random(n) < 0.95 - 0.01 * k, 0.0, rng.exponential(1 + k, n)),
    "integers": lambda rng, n, k: rng.poisson(7 + 0.2 * k, n).astype(float),
    "many integers": lambda rng, n, k: np.floor(rng.normal(0, 300 + 20 * k, n)),
    "uniform": lambda rng, n, k: rng.random(n) ** (1 + 0.05 * k),
    "bimodal": lambda rng, n, k: np.where(rng.random(n) < 0.5 + 0.02 * k, rng.normal(-3, 1, n), rng.normal(3, 0.1, n)),
    "cents": lambda rng, n, k: np.round(rng.lognormal(3 + 0.02 * k, 1, n), 2),
}


def exact_ks(a, b):
    a, b = np.sort(a), np.sort(b)
    at = np.unique(np.concatenate([a, b]))
    return np.abs(np.searchsorted(a, at, side="right") / len(a) - np.searchsorted(b, at, side="right") / len(b)).max()


def ks(before, after):
    shares = (np.cumsum(column.counts) / column.values for column in (before, after))
    return np.abs(np.subtract(*shares)).max()


@pytest.mark.parametrize("shift", [0, 1])
def test_ks_from_counts_is_the_exact_one_at_a_million_rows_on_any_shape(shift):
    rng = np.random.default_rng(3)
    before = pd.DataFrame({name: make(rng, MILLION, 0) for name, make in SHAPES.items()})
    after = pd.DataFrame({name: make(rng, MILLION, shift) for name, make in SHAPES.items()})
    reference = profile_frame(before)
    current = profile_frame(after, reference=reference)
    for name, column in reference.columns.items():
        exact = exact_ks(before[name].to_numpy(), after[name].to_numpy())
        assert ks(column, current.columns[name]) == pytest.approx(exact, abs=1e-4), name
        assert exact - column.resolution <= ks(column, current.columns[name]) <= exact + 1e-12
        assert column.resolution <= 2.5 / 1_000, name  # at most two tiles, and what sampling adds
        assert column.grid_values == pytest.approx(200_000, rel=0.02)
        assert len(json.dumps(column.to_dict())) < 8_000
        column_exact = np.bincount(np.searchsorted(column.edges, before[name]), minlength=len(column.counts))
        assert column.counts == tuple(column_exact.tolist())


# ---------------------------------------------------------------- the same on every engine

KINDS = {
    "x": sa.Double(),
    "i": sa.BigInteger(),
    "c": sa.Text(),
    "b": sa.Boolean(),
    "stamp": sa.DateTime(),
    "on": sa.Date(),
}

STAMPS = st.datetimes(dt.datetime(1901, 1, 1), dt.datetime(2099, 1, 1))  # noqa: DTZ001  a column without zone

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "x": st.none()
            | st.floats(-1e6, 1e6)
            | st.sampled_from([0.0, -0.0, 0.1, 1e-200, 1e200, math.inf, -math.inf]),
            "i": st.none() | st.integers(-(2**53), 2**53) | st.integers(0, 3),
            "c": st.none()
            | st.sampled_from(["", " ", "a", "A b", "ß", "É", "12", "x" * 130, " pad"])
            | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
            "b": st.none() | st.booleans(),
            "stamp": st.none() | STAMPS,
            "on": st.none() | st.dates(dt.date(1901, 1, 1), dt.date(2099, 1, 1)),
        }
    ),
    max_size=60,
)


@pytest.fixture
def engines(sqlite_engine, duckdb_engine, postgres_engine):
    made = (sqlite_engine, duckdb_engine, postgres_engine)
    for engine in made:
        with engine.begin() as conn:
            sa.Table("t", sa.MetaData(), *(sa.Column(c, kind) for c, kind in KINDS.items())).create(conn)
    return made


def frame_of(rows):
    kinds = {"x": "Float64", "i": "Int64", "c": "str", "b": "boolean", "stamp": "datetime64[us]"}
    frame = pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in kinds.items()})
    frame["on"] = pd.Series([row["on"] for row in rows], dtype="datetime64[s]")
    return frame


def alike(found):
    """What must not depend on the engine: all but the declared types, and rounding of the sums."""
    columns = []
    for column in found.columns.values():
        sums = tuple(float(f"{value:.10g}") for value in (column.center, column.total, column.squares))
        columns.append((replace(column, type="", center=0.0, total=0.0, squares=0.0), sums))
    return found.rows, columns


SETTINGS = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],  # shrinking on three engines takes minutes
)


@SETTINGS
@given(ROWS, ROWS)
def test_every_engine_and_a_frame_give_the_same_profile(engines, before, after):
    table = sa.Table("t", sa.MetaData(), *(sa.Column(c, kind) for c, kind in KINDS.items()))
    reference = profile_frame(frame_of(before))
    expected = [alike(reference), alike(profile_frame(frame_of(after), reference=reference))]
    for engine in engines:
        found = []
        for rows, given_reference in ((before, None), (after, reference)):
            with engine.begin() as conn:
                conn.execute(sa.delete(table))
                if rows:
                    conn.execute(sa.insert(table), rows)
                found.append(alike(profile_table(conn, Table("t"), reference=given_reference)))
        for mine, theirs in zip(found, expected, strict=True):
            assert mine[0] == theirs[0]
            for (column, sums), (other, other_sums) in zip(mine[1], theirs[1], strict=True):
                assert column == other, engine.dialect.name
                assert sums == pytest.approx(other_sums, rel=1e-9, abs=1e-6 * (1 + abs(other_sums[2])))


@SETTINGS
@given(ROWS, st.integers(1, 4))
def test_partitions_add_up_to_the_whole(engines, rows, parts):
    table = sa.Table("t", sa.MetaData(), *(sa.Column(c, kind) for c, kind in KINDS.items()))
    for engine in engines:
        with engine.begin() as conn:
            found = []
            for part in (rows, *(rows[k::parts] for k in range(parts))):
                conn.execute(sa.delete(table))
                if part:
                    conn.execute(sa.insert(table), part)
                reference = found[0] if found else None
                found.append(profile_table(conn, Table("t"), reference=reference))
            whole, *rest = found
            added = reduce(TableProfile.merge, rest)
            for name, column in added.columns.items():
                one = whole.columns[name]
                plain = {"learnt": False, "total": 0.0, "squares": 0.0}
                assert replace(column, **plain) == replace(one, **plain)
                assert column.total == pytest.approx(one.total, rel=1e-12, abs=1e-12 * math.sqrt(one.squares + 1e-300))
                assert column.squares == pytest.approx(one.squares, rel=1e-12)


# ---------------------------------------------------------------- texts


def test_texts_by_length_and_pattern(engine):
    texts = ["", " ", "a", "Ab", "AB C", " x ", "12", "é", "☂" * 300, None]
    fill(engine, "t", {"c": sa.Text()}, [{"c": text} for text in texts])
    column = profile(engine, Table("t")).columns["c"]
    known = [text for text in texts if text is not None]
    cells = np.bincount(np.searchsorted(LENGTH_EDGES, [len(t) for t in known]), minlength=len(LENGTH_EDGES) + 1)
    assert column.lengths == tuple(cells.tolist())
    assert column.length_sum == sum(map(len, known))
    assert column.length_squares == sum(len(text) ** 2 for text in known)
    assert column.patterns == {"empty": 1, "padded": 2, "spaced": 1, "letterless": 5, "lower": 2, "upper": 1}
    assert sum(column.counts) == len(known)


def test_the_long_tail_falls_into_buckets_by_md5(engine):
    rng = np.random.default_rng(2)
    fill(engine, "before", {"c": sa.Text()}, [{"c": f"id {i}"} for i in range(600)])
    fill(engine, "after", {"c": sa.Text()}, [{"c": f"id {i}"} for i in rng.integers(0, 5_000, 3_000)])
    reference = profile(engine, Table("before"))
    assert (reference.columns["c"].levels, reference.columns["c"].cutoff) == ((), 2)
    digits = [int(hashlib.md5(f"id {i}".encode(), usedforsecurity=False).hexdigest()[0], 16) for i in range(600)]
    assert reference.columns["c"].buckets == tuple(np.bincount(digits, minlength=BUCKETS).tolist())
    assert reference.columns["c"].unseen == ("id 0", "id 99")
    current = profile(engine, Table("after"), reference=reference).columns["c"]
    assert (current.rows, current.other, min(current.buckets) > 0) == (3_000, 3_000, True)
    assert sum(current.lengths[3:6]) == 3_000  # "id 0" to "id 4999"


# ---------------------------------------------------------------- bad input


def test_a_hundred_thousand_categories(duckdb_engine):
    with duckdb_engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE t AS SELECT 'customer ' || i AS c FROM range(100000) AS r(i)")
    reference = profile(duckdb_engine, Table("t"))
    column = reference.columns["c"]
    assert (column.levels, column.rows, column.other, column.tail) == ((), 100_000, 100_000, 100_000)
    assert max(column.buckets) / min(column.buckets) < 1.1
    assert len(json.dumps(column.to_dict())) < 2_000
    assert profile(duckdb_engine, Table("t"), reference=reference).columns["c"].buckets == column.buckets


def test_a_table_of_nothing(engine):
    kinds = {"x": sa.Double(), "i": sa.Integer(), "c": sa.Text(), "b": sa.Boolean(), "stamp": sa.DateTime()}
    fill(engine, "t", kinds, [])
    empty = profile(engine, Table("t"))
    assert empty.rows == 0
    assert all((c.rows, c.values, c.nulls) == (0, 0, 0) for c in empty.columns.values())
    again = profile(engine, Table("t"), reference=empty)
    assert again.rows == 0
    for options in ({"sample": 0.5}, {"dependence": True}, {"cluster": "i"}):
        assert profile(engine, Table("t"), **options).rows == 0
    assert TableProfile.from_dict(json.loads(json.dumps(empty.to_dict(), allow_nan=False))) == empty


def test_one_row_and_one_value(engine):
    fill(engine, "one", {"x": sa.Double(), "c": sa.Text()}, [{"x": 5.5, "c": "a"}])
    one = profile(engine, Table("one"))
    assert (one.columns["x"].mean, one.columns["x"].std, one.columns["x"].counts) == (5.5, 0.0, (0, 1, 0))
    fill(engine, "same", {"x": sa.Double(), "c": sa.Text()}, [{"x": 5.5, "c": "a"}] * 50)
    same = profile(engine, Table("same"), reference=one)
    assert (same.columns["x"].counts, same.columns["c"].counts) == ((0, 50, 0), (50,))


def test_nothing_but_infinities_and_numbers_too_large_for_moments(engine):
    numbers = [math.inf, -math.inf, 1e200, -1e200, math.inf]
    fill(engine, "t", {"x": sa.Double()}, [{"x": x} for x in numbers])
    reference = profile(engine, Table("t"))
    column = reference.columns["x"]
    assert (column.rows, column.values, column.finite, column.mean, column.minimum) == (5, 5, 0, None, None)
    assert sum(column.counts) == 5
    json.dumps(reference.to_dict(), allow_nan=False)


def test_a_column_of_another_type_than_the_reference(engine):
    fill(engine, "before", {"a": sa.Text(), "b": sa.DateTime(), "c": sa.Double()}, [{"a": "1", "b": None, "c": 1.0}])
    fill(engine, "after", {"a": sa.Double(), "b": sa.Text(), "c": sa.Integer()}, [{"a": 1.0, "b": "x", "c": 1}])
    found = profile(engine, Table("after"), reference=profile(engine, Table("before"))).columns
    assert found["a"].reason.startswith("it was categorical (TEXT), now it is numeric (DOUBLE")
    assert found["b"].reason.startswith("it was temporal (")
    assert (found["c"].kind, found["c"].values) == (ColumnKind.NUMERIC, 1)


# ---------------------------------------------------------------- files and frames


def test_a_file_gives_the_profile_of_its_table(tmp_path, duckdb_engine):
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"x": rng.normal(size=500), "c": rng.choice(["a", "b"], 500), "i": rng.integers(0, 9, 500)})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    with open_files({"rows": frame}) as conn:
        conn.exec_driver_sql(f"COPY rows TO '{tmp_path / 'rows.parquet'}' (FORMAT parquet)")
    expected = alike(profile_frame(frame))
    for name in ("rows.parquet", "rows.csv"):
        with open_files({"rows": tmp_path / name}) as conn:
            assert alike(profile_table(conn, Table("rows"))) == expected


def test_frames_that_are_no_table_are_refused():
    with pytest.raises(ConfigurationError, match="differ not only in case"):
        profile_frame(pd.DataFrame([[1, 2]], columns=["a", "A"]))
    with pytest.raises(ConfigurationError, match="a table needs texts"):
        profile_frame(pd.DataFrame([[1, 2]]))


def test_a_nan_of_a_frame_is_a_missing_value():
    column = profile_frame(pd.DataFrame({"x": [1.0, np.nan, 3.0]})).columns["x"]
    assert (column.nulls, column.nans, column.values) == (1, 0, 2)
