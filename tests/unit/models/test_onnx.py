"""Real graphs, converted from real estimators."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from airflow_provider_aiguard import OnnxModel
from airflow_provider_aiguard.core.errors import ConfigurationError, ModelIntegrityError
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.models.base import Model
from airflow_provider_aiguard.models.onnx import _highest

IRIS = load_iris(as_frame=True)
X, Y = IRIS.data.astype("float32"), IRIS.target_names[IRIS.target]
FLIGHTS = pd.DataFrame({"carrier": ["AA", "B6", "AA", "HA"] * 5, "hour": [6, 20, 7, 21] * 5})
LATE = FLIGHTS["hour"] > 12


def pinned(graph: Any, path: Path) -> tuple[Path, str]:
    path.write_bytes(graph.SerializeToString())
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def model_of(graph: Any, tmp_path: Path, **more: Any) -> OnnxModel:
    path, sha256 = pinned(graph, tmp_path / "kind.onnx")
    return OnnxModel(path, sha256=sha256, **{"output": "kind", **more})


@pytest.fixture
def classifier() -> LogisticRegression:
    return LogisticRegression(max_iter=500).fit(X, Y)


@pytest.mark.parametrize("zipmap", [True, False])
def test_a_classifier_claims_what_it_did_before_it_was_converted(
    classifier: LogisticRegression, tmp_path: Path, zipmap: bool
) -> None:
    graph = to_onnx(classifier, X[:1].to_numpy(), options={"zipmap": zipmap})
    claims = model_of(graph, tmp_path).predict(X)
    assert claims.values["kind"] == classifier.predict(X).tolist()
    assert claims.confidences["kind"] == pytest.approx(classifier.predict_proba(X).max(axis=1), abs=1e-5)
    assert claims.confidence_source is ConfidenceSource.PROBABILITY
    assert max(claims.confidences["kind"]) <= 1  # type: ignore[type-var]


def test_a_regressor_claims_numbers_without_confidence(tmp_path: Path) -> None:
    graph = to_onnx(LinearRegression().fit(X, X.iloc[:, 0] * 2), X[:1].to_numpy())
    claims = model_of(graph, tmp_path).predict(X)
    assert claims.values["kind"] == pytest.approx((X.iloc[:, 0] * 2).tolist(), abs=1e-3)
    assert (claims.confidences, claims.confidence_source) == ({}, None)


def by_column(tmp_path: Path, **more: Any) -> OnnxModel:
    encode = make_column_transformer((OneHotEncoder(), ["carrier"]), ("passthrough", ["hour"]))
    fitted = make_pipeline(encode, LogisticRegression()).fit(FLIGHTS, LATE.astype(int))
    types = [("carrier", StringTensorType([None, 1])), ("hour", Int64TensorType([None, 1]))]
    return model_of(to_onnx(fitted, initial_types=types, options={"zipmap": False}), tmp_path, **more)


def test_a_graph_may_take_a_column_each(tmp_path: Path) -> None:
    wide = FLIGHTS.assign(note="x")[["note", "hour", "carrier"]]
    claims = by_column(tmp_path, features=["carrier", "hour"]).predict(wide)
    assert claims.values["kind"] == LATE.astype(int).tolist()


def test_a_row_that_no_tensor_can_hold_is_a_reject_and_the_others_are_answered(tmp_path: Path) -> None:
    rows = FLIGHTS.head(4).astype({"hour": "Int64"}).copy()
    rows.loc[1, "hour"], rows.loc[2, "carrier"] = pd.NA, None
    claims = by_column(tmp_path).predict(rows)
    assert {i: (f.reason, f.detail) for i, f in claims.failures.items()} == {
        1: ("bad_input", "column 'hour' is NULL or not a finite number"),
        2: ("bad_input", "column 'carrier' is NULL or not a finite number"),
    }
    assert claims.values["kind"] == [0, None, None, 1]
    assert claims.confidences["kind"][1] is None
    nothing = by_column(tmp_path).predict(rows.iloc[1:3].reset_index(drop=True))
    assert (nothing.values, set(nothing.failures)) == ({"kind": [None, None]}, {0, 1})


def test_a_fraction_that_is_missing_is_not_a_number(tmp_path: Path) -> None:
    graph = to_onnx(LinearRegression().fit(X, X.iloc[:, 0]), X[:1].to_numpy())
    rows = X.head(2).astype("Float32").copy()
    rows.iloc[1, 0] = pd.NA
    claims = model_of(graph, tmp_path).predict(rows)
    assert claims.failures == {}
    assert np.isnan(claims.values["kind"][1])


def test_a_file_that_is_not_the_pinned_one_is_not_opened(classifier: LogisticRegression, tmp_path: Path) -> None:
    path, sha256 = pinned(to_onnx(classifier, X[:1].to_numpy()), tmp_path / "m.onnx")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelIntegrityError, match="It was not loaded"):
        OnnxModel(path, sha256=sha256, output="kind").predict(X)
    with pytest.raises(ConfigurationError, match="64 hexadecimal characters"):
        OnnxModel(path, sha256="abc", output="kind")


def test_inputs_and_outputs_that_are_not_there_are_named(classifier: LogisticRegression, tmp_path: Path) -> None:
    graph = to_onnx(classifier, X[:1].to_numpy(), options={"zipmap": False})
    with pytest.raises(ConfigurationError, match=r"no output 'sort'; it has \['label', 'probabilities'\]"):
        model_of(graph, tmp_path, label="sort").predict(X)
    with pytest.raises(ConfigurationError, match=r"takes \['carrier', 'hour'\], the features are \['hour'\]"):
        by_column(tmp_path, features=["hour"]).predict(FLIGHTS)


def test_a_type_that_rows_have_not_is_refused(tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    node = helper.make_node("Identity", ["x"], ["y"])
    shape = [helper.make_tensor_value_info(name, TensorProto.UINT8, [None, 1]) for name in "xy"]
    graph = helper.make_model(helper.make_graph([node], "g", shape[:1], shape[1:]), ir_version=9)
    graph.opset_import[0].version = 17
    with pytest.raises(ConfigurationError, match=r"The graph takes 'tensor\(uint8\)'; known are"):
        model_of(graph, tmp_path).predict(X)


def test_it_is_a_model_and_its_identity_is_the_file(classifier: LogisticRegression, tmp_path: Path) -> None:
    graph = to_onnx(classifier, initial_types=[("x", FloatTensorType([None, 4]))])
    model = model_of(graph, tmp_path)
    assert isinstance(model, Model)
    assert str(model.identity) == f"kind@{model.file.sha256[:12]}"
    assert model.identity.fingerprint == model.file.sha256
    model.predict(X)
    model.close()
    assert model.predict(X[:1]).values["kind"] == ["setosa"]


def test_whatever_decides_the_answers_is_in_the_fingerprint() -> None:
    asked: list[dict[str, Any]] = [
        {}, {"label": "x"}, {"probabilities": "x"}, {"label": "x", "probabilities": "y"}, {"label": 'x", "y'},
        {"features": ["a", "b"]}, {"features": ["b", "a"]}, {"features": ["a, b"]}, {"features": ["a"], "label": "b"},
    ]  # fmt: skip
    models = [OnnxModel("m.onnx", sha256="0" * 64, output="y", **some) for some in asked]
    assert len({model.identity.fingerprint for model in models}) == len(models)


def test_a_sure_class_of_a_mapping_is_not_above_1() -> None:
    assert _highest([{"a": 1.0000001192, "b": 0.0}]) == _highest(np.array([[1.0000001192, 0.0]])) == [1.0]


@pytest.mark.parametrize("kind", ["float64", "Float64", "object"])
def test_a_value_that_the_tensor_would_change_is_a_reject(tmp_path: Path, kind: str) -> None:
    hours = pd.Series([6.0, 20.5, None, float("inf"), 21.0, 1e30], dtype="float64")
    rows = pd.DataFrame({"carrier": ["AA"] * 6, "hour": [Decimal(6), Decimal("20.5"), None, None, Decimal(21), 1e30]})
    claims = by_column(tmp_path).predict(rows if kind == "object" else rows.assign(hour=hours.astype(kind)))
    whole = "column 'hour' would change in the graph's type int64"
    assert {i: f.detail for i, f in claims.failures.items() if i in {1, 5}} == {1: whole, 5: whole}
    assert {f.reason for f in claims.failures.values()} == {"bad_input"}
    assert claims.values["kind"] == [0, None, None, None, 1, None]


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigurationError, match=r"airflow-provider-aiguard\[onnx\]"):
        OnnxModel(tmp_path / "m.onnx", sha256="0" * 64, output="y").predict(X)


def test_a_dag_file_may_name_it_without_loading_the_runtime() -> None:
    code = (
        "import sys; from airflow_provider_aiguard import OnnxModel; OnnxModel('m', sha256='0' * 64, output='y'); "
        "assert not {'onnxruntime', 'numpy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
