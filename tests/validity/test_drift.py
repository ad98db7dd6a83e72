"""What the drift guard promises, by seeded simulation. Counts are drawn, not rows: a million rows cost as much as ten."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.drift import evaluate
from airflow_provider_aiguard.tables.levels import cut, learnt

EDGES = tuple(norm.ppf(np.arange(1, 128) / 128))
EQUAL = np.full(128, 1 / 128)


def numeric(rng, n, name, *, shift=0.0, nulls=0.0):
    missing = rng.binomial(n, nulls)
    cells = EQUAL if not shift else np.diff(norm.cdf(EDGES, loc=shift), prepend=0, append=1)
    counts = tuple(int(c) for c in rng.multinomial(n - missing, cells))
    return ColumnProfile(
        name=name, kind=ColumnKind.NUMERIC, type="DOUBLE", rows=n, nulls=missing, edges=EDGES, counts=counts
    )


def zipf(levels):
    weights = 1 / np.arange(1, levels + 1)
    return weights / weights.sum()


def categorical(rng, n, name, p, *, reference=None):
    counts = rng.multinomial(n, p)
    column = ColumnProfile(name=name, kind=ColumnKind.CATEGORICAL, type="TEXT", rows=n)
    if reference is None:
        values, often = np.unique(counts[counts > 0], return_counts=True)
        column = cut(column, [(0, v, k) for v, k in zip(values.tolist(), often.tolist(), strict=True)])
        kept = [(0, f"{i:06d}", int(c)) for i, c in enumerate(counts) if c >= column.cutoff and c]
        reference = learnt(column, kept)
    index = [int(level) for level in reference.levels]
    inside = tuple(int(c) for c in counts[index])
    return ColumnProfile(
        **{
            **{f: getattr(reference, f) for f in ("name", "kind", "type", "levels", "cutoff", "tail", "tail_next")},
            "rows": n,
            "counts": inside,
            "other": n - sum(inside),
        }
    )


# Few levels, many, more than are kept, and an identifier.
SHAPES = [*(zipf(k) for k in (2, 5, 20, 50, 100, 150, 300, 1_000, 5_000)), np.full(20_000, 1 / 20_000)]


def table(columns, n):
    return TableProfile(table="t", rows=n, columns={c.name: c for c in columns})


def unchanged(rng, n, m):
    before = [numeric(rng, n, f"x{i}", nulls=0.02 * (i % 3)) for i in range(20)]
    after = [numeric(rng, m, f"x{i}", nulls=0.02 * (i % 3)) for i in range(20)]
    before += [categorical(rng, n, f"c{i}", p) for i, p in enumerate(SHAPES)]
    after += [categorical(rng, m, f"c{i}", p, reference=before[20 + i]) for i, p in enumerate(SHAPES)]
    return table(before, n), table(after, m)


def breaches(checks):
    return {(c.check, c.column) for c in checks if c.outcome is Outcome.BREACH}


@pytest.mark.parametrize(("n", "m"), [(1_000, 1_000), (10_000, 10_000), (100_000, 100_000), (20_000, 1_000)])
def test_an_unchanged_table_alarms_in_at_most_alpha_of_the_batches(n, m):
    rng = np.random.default_rng(20261123 + n + m)
    repetitions = 300
    alarms = [a for a in (breaches(evaluate(*unchanged(rng, n, m))) for _ in range(repetitions)) if a]
    assert len(alarms) <= binom.ppf(0.999, repetitions, 0.05), alarms
