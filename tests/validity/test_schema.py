"""What a learnt feature schema promises: rows like those it was learnt from keep it, rows that changed do not.

Seeded; the numbers that are printed are those of the docs (``pytest -s``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.limits.schema import SchemaLimits
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.schema import evaluate
from airflow_provider_aiguard.tables.schema import schema_evidence
from airflow_provider_aiguard.tables.schema_learning import learn_schema

TRIALS = 40


def draw(rng, n):
    """Fifteen columns: light and heavy tails, NULLs, few and many categories, texts."""
    frame = pd.DataFrame({"id": np.arange(n)})
    for i in range(2):
        frame[f"normal{i}"] = rng.normal(size=n)
        frame[f"lognormal{i}"] = rng.lognormal(0, 1.5, n)
        frame[f"exponential{i}"] = rng.exponential(size=n)
        frame[f"cauchy{i}"] = rng.standard_cauchy(n)
        frame[f"count{i}"] = rng.poisson(3, n)
    frame["nulls"] = np.where(rng.random(n) < 0.05, np.nan, rng.random(n))
    frame["few"] = rng.choice(["AA", "B6", "HA"], n)
    frame["zipf"] = np.char.add("v", np.minimum(rng.zipf(2.0, n), 40).astype(str))
    frame["text"] = [
        f"{number}{'x' * k}" for number, k in zip(rng.integers(0, 10**6, n), rng.poisson(8, n), strict=True)
    ]
    frame["flag"] = rng.random(n) < 0.3
    return frame


def breaches(n, m, trials, change=None):
    """Share of the trials where a table of ``m`` rows breaks the schema learnt from ``n``, by check."""
    rng = np.random.default_rng(n + m)
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    found = []
    for _ in range(trials):
        train, current = draw(rng, n), draw(rng, m)
        train.to_sql("train", engine, index=False, if_exists="replace")
        (change or (lambda frame: frame))(current).to_sql("current", engine, index=False, if_exists="replace")
        with engine.connect() as conn:
            schema = learn_schema(conn, Table("train", key="id"))
            evidence = schema_evidence(conn, Table("current", key="id"), schema)
        checks = evaluate(evidence, SchemaLimits())
        found.append({(c.check, c.column) for c in checks if c.outcome is Outcome.BREACH})
    engine.dispose()
    return found


@pytest.mark.parametrize(("n", "m"), [(200, 200), (1_000, 1_000), (1_000, 5_000)])
def test_an_unchanged_table_keeps_its_schema(n, m):
    found = breaches(n, m, TRIALS)
    alarms = sum(bool(one) for one in found)
    print(f"\nlearnt from {n} rows, {m} unchanged rows: {alarms} of {TRIALS} tables breach")
    assert alarms <= 2


def test_a_changed_table_does_not():
    def change(frame):
        n = len(frame)
        frame.loc[: n // 20, "normal0"] = 50
        frame.loc[: n // 20, "few"] = "ZZ"
        frame.loc[: n // 5, "nulls"] = np.nan
        frame.loc[: n // 20, "text"] = ""
        return frame

    found = breaches(1_000, 1_000, 20, change)
    expected = {
        ("schema.range", "normal0"),
        ("schema.categories", "few"),
        ("schema.nulls", "nulls"),
        ("schema.length", "text"),
    }
    assert all(expected <= one for one in found)
