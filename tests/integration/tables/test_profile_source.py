"""Profiles of a sample of the rows, on three engines."""

from __future__ import annotations

import datetime as dt
import math

import pytest
import sqlalchemy as sa
from profiled import fill, profile

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.table import Table


def test_a_sample_is_of_about_the_share_asked_for(engine):
    rows = [{"x": float(i % 97), "c": "ab"[i % 2], "stamp": dt.date(2024, 1, 1)} for i in range(5_000)]
    fill(engine, "t", {"x": sa.Double(), "c": sa.Text(), "stamp": sa.Date()}, rows)
    reference = profile(engine, Table("t"))
    for given_reference in (None, reference):
        found = profile(engine, Table("t", where="x >= :x", parameters={"x": 0}), reference=given_reference, sample=0.2)
        assert found.sample == 0.2
        assert 820 <= found.rows <= 1_180  # six standard deviations
        assert {column.rows for column in found.columns.values()} == {found.rows}
        assert set(found.columns) == {"x", "c", "stamp"}
        assert found.table == "t"


@pytest.mark.parametrize("sample", [0, -0.1, 1.01, math.nan, True, "half"])
def test_what_is_no_share_is_refused(duckdb_engine, sample):
    with pytest.raises(ConfigurationError, match="is no share of the rows"):
        profile(duckdb_engine, Table("t"), sample=sample)
