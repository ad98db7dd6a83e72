from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_provider_aiguard.core.claims import Claims, Failure
from airflow_provider_aiguard.core.errors import InvalidClaimError
from airflow_provider_aiguard.core.outputs import Output, OutputType
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.inference.validate import ValidClaims, validate_claims

Y, Z = Output("y", OutputType.NUMBER), Output("z", OutputType.TEXT)


def validate(
    values: dict[str, Any],
    confidences: Any = None,
    *,
    outputs: tuple[Output, ...] = (Y,),
    failures: dict[int, Failure] | None = None,
    needed: dict[str, list[bool]] | None = None,
    rows: int = 3,
) -> ValidClaims:
    claims = Claims(
        values=values,
        confidences={} if confidences is None else confidences,
        confidence_source=None if confidences is None else ConfidenceSource.PROBABILITY,
        failures=failures or {},
    )
    masks = {o.name: np.array((needed or {}).get(o.name, [True] * rows)) for o in outputs}
    return validate_claims(claims, outputs, rows=rows, needed=masks, describe_row=lambda i: f"{{'id': 'k{i}'}}")


def test_good_claims() -> None:
    valid = validate({"y": [0.5, None, 3]}, {"y": [0, 0.5, 1]})
    assert [None if pd.isna(v) else v for v in valid.values["y"]] == [0.5, None, 3.0]
    # The second row has no value, so its confidence is about nothing.
    assert str(valid.confidences["y"].tolist()) == "[0.0, nan, 1.0]"
    assert valid.answered.tolist() == [True, False, True]
    assert valid.failures == {1: Failure("no_value", "the model gave no value for 'y'")}


def test_claims_without_confidences_have_none() -> None:
    assert np.isnan(validate({"y": [1, 2, 3]}).confidences["y"]).all()


@pytest.mark.parametrize(
    "given",
    [
        [0.25, None, pd.NA],
        pd.Series([0.25, None, None], dtype="Float64"),
        pd.array([0.25, None, None], dtype="Float64"),
        pd.Series([0.25, None, None], dtype="object"),
        (np.float32(0.25), None, None),
    ],
    ids=["list", "series", "array", "objects", "tuple"],
)
def test_a_confidence_may_be_missing(given: Any) -> None:
    assert str(validate({"y": [1, 2, 3]}, {"y": given}).confidences["y"].tolist()) == "[0.25, nan, nan]"


@pytest.mark.parametrize("wrap", [list, np.array, pd.Series, lambda v: pd.array(v, dtype="Float64")])
@pytest.mark.parametrize("wrong", [1.2, -0.1, 1 + 1e-9, math.inf, 7])
def test_a_confidence_outside_0_and_1_names_row_and_value(wrap: Any, wrong: float) -> None:
    with pytest.raises(InvalidClaimError, match=rf"Confidence of 'y' of row {{'id': 'k1'}} is {float(wrong)!r}\."):
        validate({"y": [1, 2, 3]}, {"y": wrap([0.5, wrong, 0.5])})


@pytest.mark.parametrize("wrap", [list, np.array, pd.Series])
def test_a_nan_is_no_missing_confidence(wrap: Any) -> None:
    with pytest.raises(InvalidClaimError, match=r"row {'id': 'k2'} is nan\. A confidence is .*or None where there is"):
        validate({"y": [1, 2, 3]}, {"y": wrap([0.5, 0.5, math.nan])})


@pytest.mark.parametrize(
    ("wrong", "shown"), [("0.5", "'0.5'"), (True, "True"), (1j, "1j"), ([0.5], r"\[0.5\]"), (np.True_, r"np\.True_")]
)
def test_a_confidence_is_a_number(wrong: Any, shown: str) -> None:
    with pytest.raises(InvalidClaimError, match=rf"Confidence of 'y' of row {{'id': 'k0'}} is {shown}\."):
        validate({"y": [1, 2, 3]}, {"y": [wrong, 0.5, 0.5]})


def test_a_column_of_booleans_is_no_confidence() -> None:
    with pytest.raises(InvalidClaimError, match=r"is np\.True_"):
        validate({"y": [1, 2, 3]}, {"y": np.array([True, True, False])})


