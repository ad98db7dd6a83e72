"""Design effects of rows that come in clusters, on three engines."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from profiled import fill, profile

from airflow_provider_aiguard.core.errors import TableNotFoundError
from airflow_provider_aiguard.core.table import Table


def clustered(rng, clusters, size):
    """Rows of a cluster share their values but for one column."""
    rows = []
    for g in range(clusters):
        x, c, gap = float(rng.normal()), str(rng.choice(list("abc"))), bool(rng.random() < 0.2)
        at = dt.datetime(2024, 1, 1) + dt.timedelta(hours=int(rng.integers(0, 168)))  # noqa: DTZ001
        rows += [
            {"g": g, "same": x, "own": float(rng.normal()), "c": c, "gap": None if gap else 1.0, "stamp": at}
            for _ in range(size)
        ]
    return rows


def test_clusters_inflate_the_variance_by_their_size_where_their_rows_are_alike(engine):
    rows = clustered(np.random.default_rng(8), 400, 5)
    kinds = {"g": sa.Integer(), "same": sa.Double(), "own": sa.Double(), "c": sa.Text(), "gap": sa.Double()}
    fill(engine, "t", {**kinds, "stamp": sa.DateTime()}, rows)
    found = profile(engine, Table("t"), cluster="g")
    assert found.clusters == 400
    assert "g" not in found.columns
    effects = {name: dict(column.design_effects) for name, column in found.columns.items()}
    for name in ("same", "c", "stamp"):
        assert effects[name]["values"] == pytest.approx(5 * 400 / 399, rel=1e-6)
        assert effects[name]["nulls"] == 1.0
    assert 1.0 <= effects["own"]["values"] < 1.3
    assert effects["gap"]["nulls"] == pytest.approx(5 * 400 / 399, rel=1e-6)
    means = pd.DataFrame(rows).groupby("g")["own"].mean()
    variance = means.var(ddof=1) / 400
    share = variance / (np.var([row["own"] for row in rows]) / 2_000)
    assert effects["own"]["values"] >= max(1.0, share) * (1 - 1e-9)
    assert profile(engine, Table("t", where="g = 1"), cluster="g").clusters == 1
    assert profile(engine, Table("t", where="g = 1"), cluster="g").columns["own"].design_effects == {}
    empty = profile(engine, Table("t", where="g < 0"), cluster="g", reference=found)
    assert (empty.rows, empty.clusters) == (0, 0)


def test_a_cluster_that_is_no_column_is_an_error(engine):
    fill(engine, "t", {"x": sa.Double()}, [{"x": 1.0}])
    with pytest.raises(TableNotFoundError, match="'customer'"):
        profile(engine, Table("t"), cluster="customer")
