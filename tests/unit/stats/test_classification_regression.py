"""Scores are scikit-learn's, and errors numpy's; the intervals hold them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn import metrics

from airflow_provider_aiguard.core.evidence import ErrorSums
from airflow_provider_aiguard.stats import classification, regression


def drawn(seed):
    rng = np.random.default_rng(seed)
    truth = rng.choice(["a", "b", "c"], 300, p=[0.6, 0.3, 0.1])
    guess = np.where(rng.random(300) < 0.8, truth, rng.choice(["a", "b", "c"], 300))
    confusion = {(str(g), str(t)): n for (g, t), n in Counter(zip(guess, truth, strict=True)).items()}
    return guess, truth, confusion


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("positive", ["a", "b", "c"])
def test_scores_of_a_class(seed, positive):
    guess, truth, confusion = drawn(seed)
    kwargs = {"labels": [positive], "average": "macro"}
    for ours, theirs in (
        (classification.precision, metrics.precision_score),
        (classification.recall, metrics.recall_score),
        (classification.f1, metrics.f1_score),
    ):
        found = ours(confusion, positive)
        assert found.value == pytest.approx(theirs(truth, guess, **kwargs))
        assert found.low < found.value < found.high


@pytest.mark.parametrize("seed", range(3))
def test_balanced_accuracy(seed):
    guess, truth, confusion = drawn(seed)
    found = classification.balanced_accuracy(confusion)
    assert found.value == pytest.approx(metrics.balanced_accuracy_score(truth, guess))
    assert found.low < found.value < found.high


def test_nothing_has_no_score():
    for found in (classification.f1({}, "a"), classification.balanced_accuracy({}), classification.share(0, 0)):
        assert (found.value, found.low, found.high) == (None, 0.0, 1.0)


def test_errors():
    e = np.random.default_rng(1).normal(0.3, 2, 400)
    sums = ErrorSums.of(e.tolist())
    for ours, value in (
        (regression.mean_absolute_error, abs(e).mean()),
        (regression.root_mean_squared_error, (e**2).mean() ** 0.5),
        (regression.bias, e.mean()),
    ):
        found = ours(sums)
        assert found.value == pytest.approx(value)
        assert found.low < found.value < found.high
    assert regression.mean_absolute_error(ErrorSums.of([])).value is None
    assert regression.root_mean_squared_error(ErrorSums.of([])).value is None


def test_sizes_are_never_negative():
    sums = ErrorSums.of([0.0] * 40 + [100.0])
    assert regression.mean_absolute_error(sums).low == 0
    assert regression.root_mean_squared_error(sums).low == 0
