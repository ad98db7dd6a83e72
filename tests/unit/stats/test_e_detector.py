from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from airflow_provider_aiguard.stats.e_detector import (
    EFFECT_VARIANCE,
    change_start,
    log_evidence,
    smallest_visible_rate,
    stable_rate,
)

N = [1_000] * 12
ERRORS = [100, 150, 80, 130, 60, 110, 160, 90, 260, 300, 220, 280]


def t_bayes_factor(before, after):
    """The two-sample t Bayes factor by its definition: the mean of a non-central over a central t density."""
    size = len(before) * len(after) / (len(before) + len(after))
    df = len(before) + len(after) - 2
    t = math.sqrt(size) * stats.ttest_ind(after, before).statistic / math.sqrt(size)

    def density(effect):
        return stats.nct.pdf(t, df, effect * math.sqrt(size)) * stats.norm.pdf(effect, scale=math.sqrt(EFFECT_VARIANCE))

    return integrate.quad(density, -12, 12, limit=200)[0] / stats.t.pdf(t, df)


def test_it_is_the_sum_of_the_bayes_factors_over_the_starts():
    rate, _ = stable_rate(ERRORS, N)
    for runs in (5, 9, 12):
        expected = 1 + sum(t_bayes_factor(rate[:k], rate[k:runs]) for k in range(1, runs))
        assert math.exp(log_evidence(ERRORS, N)[runs - 1]) == pytest.approx(expected, rel=1e-5)


def test_many_series_at_once_are_each_series_alone():
    other = ERRORS[::-1]
    together = log_evidence([ERRORS, other], [N, N])
    np.testing.assert_allclose(together, [log_evidence(ERRORS, N), log_evidence(other, N)])


def test_evidence_is_blind_to_the_direction_and_to_the_level():
    # Not exactly: the scale on which chance is alike is not linear at the ends.
    rise = log_evidence([400] * 5 + [410] * 5 + [700] * 3, [1_000] * 13)[-1]
    fall = log_evidence([600] * 5 + [590] * 5 + [300] * 3, [1_000] * 13)[-1]
    assert rise == pytest.approx(fall, rel=1e-6)


def test_no_runs_and_few_runs_are_no_evidence():
    assert log_evidence([], []).tolist() == []
    assert log_evidence([1, 2], [10, 10]).tolist() == pytest.approx([0, math.log(2)])


@pytest.mark.parametrize("errors", [0, 200])
def test_chance_in_a_rate_that_never_moved_is_no_alarm(errors):
    one = abs(errors - 1)
    assert log_evidence([errors] * 60 + [one], [200] * 61)[-1] < math.log(1_000)


@pytest.mark.parametrize("rows", [(20_000, 200), (200, 20_000)])
def test_a_table_that_shrinks_or_grows_is_no_change_of_the_error_rate(rows):
    """Small runs are far from the level of large ones by chance: a hundred of each, 5 % and less alarm."""
    labels = np.repeat(np.repeat(rows, 100)[None], 60, axis=0)
    errors = np.random.default_rng(4).binomial(labels, 0.1)
    alarms = (log_evidence(errors, labels) >= math.log(1_000)).any(axis=1)
    assert alarms.mean() <= 0.2
    risen = np.random.default_rng(5).binomial(labels, np.repeat([0.1, 0.2], 100))
    assert (log_evidence(risen, labels)[:, -1] >= math.log(1_000)).all()


def test_where_the_change_began():
    assert change_start(ERRORS, N) == 8
    assert change_start([5, 5], [10, 10]) in (0, 1)


def test_the_smallest_visible_rate_is_just_visible():
    errors, labels = ERRORS[:8] * 3, [1_000] * 24
    rate = smallest_visible_rate(errors, labels, 1_000)
    for factor, seen in ((1.05, True), (0.95, False)):
        later = [round(1_000 * rate * factor)] * 4
        assert (log_evidence(errors + later, labels + [1_000] * 4)[-1] >= math.log(1_000)) == seen


def test_a_baseline_of_two_runs_sees_nothing():
    assert smallest_visible_rate([10, 12], [100, 100], 1_000) == math.inf
