from __future__ import annotations

import json

import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.budget import BudgetLimits
from airflow_provider_aiguard.core.limits.calibration import CalibrationLimits
from airflow_provider_aiguard.core.limits.confidence import ConfidenceLimits
from airflow_provider_aiguard.core.limits.diversity import DiversityLimits
from airflow_provider_aiguard.core.limits.drift import MIN_EFFECT, DriftLimits
from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits


@pytest.mark.parametrize(
    "limits",
    [
        DriftLimits(),
        DriftLimits(alpha=0.01, min_effect={"ks": 0.1}, must_see={"nulls": 1}, columns=("a", "b"), show_levels=True),
        DriftLimits(methods={"*": ["ks"], "carrier": ("psi", "nulls")}, design_effect=2.5),
        ConfidenceLimits(min_mean=0.8),
        ConfidenceLimits(max_share_below=(0.6, 0.1), max_missing_share=0.5, min_rows=3),
        BudgetLimits(needed="1.50", max_used_share=0.9),
        GroundTruthLimits(min_accuracy=0.8, min_truth_share=0, min_labels=5, alpha=0.1),
        GroundTruthLimits(metric="f1", min_score=0.5, positive="yes", max_delay=60),
        CalibrationLimits(max_ece=0.1, max_brier=0.2, max_rise=0.05),
        DiversityLimits(min_entropy=0.5, min_distinct={1: 0.2, 2: 0.5}, min_variance_ratio=0.5, classes=3),
        ConfidenceLimits(max_entropy=0.5),
    ],
)
def test_limits_survive_json(limits):
    assert type(limits).from_dict(json.loads(json.dumps(limits.to_dict()))) == limits


def test_overrides_leave_the_other_floors_alone():
    assert DriftLimits(min_effect={"ks": 0.1}).min_effect == {**MIN_EFFECT, "ks": 0.1}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DriftLimits(alpha=0), "alpha must lie between 0 and 1; got 0"),
        (lambda: DriftLimits(alpha=1), "alpha must lie between 0 and 1; got 1"),
        (lambda: DriftLimits(columns="carrier"), "columns must be a sequence of column names; got 'carrier'"),
        (lambda: DriftLimits(min_effect={"psy": 0.1}), "min_effect has no test 'psy'"),
        (lambda: DriftLimits(must_see={"ks": -1}), "must_see of 'ks' must be a number >= 0; got -1"),
        (lambda: DriftLimits(must_see={"ks": float("nan")}), "must_see of 'ks' must be a number >= 0; got nan"),
        (lambda: DriftLimits(methods={"x": "ks"}), "methods of column 'x' must be a sequence of names .*; got 'ks'"),
        (lambda: DriftLimits(methods={"x": []}), r"methods of column 'x' must be a sequence of names .*; got \[\]"),
        (lambda: DriftLimits(methods={"x": ["kl"]}), "methods has no 'kl'; column 'x' may have"),
        (lambda: DriftLimits(design_effect=0.5), "design_effect must be a number from 1; got 0.5"),
        (lambda: DriftLimits(design_effect=float("inf")), "design_effect must be a number from 1; got inf"),
        (ConfidenceLimits, "needs a limit: give min_mean=, max_share_below= or max_entropy="),
        (lambda: ConfidenceLimits(min_mean=1.2), r"min_mean must be a number in \[0, 1\]; got 1.2"),
        (lambda: ConfidenceLimits(min_mean="0.8"), r"min_mean must be a number in \[0, 1\]; got '0.8'"),
        (lambda: ConfidenceLimits(min_mean=True), r"min_mean must be a number in \[0, 1\]; got True"),
        (lambda: ConfidenceLimits(max_share_below=(0.6, 2)), r"max_share_below share must be .*; got 2"),
        (lambda: ConfidenceLimits(max_share_below=(60, 0.1)), r"max_share_below threshold must be .*; got 60"),
        (lambda: ConfidenceLimits(max_share_below=(0.6,)), r"max_share_below must be \(threshold, share\)"),
        (lambda: ConfidenceLimits(max_share_below="ab"), r"max_share_below must be \(threshold, share\)"),
        (lambda: ConfidenceLimits(min_mean=0.8, max_missing_share=-0.1), "max_missing_share must be .*; got -0.1"),
        (lambda: ConfidenceLimits(min_mean=0.8, min_rows=0), "min_rows must be at least 1; got 0"),
        (lambda: BudgetLimits(needed=1.5), "needed must be dollars as a string"),
        (lambda: BudgetLimits(max_used_share=1.1), r"max_used_share must lie in \[0, 1\]; got 1.1"),
        (lambda: GroundTruthLimits(min_accuracy=0), "min_accuracy must lie above 0 and at most at 1; got 0"),
        (lambda: GroundTruthLimits(min_accuracy=80), "min_accuracy must lie above 0 and at most at 1; got 80"),
        (lambda: GroundTruthLimits(min_accuracy=0.8, alpha=0), "alpha must lie between 0 and 1; got 0"),
        (
            lambda: GroundTruthLimits(min_accuracy=0.8, min_truth_share=2),
            r"min_truth_share must lie in .*; got 2",
        ),
        (lambda: GroundTruthLimits(min_accuracy=0.8, min_labels=0), "min_labels must be at least 1; got 0"),
    ],
)
def test_limits_that_mean_nothing_are_refused(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()
