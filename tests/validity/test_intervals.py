"""What the interval of the ground-truth guard promises, computed exactly: no draw is needed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from airflow_provider_aiguard.core.evidence import TruthEvidence
from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.ground_truth import evaluate
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson


@pytest.mark.parametrize("n", [30, 300])
@pytest.mark.parametrize("p", [0.01, 0.3, 0.77, 0.86, 0.999])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_interval_covers_at_least_as_often_as_it_says(n, p, alpha):
    hits = np.arange(n + 1)
    bounds = np.array([clopper_pearson(int(k), n, alpha) for k in hits])
    covers = (bounds[:, 0] <= p) & (p <= bounds[:, 1])
    assert binom.pmf(hits, n, p)[covers].sum() >= 1 - alpha


def test_a_model_at_the_limit_is_blamed_in_at_most_half_of_alpha():
    rng = np.random.default_rng(1)
    limits = GroundTruthLimits(min_accuracy=0.8)
    blamed = 0
    for correct in rng.binomial(500, 0.8, size=1_000).tolist():
        evidence = TruthEvidence(column="y", truth_column="y", inferred=500, labels=500, correct=correct)
        blamed += evaluate(evidence, limits)[0].outcome is Outcome.BREACH
    assert blamed <= binom.ppf(0.999, 1_000, 0.025)


def test_the_rot_of_july_is_seen():
    """Accuracy 0.77 against a limit of 0.8 in 28,000 labels, as in the flights."""
    evidence = TruthEvidence(column="late", truth_column="late", inferred=28_000, labels=28_000, correct=21_560)
    assert evaluate(evidence, GroundTruthLimits(min_accuracy=0.8))[0].outcome is Outcome.BREACH
