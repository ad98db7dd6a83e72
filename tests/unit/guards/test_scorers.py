from __future__ import annotations

import sys

import numpy as np
import pytest

from airflow_provider_aiguard.core.errors import ColumnTypeError, ConfigurationError
from airflow_provider_aiguard.guards.scorers import score


def test_a_scorer_gets_the_claims_and_the_interval_is_the_same_every_time():
    rng = np.random.default_rng(3)
    truth = rng.normal(size=400)
    claims = truth + rng.normal(scale=0.5, size=400)
    from sklearn.metrics import r2_score

    found = score("r2", claims, truth)
    assert found.value == pytest.approx(r2_score(truth, claims))
    assert found.low < found.value < found.high
    assert score("r2", claims, truth) == found


def test_texts_are_classes():
    truth = np.array(["a", "b", "c"] * 100, dtype=object)
    claims = np.where(np.arange(300) % 10 == 0, "a", truth)
    found = score("f1_macro", claims, truth)
    assert 0.9 < found.value < 0.95
    assert found.low > 0.85


def test_errors_are_negative_so_that_more_is_better():
    assert score("neg_median_absolute_error", np.full(100, 3.0), np.zeros(100)).value == -3.0


def test_a_claim_that_is_missing_has_no_score():
    assert score("r2", np.array([1.0, np.nan]), np.array([1.0, 2.0])) is None
    assert score("accuracy", np.array(["a", None], dtype=object), np.array(["a", "b"], dtype=object)) is None
    assert score("r2", np.array([]), np.array([])) is None


def test_an_unknown_name_is_an_error():
    with pytest.raises(ConfigurationError, match="metric='acuracy' is neither a metric of the guard's own nor"):
        score("acuracy", np.ones(3), np.ones(3))


@pytest.mark.parametrize(
    ("metric", "claims"), [("roc_auc", np.ones(3)), ("r2", np.array(["x", "y", "z"], dtype=object))]
)
def test_what_cannot_be_scored_is_an_error_without_values(metric, claims):
    with pytest.raises(ColumnTypeError, match=f"scikit-learn's '{metric}' cannot score these claims") as caught:
        score(metric, claims, np.array([0.0, 1.0, 1.0]))
    assert "'x'" not in str(caught.value)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(ConfigurationError, match=r"airflow-provider-aiguard\[sklearn\]"):
        score("r2", np.ones(3), np.ones(3))
