"""What a certificate promises, against what its threshold then does. Seeded; the truth is known without error.

A true rate of exactly delta exceeds delta in half of all experiments: the mark is the 99 % limit of the binomial, 67 of
1,000 at 5 %.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from airflow_provider_aiguard.guards.acceptance import learn_acceptance
from airflow_provider_aiguard.tables.graded import Graded
from benchmarks._digits import resampled

TRIALS = 1_000
DELTA = 0.05
LIMIT = int(binom.ppf(0.99, TRIALS, DELTA))


def clumped(rng, n):
    return rng.choice([0.6, 0.9, 0.95, 0.99], n, p=[0.2, 0.4, 0.3, 0.1])


SHAPES = {
    "even": (lambda rng, n: rng.random(n), lambda c: c**0.5),
    "sure": (lambda rng, n: 1 - 0.6 * rng.beta(0.6, 2, n), lambda c: 0.4 + 0.6 * c),
    "too sure": (lambda rng, n: rng.beta(8, 1, n), lambda c: 0.85 + 0.1 * c),
    "clumped": (clumped, lambda c: 0.99 - 1.2 * (1 - c) ** 2),
    "says nothing": (lambda rng, n: rng.random(n), lambda c: np.full(len(c), 0.94)),
}
"""How confidences are spread, and how often a claim is right at each."""


def true_errors(shape, *, seed=99, n=2_000_000):
    """Share of wrong claims at or above each threshold, and of all rows that are wrong there."""
    draw, chance = SHAPES[shape]
    c = draw(np.random.default_rng(seed), n)
    wrong = 1 - chance(c)

    @cache
    def above(threshold):
        kept = c >= threshold
        return wrong[kept].mean() if kept.any() else 0.0, wrong[kept].sum() / n

    return above


def said(promise, shape, labels, broken, shares):
    found = f"broken {broken / TRIALS:.3f}, accepted {np.mean(shares):.2f}"
    print(f"\n{promise}, {shape:<13} {labels:>5} labels: {found}")


@pytest.mark.parametrize("labels", [300, 1_500])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_error_of_what_is_accepted(shape, labels):
    draw, chance = SHAPES[shape]
    above, rng, broken, shares = true_errors(shape), np.random.default_rng(labels), 0, []
    for _ in range(TRIALS):
        c = draw(rng, labels)
        right = rng.random(labels) < chance(c)
        found = learn_acceptance(
            Graded(table="t", right={"y": right}, confidences={"y": c}), "y", max_error=0.05, delta=DELTA
        )
        shares.append(found.coverage)
        broken += found.threshold is not None and above(found.threshold)[0] > 0.05
    said("error <= .05", shape, labels, broken, shares)
    assert broken <= LIMIT


@pytest.mark.parametrize("labels", [300, 1_500])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_lost_against_the_stronger_model(shape, labels):
    """The stronger model is right in 98 % of the rows, whatever the cheap one says; what both miss is not lost."""
    draw, chance = SHAPES[shape]
    above, rng, broken, shares = true_errors(shape), np.random.default_rng(labels + 1), 0, []
    for _ in range(TRIALS):
        c = draw(rng, labels)
        right = {"y": rng.random(labels) < chance(c), "z": rng.random(labels) < 0.98}
        found = learn_acceptance(
            Graded(table="t", right=right, confidences={"y": c}), "y", max_loss=0.01, stronger="z", delta=DELTA
        )
        shares.append(found.coverage)
        broken += found.threshold is not None and 0.98 * above(found.threshold)[1] > 0.01
    said("loss <= .01", shape, labels, broken, shares)
    assert broken <= LIMIT


@pytest.mark.parametrize("labels", [300, 500, 1_000])
def test_real_models_at_most_a_point_below_the_large_one_for_half_the_price(labels):
    """``python -m benchmarks.cascade`` prints it, and runs the cascade with money."""
    pytest.importorskip("sklearn")
    found = resampled(labels, TRIALS, seed=labels, max_loss=0.01, stronger="large", delta=DELTA)
    assert found.learnt >= 0.9 * TRIALS
    assert (found.loss > 0.01).sum() <= LIMIT
    assert found.cost.mean() <= 0.5


def test_the_promise_can_be_broken():
    """What is not certified, such as the threshold where the error seen is 5 %, breaks it in a third of the trials."""
    draw, chance = SHAPES["even"]
    above, rng, broken = true_errors("even"), np.random.default_rng(5), 0
    for _ in range(300):
        c = draw(rng, 600)
        wrong = rng.random(600) >= chance(c)
        seen = [t for t in np.linspace(0.99, 0.5, 50) if wrong[c >= t].mean() <= 0.05]
        broken += bool(seen) and above(min(seen))[0] > 0.05
    assert broken > 0.3 * 300
