"""The statements through the other PostgreSQL driver, which binds parameters on the server."""

from __future__ import annotations

import sqlalchemy as sa
from profiled import fill, profile

from airflow_provider_aiguard.core.table import Table


def test_psycopg_3_runs_every_statement(psycopg3_engine):
    rows = [{"g": i % 50, "x": float(i % 97), "c": f"v{i % 7}", "b": i % 2 == 0} for i in range(2_000)]
    fill(psycopg3_engine, "t", {"g": sa.Integer(), "x": sa.Double(), "c": sa.Text(), "b": sa.Boolean()}, rows)
    reference = profile(psycopg3_engine, Table("t"), cluster="g", dependence=True)
    assert (reference.clusters, reference.columns["c"].distinct, reference.columns["b"].distinct) == (50, 7, 2)
    some = Table("t", where="x < :x", parameters={"x": 50})
    current = profile(psycopg3_engine, some, reference=reference, sample=0.5, cluster="g")
    assert 0 < current.rows < 1_100
    assert sum(current.columns["c"].counts) == current.rows
