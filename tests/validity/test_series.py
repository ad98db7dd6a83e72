"""What the intervals of the correlations promise: of two series that remember their past, and of two rankings.

Seeded; the tables that are printed are those of the docs (``pytest -s``).
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from airflow_provider_aiguard.core.alignment import Aggregate, AlignmentEvidence
from airflow_provider_aiguard.core.limits.alignment import AlignmentLimits
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.alignment import evaluate
from airflow_provider_aiguard.stats.rank_correlation import rank_correlation
from airflow_provider_aiguard.stats.series_correlation import series_correlation

TRIALS = 2_000


def autoregressive(phi, rho, length, trials=TRIALS, *, seed, lead=0):
    """Pairs of AR(1) series whose surprises have the correlation ``rho``, the second ``lead`` steps late."""
    rng = np.random.default_rng(seed)
    surprises = rng.standard_normal((trials, length + 100, 2))
    surprises[..., 1] = rho * surprises[..., 0] + np.sqrt(1 - rho**2) * surprises[..., 1]
    surprises[:, lead:, 1] = surprises[:, : surprises.shape[1] - lead, 1] if lead else surprises[..., 1]
    series = np.zeros_like(surprises)
    for t in range(1, length + 100):
        series[:, t] = np.asarray(phi) * series[:, t - 1] + surprises[:, t]
    return series[:, -length:, 0], series[:, -length:, 1]


def intervals(x, y, **kwargs):
    found = [series_correlation(a, b, **kwargs) for a, b in zip(x, y, strict=True)]
    return np.array([(f.low, f.high) for f in found])


def test_unrelated_series_with_a_memory_are_not_called_related():
    """AR(.9), 30 runs: the textbook test calls 37 % of them related."""
    x, y = autoregressive(0.9, 0, 30, seed=1)
    plain = np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(x, y, strict=True)])
    naive = np.mean(np.abs(np.arctanh(plain)) * np.sqrt(27) > norm.ppf(0.975))
    print(f"\ncalled related, AR(.9), T = 30: textbook {naive:.3f}")
    assert naive > 0.3
    for max_lead in (0, 3, 6):
        ends = intervals(x, y, max_lead=max_lead)
        low, both = np.mean(ends[:, 0] > 0), np.mean((ends[:, 0] > 0) | (ends[:, 1] < 0))
        print(f"leads 0 to {max_lead}: {both:.3f} (of them {low:.3f} as moving together)")
        assert both <= 0.06
        assert low <= 0.045


@pytest.mark.parametrize("length", [20, 30, 60])
def test_the_interval_of_autoregressive_series_covers(length):
    print(f"\ncoverage of the 95 % interval, T = {length}")
    print("phi of both    rho=0    rho=.5    rho=.9")
    for phi in (0.0, 0.5, 0.9, 0.98, (0.9, 0.2)):
        covered = []
        for rho in (0.0, 0.5, 0.9):
            ends = intervals(*autoregressive(phi, rho, length, seed=length))
            covered.append(np.mean((ends[:, 0] <= rho) & (rho <= ends[:, 1])))
        print(f"{phi!s:12}", *(f"{c:8.3f}" for c in covered))
        # Nominal less one point, and what 2,000 trials leave open (0.1 % on one side).
        assert min(covered) >= binom.ppf(0.001, TRIALS, 0.94) / TRIALS


def test_the_largest_correlation_over_the_leads_is_covered():
    for lead, rho in ((0, 0.5), (2, 0.5), (2, 0.8)):
        ends = intervals(*autoregressive(0.9, rho, 40, seed=7, lead=lead), max_lead=4)
        covered = np.mean((ends[:, 0] <= rho) & (rho <= ends[:, 1]))
        print(f"\nlead {lead}, correlation {rho}: covered {covered:.3f}")
        assert covered >= binom.ppf(0.001, TRIALS, 0.94) / TRIALS


def outcomes(x, y, limits):
    found = []
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        evidence = AlignmentEvidence(
            column="c", aggregate=Aggregate.MEAN, predictions=tuple(a), kpis=tuple(b), current=True
        )
        found.append(evaluate(evidence, limits)[0].outcome)
    return {outcome: found.count(outcome) / len(found) for outcome in Outcome}


def test_the_guard_blames_seldom_and_finds_in_the_end():
    limits = AlignmentLimits(min_correlation=0.5)
    at_the_limit = outcomes(*autoregressive(0.9, 0.5, 30, seed=2), limits)
    print(f"\nat the limit, 30 runs: {at_the_limit}")
    assert at_the_limit[Outcome.BREACH] <= 0.035
    print("unrelated predictions against min_correlation=0.5, by runs")
    shares = {}
    for runs in (20, 30, 60, 120):
        shares[runs] = outcomes(*autoregressive(0.9, 0.0, runs, 500, seed=3), limits)
        print(runs, {str(k): round(v, 3) for k, v in shares[runs].items()})
        assert shares[runs][Outcome.PASS] <= 0.045
    assert shares[60][Outcome.BREACH] >= 0.95
    aligned = outcomes(*autoregressive(0.9, 0.9, 30, 500, seed=4), limits)
    assert aligned[Outcome.PASS] >= 0.98


IMPORTANCE = np.array([0.2, 0.15, 0.1, 0.05, 0.02, 0.01, 0.0, 0.0, 0.0, 0.0])


def rankings(means, spread, trials, seed, parts=20):
    return np.random.default_rng(seed).normal(means[:, None], spread, (trials, len(means), parts))


def true_tau(before, now, pairs_of):
    """Kendall's tau of the true values over the pairs that the reference is sure of."""
    first, second = pairs_of
    return float(np.mean(np.sign(before[first] - before[second]) * np.sign(now[first] - now[second])))


