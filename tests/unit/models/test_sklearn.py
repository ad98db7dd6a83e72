from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from airflow_provider_aiguard.core.errors import ConfigurationError, ModelIntegrityError
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.models.sklearn import SklearnModel

X = pd.DataFrame({"a": [0.0, 1.0, 2.0, 10.0, 11.0, 12.0], "b": [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]})
LABELS = np.array(["early", "early", "early", "late", "late", "late"])


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def pinned(estimator: Any, path: Path) -> tuple[Path, str]:
    path.write_bytes(pickle.dumps(estimator))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_classifier_claims_its_best_class_with_its_probability(tmp_path: Path) -> None:
    estimator = LogisticRegression().fit(X, LABELS)
    path, sha256 = pinned(estimator, tmp_path / "late.pkl")
    claims = SklearnModel(path, sha256=sha256, output="when").predict(X)
    assert list(claims.values["when"]) == list(estimator.predict(X))
    assert list(claims.confidences["when"]) == list(estimator.predict_proba(X).max(axis=1))
    assert claims.confidence_source is ConfidenceSource.PROBABILITY


def test_a_regressor_claims_values_without_confidence(tmp_path: Path) -> None:
    estimator = LinearRegression().fit(X, X["a"] * 2)
    path, sha256 = pinned(estimator, tmp_path / "double.pkl")
    claims = SklearnModel(path, sha256=sha256, output="twice").predict(X)
    assert list(claims.values["twice"]) == pytest.approx(list(X["a"] * 2))
    assert (claims.confidences, claims.confidence_source) == ({}, None)


def test_features_are_taken_in_the_order_of_the_fit(tmp_path: Path) -> None:
    estimator = LinearRegression().fit(X[["b", "a"]], X["a"])
    path, sha256 = pinned(estimator, tmp_path / "m.pkl")
    wide = X.assign(other="text")[["other", "a", "b"]]
    claims = SklearnModel(path, sha256=sha256, output="y", features=["b", "a"]).predict(wide)
    assert list(claims.values["y"]) == pytest.approx(list(X["a"]))
    asked = (None, ["a", "b"], ["b", "a"])
    found = [SklearnModel(path, sha256=sha256, output="y", features=some).identity.fingerprint for some in asked]
    assert (len(set(found)), found[0]) == (3, sha256)


def test_a_file_with_other_bytes_is_never_unpickled(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    path, _ = pinned(Trap(trace), tmp_path / "model.pkl")
    sha256 = hashlib.sha256(b"the file that was reviewed").hexdigest()
    model = SklearnModel(path, sha256=sha256, output="y")
    with pytest.raises(ModelIntegrityError, match=rf"'{path}' has sha256 '\w+', pinned is '{sha256}'. It was not loa"):
        model.predict(X)
    assert not trace.exists()


def test_the_trap_would_have_sprung(tmp_path: Path) -> None:
    """Or else the test above proves nothing."""
    trace = tmp_path / "ran"
    path, sha256 = pinned(Trap(trace), tmp_path / "model.pkl")
    with pytest.raises(AttributeError, match="predict"):
        SklearnModel(path, sha256=sha256, output="y").predict(X)
    assert trace.exists()


def test_a_file_swapped_after_the_pin_is_refused_at_the_next_load(tmp_path: Path) -> None:
    path, sha256 = pinned(LinearRegression().fit(X, X["a"]), tmp_path / "model.pkl")
    model = SklearnModel(path, sha256=sha256, output="y")
    model.predict(X)
    trace = tmp_path / "ran"
    pinned(Trap(trace), path)
    model.predict(X)  # loaded once, from the pinned bytes
    model.close()
    with pytest.raises(ModelIntegrityError, match="was not loaded"):
        model.predict(X)
    assert not trace.exists()


@pytest.mark.parametrize("name", ["missing.pkl", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    model = SklearnModel(tmp_path / name, sha256="0" * 64, output="y")
    with pytest.raises(ModelIntegrityError, match=r"Model file .* cannot be read: (No such file|Is a directory)"):
        model.predict(X)


def test_making_a_model_opens_no_file(tmp_path: Path) -> None:
    identity = SklearnModel(tmp_path / "late_v3.pkl", sha256=" " + "AB" * 32, output="y").identity
    assert (identity.name, identity.version, identity.fingerprint) == ("late_v3", "ab" * 6, "ab" * 32)
    named = SklearnModel("m.pkl", sha256="0" * 64, output="y", name="late", version="3").identity
    assert str(named) == "late@3"


@pytest.mark.parametrize("sha256", ["", "abc", "g" * 64, "0" * 63])
def test_a_pin_is_a_sha256(sha256: str) -> None:
    with pytest.raises(ConfigurationError, match=r"sha256 of 'm\.pkl' must be 64 hexadecimal characters; got"):
        SklearnModel("m.pkl", sha256=sha256, output="y")
