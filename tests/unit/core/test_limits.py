from __future__ import annotations

import json
import math
from typing import Any

import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits import (
    MIN_EFFECT,
    MUST_SEE,
    BudgetLimits,
    ConfidenceLimits,
    DriftLimits,
    GroundTruthLimits,
)


@pytest.mark.parametrize(
    "limits",
    [
        DriftLimits(),
        DriftLimits(alpha=0.01, min_effect={"ks": 0.5}, must_see={"nulls": 1}, columns=("a", "b"), show_levels=True),
        ConfidenceLimits(min_mean=0.8, min_rows=10),
        ConfidenceLimits(max_share_below=(0.6, 0.1), max_missing_share=0.5),
        BudgetLimits(),
        BudgetLimits(needed="1.50", max_used_share=0.9),
        GroundTruthLimits(min_accuracy=0.8),
        GroundTruthLimits(min_accuracy=1, min_truth_share=0, min_labels=1, alpha=0.1),
    ],
)
def test_round_trip(limits: Any) -> None:
    assert type(limits).from_dict(json.loads(json.dumps(limits.to_dict()))) == limits


def test_drift_limits_override_defaults_one_by_one() -> None:
    limits = DriftLimits(min_effect={"ks": 0.5}, must_see={"ks": 1})
    assert limits.min_effect == {**MIN_EFFECT, "ks": 0.5}
    assert limits.must_see == {**MUST_SEE, "ks": 1}


@pytest.mark.parametrize("columns", [["a"], ("a",)])
def test_drift_columns_are_a_tuple(columns: Any) -> None:
    assert DriftLimits(columns=columns).columns == ("a",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 0}, "alpha must lie between 0 and 1; got 0"),
        ({"alpha": 1}, "alpha must lie between 0 and 1; got 1"),
        ({"alpha": math.nan}, "alpha must lie between 0 and 1; got nan"),
        ({"columns": "carrier"}, "columns must be a sequence of column names; got 'carrier'"),
        ({"min_effect": {"psi": 0.1}}, "min_effect has no test 'psi'; the tests are"),
        ({"must_see": {"psi": 0.1}}, "must_see has no test 'psi'; the tests are"),
        ({"min_effect": {"ks": -0.1}}, "min_effect of 'ks' must be a number >= 0; got -0.1"),
        ({"must_see": {"ks": math.nan}}, "must_see of 'ks' must be a number >= 0; got nan"),
    ],
)
def test_drift_limits_are_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        DriftLimits(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"needs a limit: give min_mean= or max_share_below="),
        ({"min_mean": 1.1}, r"min_mean must be a number in \[0, 1\]; got 1.1"),
        ({"min_mean": "0.8"}, "min_mean must be a number"),
        ({"min_mean": True}, "min_mean must be a number"),
        ({"min_mean": math.nan}, "min_mean must be a number"),
        ({"max_share_below": "ab"}, r"max_share_below must be \(threshold, share\)"),
        ({"max_share_below": (0.5,)}, r"max_share_below must be \(threshold, share\)"),
        ({"max_share_below": (1.5, 0.1)}, "max_share_below threshold must be a number"),
        ({"max_share_below": (0.5, -0.1)}, "max_share_below share must be a number"),
        ({"min_mean": 0.8, "max_missing_share": 2}, "max_missing_share must be a number"),
        ({"min_mean": 0.8, "min_rows": 0}, "min_rows must be at least 1; got 0"),
    ],
)
def test_confidence_limits_are_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ConfidenceLimits(**arguments)


def test_confidence_thresholds() -> None:
    assert ConfidenceLimits(min_mean=0.8).thresholds == ()
    assert ConfidenceLimits(max_share_below=(0.6, 0.1)).thresholds == (0.6,)


def test_the_money_needed_is_rounded_up() -> None:
    assert BudgetLimits(needed="0.0000001").needed_micros == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"needed": 1.5}, "needed must be dollars as a string"),
        ({"max_used_share": 1.5}, r"max_used_share must lie in \[0, 1\]; got 1.5"),
    ],
)
def test_budget_limits_are_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        BudgetLimits(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_accuracy": 0}, "min_accuracy must lie above 0 and at most at 1; got 0"),
        ({"min_accuracy": math.nan}, "min_accuracy must lie above 0"),
        ({"min_accuracy": 0.8, "alpha": 1.5}, "alpha must lie above 0 and at most at 1; got 1.5"),
        ({"min_accuracy": 0.8, "min_truth_share": -1}, r"min_truth_share must lie in \[0, 1\]; got -1"),
        ({"min_accuracy": 0.8, "min_labels": 0}, "min_labels must be at least 1; got 0"),
    ],
)
def test_ground_truth_limits_are_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        GroundTruthLimits(**arguments)
