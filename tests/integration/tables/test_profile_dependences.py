"""Pairs of numeric columns, on three engines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import sqlalchemy as sa
from profiled import fill, profile

from airflow_provider_aiguard.core.table import Table


def test_pairs_are_counted_around_the_medians_of_the_reference(engine):
    rng = np.random.default_rng(6)
    x = rng.normal(size=900)
    data = {"x": x, "y": x + rng.normal(size=900), "z": rng.normal(size=900)}
    rows = [
        {"x": a, "y": b, "z": None if i % 9 == 0 else c, "one": 1.0, "c": "t"}
        for i, (a, b, c) in enumerate(zip(*(v.tolist() for v in data.values()), strict=True))
    ]
    kinds = {"x": sa.Double(), "y": sa.Double(), "z": sa.Double(), "one": sa.Double(), "c": sa.Text()}
    fill(engine, "t", kinds, rows)
    reference = profile(engine, Table("t"), dependence=True)
    assert list(reference.splits) == ["x", "y", "z"]
    assert list(reference.pairs) == [("x", "y"), ("x", "z"), ("y", "z")]
    frame = pd.DataFrame(rows)
    for (a, b), cells in reference.pairs.items():
        both = frame[[a, b]].dropna()
        above = both[a] > reference.splits[a], both[b] > reference.splits[b]
        expected = [(~above[0] & ~above[1]), (above[0] & ~above[1]), (~above[0] & above[1]), (above[0] & above[1])]
        assert cells == tuple(int(held.sum()) for held in expected)
    assert abs(sum(reference.pairs["x", "z"][:1]) / 800 - 0.25) < 0.06
    current = profile(engine, Table("t", where="x > 0"), reference=reference, dependence=True)
    assert current.splits == reference.splits
    assert sum(current.pairs["x", "y"]) == current.rows
    assert profile(engine, Table("t"), ["x", "c"], dependence=True).pairs == {}
