"""What the drift guard promises, by seeded simulation. Counts are drawn, not rows: a million cost as much as ten.

``python -m benchmarks.validity`` prints the same with more repetitions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, norm

from airflow_provider_aiguard.core.limits.drift import MIN_EFFECT, DriftLimits
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.channels import indices, numeric
from airflow_provider_aiguard.guards.channels.base import Pair
from airflow_provider_aiguard.guards.drift import evaluate
from benchmarks import _drift as draw


def at_most(repetitions, rate):
    """Alarms that a promise of this rate allows, one time in a thousand more."""
    return binom.ppf(0.999, repetitions, rate)


def holds(found, rate=0.05):
    print(found)
    allowed = at_most(found.repetitions, rate)
    return found.breach <= allowed and found.breach + found.undecided <= allowed


@pytest.mark.parametrize("n", [1_000, 10_000, 100_000, 1_000_000])
def test_an_unchanged_table_is_left_in_peace(n):
    """Thirty columns: P(breach) and P(breach or undecided) are at most .05 each."""
    assert holds(draw.false_alarms(n, n, 200))


@pytest.mark.parametrize(("n", "m"), [(20_000, 1_000), (1_000, 50_000)])
def test_samples_of_different_size_make_no_difference(n, m):
    assert holds(draw.false_alarms(n, m, 150))


def test_two_hundred_rows_decide_nothing():
    found = draw.false_alarms(200, 200, 60)
    print(found)
    assert (found.breach <= at_most(60, 0.05), found.breach + found.undecided) == (True, 60)


def test_without_the_floors_alpha_still_holds():
    """The floors hide nothing: Holm alone keeps the promise while the tests are valid."""
    limits = DriftLimits(min_effect=dict.fromkeys(MIN_EFFECT, 0.0))
    found = draw.false_alarms(3_000, 2_000, 150, limits=limits)
    assert found.breach <= at_most(150, 0.05), found


@pytest.mark.parametrize("n", [1_000, 1_000_000])
def test_single_tests_are_not_significant_more_often_than_they_say(n):
    rng, significant = np.random.default_rng(11 + n), {}
    for _ in range(40):
        before, after = draw.unchanged(rng, n, n)
        for check in evaluate(draw.table(before), draw.table(after)):
            hits, tests = significant.get(check.check, (0, 0))
            significant[check.check] = hits + (check.detail["p_value"] <= 0.05), tests + 1
    for name, (hits, tests) in significant.items():
        assert hits <= at_most(tests, 0.05), (name, hits, tests)


METHODS = (numeric.mean, numeric.spread, numeric.wasserstein, indices.psi, indices.jensen_shannon)


@pytest.mark.parametrize("shape", draw.SHAPES)
def test_no_method_alarms_more_often_than_it_says_whatever_the_shape(shape):
    """At the levels of one test alone and of one among fifty, two samples of unequal size."""
    rng, law = np.random.default_rng(4), draw.law(shape)
    repetitions = 250
    drawn = [
        Pair(reference=draw.numeric(rng, 3_000, "x", law), current=draw.numeric(rng, 1_000, "x", law))
        for _ in range(repetitions)
    ]
    for method in METHODS:
        p_values = np.array([method(pair).p_value for pair in drawn[: 40 if method is numeric.wasserstein else None]])
        for alpha in (0.05, 0.001):
            hits = (p_values <= alpha).sum()
            assert hits <= at_most(len(p_values), 1.3 * alpha), (method.__name__, alpha, hits)


# Power


def test_changes_are_found_by_10k_rows_against_20k():
    found = draw.power(20_000, 10_000, 200)
    print(found)
    assert min(found.values()) >= 0.95


def test_changes_are_found_by_10k_rows_against_10k():
    found = draw.power(10_000, 10_000, 200)
    print(found)
    least = dict(zip(draw.CHANGES, (0.98, 0.98, 0.98, 0.85), strict=True))
    assert {name for name, share in found.items() if share < least[name]} == set()


def test_a_new_category_is_seen_and_a_rare_known_one_is_not_new():
    rng, shares = np.random.default_rng(42), np.array([*draw.FIVE, 0.0])
    for _ in range(40):
        before = draw.learn(rng, 10_000, "y", shares)
        new = np.array([0] * 5 + [150])
        after = draw.fill(before, rng.multinomial(9_850, shares) + new)
        known = draw.fill(before, rng.multinomial(10_000, shares))
        assert ("drift.unseen", "y") in draw.breaches(evaluate(draw.table([before]), draw.table([after])))
        assert not draw.breaches(evaluate(draw.table([before]), draw.table([known])))


def test_a_hundredth_of_a_standard_deviation_in_a_million_rows_is_a_trifle():
    alarms, significant = draw.trifles(1_000_000, 300)
    print(f"alarms {alarms:.3f}   p-values alone {significant:.3f}")
    assert alarms <= 0.01
    assert significant > 0.99


def test_a_change_of_the_size_called_visible_is_found_four_times_in_five():
    """``smallest_visible`` of the KS check is honest: a shift that large is found, half of it often not."""
    rng, law = np.random.default_rng(3), draw.law("normal")

    def checks(after):
        pair = draw.table([draw.numeric(rng, 2_000, "y", law)]), draw.table([draw.numeric(rng, 2_000, "y", after)])
        return {c.check: c for c in evaluate(*pair, DriftLimits(alpha=0.001))}

    shift = 2 * norm.ppf((1 + checks(law)["drift.ks"].detail["smallest_visible"]) / 2)
    found = []
    for size in (float(shift), float(shift) / 2):
        moved = draw.law("normal", shift=size)
        found.append(sum(checks(moved)["drift.ks"].outcome is Outcome.BREACH for _ in range(200)) / 200)
    assert found[0] >= 0.8
    assert found[1] <= 0.5


# Batches that wobble


def test_ordinary_wobble_of_a_million_rows_is_no_alarm_against_eight_batches():
    assert holds(draw.trailing_rates("Gaussian", 300))


def test_ten_wobbles_are_found():
    found = draw.trailing_rates("Gaussian", 300, shift=10)
    print(found)
    assert found.breach / found.repetitions >= 0.95


def test_what_breaks_it_is_known():
    """One batch as a reference alarms always; a wobble with heavy tails far too often. The docs say so."""
    heavy, pooled = draw.trailing_rates("t with 3 df", 150), draw.pooled_rates(30)
    print(f"t3 wobble: {heavy}\none batch: {pooled}")
    assert heavy.breach / 150 > 0.05
    assert pooled.breach == 30


# Rows in clusters


@pytest.mark.parametrize("n", [10_000, 100_000])
def test_clusters_of_five_give_no_false_alarm_if_the_guard_knows(n):
    assert holds(draw.clustered_rates(n, 5, 150, known=True))


def test_few_clusters_of_many_rows_give_no_false_alarm():
    """A design effect that forty clusters say is uncertain; it is widened for that."""
    found = draw.clustered_rates(40 * 500, 500, 100, known=True)
    print(found)
    assert found.breach <= at_most(100, 0.05)


def test_clusters_that_the_guard_does_not_know_of_alarm():
    found = draw.clustered_rates(10_000, 5, 40, known=False)
    print(found)
    assert found.breach > 20


def test_a_declared_design_effect_does_the_same():
    rng = np.random.default_rng(6)
    limits, alarms = DriftLimits(design_effect=5.0), 0
    for _ in range(60):
        sides = [[draw.times(c, 5, {}) for c in side] for side in draw.unchanged(rng, 2_000, 2_000)]
        alarms += bool(draw.breaches(evaluate(draw.table(sides[0]), draw.table(sides[1]), limits)))
    assert alarms <= at_most(60, 0.05)


def test_dependence_is_found_where_each_column_is_unchanged():
    """Two normals whose correlation falls from .3 to .15, in a table of 10k rows and ten unchanged pairs."""
    rng = np.random.default_rng(8)

    def counts(correlation, rows):
        together = 0.25 + np.arcsin(correlation) / (2 * np.pi)
        shares = [together, 0.5 - together, 0.5 - together, together]
        return tuple(rng.multinomial(rows, shares).tolist())

    law = draw.law("normal")
    columns = [draw.numeric(rng, 10_000, f"x{i}", law) for i in range(5)]
    names = [(f"x{i}", f"x{j}") for i in range(5) for j in range(i + 1, 5)]
    found = alarms = 0
    for _ in range(200):
        before = replace(draw.table(columns), pairs={pair: counts(0.3, 10_000) for pair in names})
        after = replace(before, pairs={pair: counts(0.15 if pair == names[0] else 0.3, 10_000) for pair in names})
        breaches = draw.breaches(evaluate(before, after))
        found += ("drift.dependence", "x0 ~ x1") in breaches
        alarms += bool(breaches - {("drift.dependence", "x0 ~ x1")})
    print(f"found {found / 200:.3f}   others {alarms / 200:.3f}")
    assert found >= 190
    assert alarms <= at_most(200, 0.05)
