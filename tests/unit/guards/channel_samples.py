"""Profiles of columns that changed, and the checks of one column."""

from __future__ import annotations

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.profile import BUCKETS, ColumnKind, ColumnProfile
from airflow_provider_aiguard.core.profile import TableProfile as Profile
from airflow_provider_aiguard.guards.drift import evaluate

N = 10_000


EDGES = (-2.0, -1.0, 0.0, 1.0, 2.0)


BELL = (230, 1_360, 3_410, 3_410, 1_360, 230)


def number(counts=BELL, *, mean=0.0, sd=1.0, edges=EDGES, name="x", **fields):
    n = sum(counts)
    return ColumnProfile(
        **{
            "name": name,
            "kind": ColumnKind.NUMERIC,
            "type": "DOUBLE",
            "rows": n,
            "counts": tuple(counts),
            "edges": edges,
            "finite": n,
            "total": mean * n,
            "squares": (sd**2 + mean**2) * n,
            "minimum": mean - 4 * sd,
            "maximum": mean + 4 * sd,
            "learnt": True,
            **fields,
        }
    )


def text(counts=(5_000, 3_000, 2_000), buckets=(0,) * BUCKETS, **fields):
    given = {"name": "c", "kind": ColumnKind.CATEGORICAL, "type": "TEXT", "levels": ("UA", "AA", "B6"), "cutoff": 1}
    rows = sum(counts) + sum(buckets)
    return ColumnProfile(**{**given, "rows": rows, "counts": tuple(counts), "buckets": tuple(buckets), **fields})


def times(counts, **fields):
    return ColumnProfile(
        name="at", kind=ColumnKind.TEMPORAL, type="TIMESTAMP", rows=sum(counts), counts=tuple(counts), **fields
    )


def table(*columns, **fields):
    return Profile(table="flights", rows=columns[0].rows, columns={c.name: c for c in columns}, **fields)


def judge(before, after, *methods, **limits):
    """The checks by test, of one column."""
    chosen = {"methods": {before.name: methods}} if methods else {}
    checks = evaluate(table(before), table(after), DriftLimits(**chosen, **limits))
    return {c.check.removeprefix("drift."): c for c in checks}


WIDER = (600, 1_700, 2_700, 2_700, 1_700, 600)


MOVED = (150, 1_000, 3_100, 3_650, 1_740, 360)


EVERY = ("ks", "psi", "jensen_shannon", "wasserstein", "mean", "spread")
