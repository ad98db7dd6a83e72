"""Permutation importance: what a model leans on, by parts of the rows."""

from __future__ import annotations

import logging
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from airflow_provider_aiguard.core.claims import Claims, Failure
from airflow_provider_aiguard.core.errors import InvalidClaimError
from airflow_provider_aiguard.core.importance import ImportanceEvidence
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.models.importance import permutation_importance

RNG = np.random.default_rng(0)
N = 2_000
ROWS = pd.DataFrame({"strong": RNG.normal(size=N), "weak": RNG.normal(size=N), "idle": RNG.normal(size=N)})
LATE = pd.Series((ROWS["strong"] + 0.3 * ROWS["weak"]) > 0, dtype="boolean")
DELAY = pd.Series(5 * ROWS["strong"] + ROWS["weak"], dtype="Float64")


def says_late(chunk):
    return {"late": (chunk["strong"] + 0.3 * chunk["weak"]) > 0}


def measure(model, truth=LATE, column="late", **kwargs):
    return permutation_importance(model, kwargs.pop("rows", ROWS), truth, column=column, **kwargs)


def test_the_features_are_ranked_by_what_the_accuracy_loses():
    found = measure(FunctionModel(says_late, outputs=["late"]))
    means = {name: np.mean(losses) for name, losses in found.importances.items()}
    assert (found.metric, found.score, found.rows) == ("accuracy", 1.0, N)
    assert found.model.startswith("says_late@")
    assert means["strong"] > 0.3 > means["weak"] > 0.03
    assert means["idle"] == 0
    assert {len(losses) for losses in found.importances.values()} == {20}


def test_the_spread_of_the_parts_is_the_error_of_the_mean():
    """Against the truth: the importance on many fresh samples."""
    rng = np.random.default_rng(1)
    means, errors = [], []
    for seed in range(60):
        rows = pd.DataFrame({name: rng.normal(size=400) for name in ROWS})
        truth = pd.Series((rows["strong"] + 0.3 * rows["weak"] + rng.normal(size=400)) > 0)
        losses = measure(FunctionModel(says_late, outputs=["late"]), truth, rows=rows, seed=seed).importances["strong"]
        means.append(np.mean(losses))
        errors.append(np.std(losses, ddof=1) / np.sqrt(len(losses)))
    assert np.mean(errors) == pytest.approx(np.std(means, ddof=1), rel=0.25)


def test_a_number_is_judged_by_its_error():
    found = measure(lambda_model(lambda c: 5 * c["strong"] + c["weak"]), DELAY, "delay")
    means = {name: np.mean(losses) for name, losses in found.importances.items()}
    assert (found.metric, found.score) == ("mae", 0.0)
    assert means["strong"] == pytest.approx(5 * 2 / np.sqrt(np.pi), rel=0.1)
    assert means["weak"] == pytest.approx(2 / np.sqrt(np.pi), rel=0.1)
    prices = pd.Series([Decimal(str(round(v, 2))) for v in DELAY])
    assert measure(lambda_model(lambda c: 5 * c["strong"]), prices, "delay").metric == "mae"


def lambda_model(function):
    class Estimator:
        def predict(self, chunk):
            return function(chunk).to_numpy()

    return Estimator()


@pytest.mark.filterwarnings("error")
def test_infinite_errors_rank_nothing():
    delay = DELAY.astype(float).where(DELAY.index != 7, np.inf)
    found = measure(lambda_model(lambda c: 5 * c["strong"] + c["weak"]), delay, "delay")
    assert not np.isfinite(found.importances["strong"]).all()


def test_an_estimator_of_scikit_learn_will_do():
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression().fit(ROWS, LATE.astype(bool))
    found = measure(fitted)
    assert found.model == "LogisticRegression"
    assert found.score > 0.97


def test_a_seed_gives_the_same_numbers_and_chunks_do_not_matter():
    model = FunctionModel(says_late, outputs=["late"])
    assert measure(model) == measure(model, chunk_size=77)
    assert measure(model) != measure(model, seed=1)


def test_a_row_the_model_fails_on_is_wrong():
    class Fails:
        def predict(self, chunk):
            values = says_late(chunk)
            return Claims(values=values, failures={i: Failure("timeout") for i in range(0, len(chunk), 2)})

    assert measure(Fails()).score == 0.5

    class FailsOnNumbers:
        def predict(self, chunk):
            return [None if i % 2 else v for i, v in enumerate(5 * chunk["strong"] + chunk["weak"])]

    by_the_mean = np.abs(DELAY[1::2].astype(float) - DELAY.mean()).sum() / N
    assert -measure(FailsOnNumbers(), DELAY, "delay").score == pytest.approx(by_the_mean)


def test_too_few_rows_have_no_importance():
    found = measure(FunctionModel(says_late, outputs=["late"]), LATE[:19], rows=ROWS[:19])
    assert (found.rows, found.importances) == (19, {"strong": (), "weak": (), "idle": ()})
    nothing = measure(FunctionModel(says_late, outputs=["late"]), LATE[:0], rows=ROWS[:0])
    assert nothing.rows == 0


def test_an_answer_without_the_column_or_of_another_length_is_refused():
    with pytest.raises(InvalidClaimError, match="The model gives no values of column 'early' for 2000 rows"):
        measure(FunctionModel(says_late, outputs=["late"]), column="early")
    with pytest.raises(InvalidClaimError, match="gives 3 values of column 'late' for 2000 rows"):
        measure(lambda_model(lambda c: c["strong"][:3]))


def test_progress_is_logged(caplog):
    with caplog.at_level(logging.INFO, logger="airflow_provider_aiguard.models.importance"):
        measure(FunctionModel(says_late, outputs=["late"]))
    assert "Importance of strong: 0.4" in caplog.text
    assert "(3 of 3 features)" in caplog.text


def test_evidence_survives_json():
    found = measure(FunctionModel(says_late, outputs=["late"]))
    assert ImportanceEvidence.from_dict(found.to_dict()) == found