@pytest.mark.parametrize("spread", [0.02, 0.05, 0.2])
def test_the_interval_of_the_rank_correlation_covers(spread):
    """Two rankings that turned by halves; ties of the truth count as they should: neither way."""
    rng = np.random.default_rng(5)
    print(f"\nrank correlation, spread {spread}: covered, mean width")
    for turned in (0, 3, 6):
        now = IMPORTANCE.copy()
        now[:turned] = rng.permutation(IMPORTANCE[:turned])
        before_all, now_all = rankings(IMPORTANCE, spread, 1_000, 6), rankings(now, spread, 1_000, 7)
        hits, widths = 0, []
        for before, after in zip(before_all, now_all, strict=True):
            found = rank_correlation(before, after)
            sure = sure_pairs(before)
            truth = true_tau(IMPORTANCE, now, sure) if found.pairs else 0.0
            hits += found.low - 1e-9 <= truth <= found.high + 1e-9
            widths.append(found.high - found.low)
        print(f"{turned} of 10 reordered: {hits / 1_000:.3f}, {np.mean(widths):.2f}")
        assert hits / 1_000 >= 0.94


def sure_pairs(values, alpha=0.025):
    """By another road than the code's: one t-test a pair."""
    from scipy.stats import ttest_1samp

    first, second = np.triu_indices(len(values), k=1)
    differences = values[first] - values[second]
    p = ttest_1samp(differences, 0, axis=1).pvalue
    return first[p < alpha / len(first)], second[p < alpha / len(first)]


def test_an_unchanged_model_with_idle_features_raises_no_alarm():
    """Thirty features of which five matter: a plain rank correlation is low by chance, ours is not."""
    from scipy.stats import kendalltau

    means = np.concatenate([IMPORTANCE[:5], np.zeros(25)])
    before, after = rankings(means, 0.05, 1_000, 8), rankings(means, 0.05, 1_000, 9)
    alarms = np.mean([rank_correlation(b, a).high < 0.8 for b, a in zip(before, after, strict=True)])
    plain = np.mean(
        [kendalltau(b.mean(1), a.mean(1)).statistic < 0.8 for b, a in zip(before[:200], after, strict=False)]
    )
    print(f"\nfalse alarms at 0.8: {alarms:.3f}; of a plain tau without interval {plain:.3f}")
    assert alarms <= 0.01
    assert plain > 0.9