def test_confidences_of_rows_without_an_answer_do_not_matter() -> None:
    valid = validate({"y": [1, None, "?"]}, {"y": [0.5, 99, "?"]}, failures={2: Failure("timeout")})
    assert str(valid.confidences["y"].tolist()) == "[0.5, nan, nan]"
    assert valid.failures[2] == Failure("timeout")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"y": [1, 2]}, "The model gave 2 values for output 'y' for a chunk of 3 rows. Give one a row."),
        ({"y": [1, 2, 3, 4]}, "The model gave 4 values"),
        ({"y": []}, "The model gave 0 values"),
        ({"y": "abc"}, "values for output 'y' must be a sequence of 3 items; got str"),
        ({"y": 5}, "must be a sequence of 3 items; got int"),
        ({"y": {1.0, 2.0, 3.0}}, "must be a sequence of 3 items; got set"),
        ({"y": {0: 1, 1: 2, 2: 3}}, "must be a sequence of 3 items; got dict"),
        ({"y": (v for v in [1, 2, 3])}, "must be a sequence of 3 items; got generator"),
        ({"y": np.ones((3, 1))}, r"values for output 'y' must have one dimension; got shape \(3, 1\)"),
        ({"y": np.array(5.0)}, r"must have one dimension; got shape \(\)"),
        ({"y": pd.DataFrame({"a": [1, 2, 3]})}, r"must have one dimension; got shape \(3, 1\)"),
        ({}, r"answered for columns \[\], declared outputs are \['y'\]. Return exactly"),
        ({"late": [1, 2, 3]}, r"answered for columns \['late'\], declared outputs are \['y'\]"),
        ({"y": [1, 2, 3], "z": [1, 2, 3]}, r"answered for columns \['y', 'z'\]"),
    ],
)
def test_wrong_shapes(values: Any, message: str) -> None:
    with pytest.raises(InvalidClaimError, match=message):
        validate(values)


@pytest.mark.parametrize(
    ("confidences", "message"),
    [
        ({"y": [1, 1]}, "The model gave 2 confidences for output 'y' for a chunk of 3 rows"),
        ({"y": 0.5}, "confidences for output 'y' must be a sequence of 3 items; got float"),
        ({"y": np.ones((3, 2))}, r"confidences for output 'y' must have one dimension; got shape \(3, 2\)"),
        ({"q": [1, 1, 1]}, r"gave confidences for \['q'\], which are no outputs"),
    ],
)
def test_wrong_shapes_of_confidences(confidences: Any, message: str) -> None:
    with pytest.raises(InvalidClaimError, match=message):
        validate({"y": [1, 2, 3]}, confidences)


def test_confidences_need_a_source() -> None:
    claims = Claims(values={"y": [1]}, confidences={"y": [1]})
    with pytest.raises(InvalidClaimError, match="confidences without confidence_source"):
        validate_claims(claims, (Y,), rows=1, needed={"y": np.array([True])}, describe_row=str)


@pytest.mark.parametrize("position", [3, -1])
def test_a_failure_of_a_row_that_is_not_there(position: int) -> None:
    with pytest.raises(InvalidClaimError, match=rf"a failure for row {position} of a chunk of 3 rows"):
        validate({"y": [1, 2, 3]}, failures={position: Failure("x")})


def test_a_wrong_value_names_output_row_and_value() -> None:
    with pytest.raises(InvalidClaimError, match=r"Output 'y' of row {'id': 'k1'}: 'two' is not a finite number"):
        validate({"y": [1, "two", 3]})


def test_values_nobody_needs_are_ignored() -> None:
    valid = validate({"y": [1, "?", None]}, {"y": [0.5, 9, 9]}, needed={"y": [True, False, False]})
    assert valid.answered.all()
    assert str(valid.confidences["y"].tolist()) == "[0.5, nan, nan]"


def test_a_row_is_answered_if_every_output_it_needs_is() -> None:
    valid = validate({"y": [1, 2, None], "z": [None, "b", None]}, outputs=(Y, Z), needed={"z": [True, True, False]})
    assert valid.answered.tolist() == [False, True, False]
    assert valid.failures == {
        0: Failure("no_value", "the model gave no value for 'z'"),
        2: Failure("no_value", "the model gave no value for 'y'"),
    }
