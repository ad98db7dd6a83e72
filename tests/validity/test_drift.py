"""What the drift guard promises, by seeded simulation. Counts are drawn, not rows: a million cost as much as ten."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, norm

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.drift import evaluate
from airflow_provider_aiguard.tables.levels import cut, learnt

EDGES = tuple(norm.ppf(np.arange(1, 128) / 128))


def numeric(rng, n, name, *, shift=0.0, nulls=0.0, contaminated=0.0):
    missing = rng.binomial(n, nulls)
    below = (1 - contaminated) * norm.cdf(EDGES, loc=shift) + contaminated * norm.cdf(EDGES, loc=4)
    counts = rng.multinomial(n - missing, np.diff(below, prepend=0, append=1)).tolist()
    return ColumnProfile(
        name=name, kind=ColumnKind.NUMERIC, type="DOUBLE", rows=n, nulls=missing, edges=EDGES, counts=tuple(counts)
    )


def zipf(values):
    weights = 1 / np.arange(1, values + 1)
    return weights / weights.sum()


def learn(rng, n, name, p):
    """A reference column as tables/ learns it from rows."""
    counts = rng.multinomial(n, p)
    often = np.unique(counts[counts > 0], return_counts=True)
    column = ColumnProfile(name=name, kind=ColumnKind.CATEGORICAL, type="TEXT", rows=n)
    column = cut(column, [(0, times, values) for times, values in zip(*(a.tolist() for a in often), strict=True)])
    column = learnt(column, [(0, f"{i:06d}", c) for i, c in enumerate(counts.tolist()) if c >= column.cutoff])
    return fill(column, counts)


def fill(column, counts):
    inside = tuple(counts[[int(level) for level in column.levels]].tolist())
    return replace(column, rows=int(counts.sum()), counts=inside, other=int(counts.sum()) - sum(inside))


# Few values, many, more than are kept, and an identifier.
SHAPES = [*(zipf(k) for k in (2, 5, 20, 50, 100, 150, 300, 1_000, 3_000)), np.full(5_000, 1 / 5_000)]
FIVE = np.array([0.40, 0.25, 0.15, 0.12, 0.08])
MOVED = np.array([0.38, 0.25, 0.15, 0.12, 0.10])


def table(columns):
    return TableProfile(table="t", rows=columns[0].rows, columns={c.name: c for c in columns})


def columns(rng, n, m):
    """Thirty columns that did not change: the reference and the current ones."""
    nulls = [0.02 * (i % 3) for i in range(20)]
    before = [numeric(rng, n, f"x{i}", nulls=share) for i, share in enumerate(nulls)]
    after = [numeric(rng, m, f"x{i}", nulls=share) for i, share in enumerate(nulls)]
    before += [learn(rng, n, f"c{i}", p) for i, p in enumerate(SHAPES)]
    after += [fill(column, rng.multinomial(m, p)) for column, p in zip(before[20:], SHAPES, strict=True)]
    return before, after


def breaches(before, after, **limits):
    checks = evaluate(table(before), table(after), DriftLimits(**limits))
    return {(c.check, c.column) for c in checks if c.outcome is Outcome.BREACH}


def at_most(repetitions, rate):
    """Alarms that a promise of this rate allows, one time in a thousand more."""
    return binom.ppf(0.999, repetitions, rate)


@pytest.mark.parametrize(("n", "m"), [(1_000, 1_000), (10_000, 10_000), (100_000, 100_000), (20_000, 1_000)])
def test_an_unchanged_table_alarms_in_at_most_alpha_of_the_batches(n, m):
    rng = np.random.default_rng(20_261_123 + n + m)
    alarms = [alarm for alarm in (breaches(*columns(rng, n, m)) for _ in range(150)) if alarm]
    assert len(alarms) <= at_most(150, 0.05), alarms


def test_without_the_floors_alpha_still_holds_at_every_size():
    """The floors hide nothing: Holm alone keeps the promise while the tests are valid."""
    rng = np.random.default_rng(7)
    none = dict.fromkeys(("ks", "categories", "nulls", "nans", "unseen"), 0.0)
    alarms = [a for a in (breaches(*columns(rng, 3_000, 2_000), min_effect=none) for _ in range(150)) if a]
    assert len(alarms) <= at_most(150, 0.05), alarms


@pytest.mark.parametrize("n", [1_000, 1_000_000])
def test_single_tests_are_not_significant_more_often_than_they_say(n):
    rng = np.random.default_rng(11 + n)
    repetitions, significant = 30, {}
    for _ in range(repetitions):
        before, after = columns(rng, n, n)
        for check in evaluate(table(before), table(after)):
            name = check.check
            hits, tests = significant.get(name, (0, 0))
            significant[name] = hits + (check.detail["p_value"] <= 0.05), tests + 1
    for name, (hits, tests) in significant.items():
        assert hits <= at_most(tests, 0.05), (name, hits, tests)


def found(check, repetitions, changed):
    """How often a check finds a change of one column among thirty that did not change."""
    rng = np.random.default_rng(42)
    hits, rest = 0, None
    for _ in range(repetitions):
        before, after = changed(rng)
        rest = rest or columns(rng, before.rows, after.rows)
        hits += (check, before.name) in breaches([before, *rest[0]], [after, *rest[1]])
    return hits / repetitions


def test_a_mean_shift_of_a_tenth_of_a_standard_deviation_is_seen_at_10k():
    assert found("drift.ks", 60, lambda r: (numeric(r, 10_000, "y"), numeric(r, 10_000, "y", shift=0.1))) >= 0.95


def test_five_per_cent_contamination_is_seen_at_10k():
    assert found("drift.ks", 40, lambda r: (numeric(r, 10_000, "y"), numeric(r, 10_000, "y", contaminated=0.05))) == 1


def test_nulls_from_two_to_four_per_cent_are_seen_at_10k():
    def changed(rng):
        return numeric(rng, 10_000, "y", nulls=0.02), numeric(rng, 10_000, "y", nulls=0.04)

    assert found("drift.nulls", 40, changed) == 1


@pytest.mark.parametrize(("n", "power"), [(10_000, 0.80), (20_000, 0.95)])
def test_two_points_between_categories_are_seen(n, power):
    def changed(rng):
        before = learn(rng, n, "y", FIVE)
        return before, fill(before, rng.multinomial(10_000, MOVED))

    assert found("drift.categories", 80, changed) >= power


def test_a_new_category_is_seen_and_a_rare_known_one_is_not_new():
    def changed(rng):
        before = learn(rng, 10_000, "y", [*FIVE, 0.0])
        return before, replace(fill(before, rng.multinomial(9_850, [*FIVE, 0.0])), rows=10_000, other=150)

    assert found("drift.unseen", 40, changed) == 1


def test_a_hundredth_of_a_standard_deviation_in_a_million_rows_is_a_trifle():
    rng = np.random.default_rng(5)
    million = 1_000_000
    for _ in range(40):
        before, after = numeric(rng, million, "y"), numeric(rng, million, "y", shift=0.01)
        (check,) = (c for c in evaluate(table([before]), table([after])) if c.check == "drift.ks")
        assert check.outcome is Outcome.PASS
        assert check.detail["adjusted_p_value"] < 0.01  # significant, and yet no breach


def test_a_change_of_the_size_called_visible_is_found_four_times_in_five():
    """``smallest_visible`` of the KS check is honest: a shift that large is significant with probability 0.8."""
    rng = np.random.default_rng(3)
    (check,) = (
        c
        for c in evaluate(table([numeric(rng, 2_000, "y")]), table([numeric(rng, 2_000, "y")]))
        if c.check == "drift.ks"
    )
    shift = 2 * norm.ppf((1 + check.detail["smallest_visible"]) / 2)
    hits = sum(
        ("drift.ks", "y") in breaches([numeric(rng, 2_000, "y")], [numeric(rng, 2_000, "y", shift=shift)])
        for _ in range(400)
    )
    assert 0.75 <= hits / 400 <= 0.97
