"""The same rows of the same table every time, and no others more often."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import TableNotFoundError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables import sample
from airflow_provider_aiguard.tables.sample import sample_rows

ROWS = Table("t", key=("day", "id"))


@pytest.fixture
def filled(engine):
    frame = pd.DataFrame({"day": 1, "id": range(500), "x": np.arange(500.0), "y": np.arange(500) % 2 == 0})
    frame["y"] = frame["y"].astype("boolean").where(frame["id"] % 5 > 0)
    kinds = {"day": sa.Integer(), "id": sa.Integer(), "x": sa.Double(), "y": sa.Boolean()}
    columns = (sa.Column(n, k, primary_key=n in ROWS.key_columns, autoincrement=False) for n, k in kinds.items())
    table = sa.Table("t", sa.MetaData(), *columns)
    records = [{n: None if pd.isna(v) else v for n, v in r.items()} for r in frame.to_dict("records")]
    with engine.begin() as conn:
        table.create(conn)
        conn.execute(sa.insert(table).values(records))
    return engine


def draw(engine, rows, seed=0, table=ROWS, columns=("x", "y")):
    with engine.connect() as conn:
        return sample_rows(conn, table, columns, rows=rows, seed=seed, present="y")


def test_a_seed_draws_the_same_rows_whatever_the_chunks(filled, monkeypatch):
    first = draw(filled, 50)
    monkeypatch.setattr(sample, "CHUNK", 7)
    again = draw(filled, 50)
    pd.testing.assert_frame_equal(first, again)
    assert list(first.columns) == ["x", "y"]
    assert list(first.index) == list(range(50))
    assert set(draw(filled, 50, seed=1)["x"]) != set(first["x"])


def test_rows_without_truth_are_left_out(filled):
    everything = draw(filled, 10_000)
    assert len(everything) == 400
    assert not (everything["x"] % 5 == 0).any()
    assert not everything["x"].is_monotonic_increasing


def test_each_row_is_drawn_as_often(filled):
    drawn = np.concatenate([draw(filled, 40, seed=seed)["x"] for seed in range(30)])
    assert drawn.mean() == pytest.approx(250, abs=4 * 144 / np.sqrt(1200))


def test_progress_is_logged(filled, caplog):
    with caplog.at_level(logging.INFO, logger="airflow_provider_aiguard.tables.sample"):
        draw(filled, 40)
    assert "Read 500 rows of t, 40 in the sample" in caplog.text


def test_no_rows_are_an_empty_frame(filled):
    empty = draw(filled, 5, table=Table("t", key=("day", "id"), where="id < 0"))
    assert (list(empty.columns), len(empty)) == (["x", "y"], 0)
    with pytest.raises(TableNotFoundError, match="no column 'z'"):
        draw(filled, 5, columns=("z", "y"))
