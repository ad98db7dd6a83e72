"""The alignment guard: moving together, parting, moving against each other, and too early to say."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_provider_aiguard.core.alignment import Aggregate, AlignmentEvidence
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.alignment import AlignmentLimits
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.guards.alignment import evaluate

LIMITS = AlignmentLimits(min_correlation=0.5)


def walk(n: int, seed: int) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).standard_normal(n))


def judge(x: np.ndarray, y: np.ndarray, limits: AlignmentLimits = LIMITS, *, current: bool = True) -> CheckResult:
    evidence = AlignmentEvidence(
        column="late",
        aggregate=Aggregate.SHARE_TRUE,
        predictions=tuple(x.tolist()),
        kpis=tuple(y.tolist()),
        current=current,
    )
    (check,) = evaluate(evidence, limits)
    return check


def test_moving_together_passes() -> None:
    check = judge(walk(40, 1), walk(40, 1) + 0.1 * walk(40, 2))
    assert check.outcome is Outcome.PASS
    assert check.message.startswith("late: correlation of its share_true with the KPI 0.9")
    assert check.message.endswith("over 40 runs (limit 0.5)")


def test_parting_breaches_and_so_does_moving_against_each_other() -> None:
    check = judge(walk(200, 1), walk(200, 2))
    assert check.outcome is Outcome.BREACH
    against = judge(walk(40, 1), -walk(40, 1))
    assert against.outcome is Outcome.BREACH
    assert against.message.endswith(", they move against each other")


def test_what_may_be_anything_is_undecided() -> None:
    check = judge(walk(20, 11), walk(20, 2))
    assert check.outcome is Outcome.UNDECIDED
    assert check.message.endswith("from none to enough, all is possible: more runs are needed")


def test_a_limit_inside_the_interval_passes_and_says_so() -> None:
    check = judge(walk(60, 1), walk(60, 1) + 1.3 * walk(60, 2))
    assert check.outcome is Outcome.PASS
    assert check.message.endswith("; the limit lies inside the interval")


def test_a_lead_is_named() -> None:
    series = walk(60, 3)
    check = judge(series, np.concatenate([[0, 0], series[:-2]]), AlignmentLimits(min_correlation=0.5, max_lead=3))
    assert check.outcome is Outcome.PASS
    assert "with a lead of 2 runs" in check.message
    assert judge(series, np.concatenate([[0, 0], series[:-2]])).outcome is Outcome.BREACH


@pytest.mark.parametrize(
    ("x", "y", "current", "message"),
    [
        (walk(19, 1), walk(19, 1), True, "late: 19 runs with both numbers, 20 needed"),
        (np.ones(30), walk(30, 1), True, "late: one of the two had the same value in all 30 runs"),
        (
            walk(30, 1),
            walk(30, 1),
            False,
            "late: this run has no predictions, or its KPI has not arrived or is no number",
        ),
        (np.zeros(0), np.zeros(0), True, "late: 0 runs with both numbers, 20 needed"),
    ],
)
def test_too_little_is_undecided(x: np.ndarray, y: np.ndarray, current: bool, message: str) -> None:
    check = judge(x, y, current=current)
    assert (check.outcome, check.message) == (Outcome.UNDECIDED, message)


def test_limits_survive_and_refuse() -> None:
    limits = AlignmentLimits(min_correlation=0.2, max_lead=3, min_runs=25)
    assert AlignmentLimits.from_dict(limits.to_dict()) == limits
    for wrong, message in [
        ({"min_correlation": 0}, "min_correlation must lie above 0 and at most at 1; got 0. Where a KPI falls"),
        ({"min_correlation": "high"}, "min_correlation must lie above 0 .* got 'high'"),
        ({"max_lead": -1}, "max_lead must be a whole number of runs of at least 0; got -1"),
        ({"max_lead": 11}, "min_runs must be at least 10 more than max_lead=11; got 20"),
        ({"alpha": 1}, "alpha must lie between 0 and 1; got 1"),
    ]:
        with pytest.raises(ConfigurationError, match=message):
            AlignmentLimits(**{"min_correlation": 0.5, **wrong})  # type: ignore[arg-type]
