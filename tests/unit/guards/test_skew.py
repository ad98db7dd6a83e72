"""The skew guard: shares with their intervals, keys on one side, and too few to tell."""

from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.skew import SkewLimits
from airflow_provider_aiguard.core.skew import SkewEvidence
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.skew import evaluate


def judge(
    joined: int = 1_000, rows: int = 1_000, serving: int = 1_000, limits: SkewLimits | None = None, **mismatches: int
):
    evidence = SkewEvidence(
        table="train", serving="serve", rows=rows, serving_rows=serving, joined=joined, mismatches=mismatches
    )
    return {(c.check, c.column): c for c in evaluate(evidence, limits or SkewLimits())}


def test_equal_sides_pass() -> None:
    checks = judge(x=10, y=0)
    assert {c.outcome for c in checks.values()} == {Outcome.PASS}
    assert checks["skew.mismatch", "x"].value == 0.01
    assert checks["skew.unmatched", None].message.startswith("0 of 1000 keys are in 'train' only, 0 of 1000 in 'serve'")


def test_a_breach_needs_the_whole_interval_above_the_limit() -> None:
    assert judge(x=17)["skew.mismatch", "x"].outcome is Outcome.PASS
    check = judge(x=40, y=0)["skew.mismatch", "x"]
    assert check.outcome is Outcome.BREACH
    assert check.message.startswith("x: 40 of 1000 joined rows differ (0.04, at least 0.02")
    assert judge(y=0, x=1, limits=SkewLimits(max_mismatch=0))["skew.mismatch", "x"].outcome is Outcome.BREACH


def test_keys_on_one_side_are_a_check_of_their_own() -> None:
    check = judge(joined=500, x=0)["skew.unmatched", None]
    assert check.outcome is Outcome.BREACH
    assert check.value == pytest.approx(1_000 / 1_500)
    loose = judge(joined=500, x=0, limits=SkewLimits(max_unmatched=1))
    assert {c.outcome for c in loose.values()} == {Outcome.PASS}


def test_too_few_joined_rows_are_undecided() -> None:
    checks = judge(joined=29, x=29)
    assert checks["skew.mismatch", "x"].outcome is Outcome.UNDECIDED
    assert "30 joined rows are needed to decide" in checks["skew.mismatch", "x"].message
    nothing = judge(joined=0, rows=0, serving=0, x=0)
    assert {c.outcome for c in nothing.values()} == {Outcome.UNDECIDED}
    assert {c.value for c in nothing.values()} == {None}
    assert judge(joined=0, serving=0, x=0)["skew.unmatched", None].outcome is Outcome.UNDECIDED


def test_another_type_is_a_breach() -> None:
    evidence = SkewEvidence(
        table="train", serving="serve", rows=9, serving_rows=9, joined=9, types={"x": ("TEXT", "INTEGER")}
    )
    check = evaluate(evidence, SkewLimits())[1]
    assert (check.check, check.column, check.outcome) == ("skew.type", "x", Outcome.BREACH)
    assert check.message == "x: of type TEXT in 'train', INTEGER in 'serve'"


def test_limits_survive_and_refuse() -> None:
    limits = SkewLimits(tolerance=0.1, absolute_tolerance=2, max_mismatch=0.5)
    assert SkewLimits.from_dict(limits.to_dict()) == limits
    for name, value in {"tolerance": -1, "absolute_tolerance": "x", "max_mismatch": 2, "max_unmatched": -1}.items():
        with pytest.raises(ConfigurationError, match=f"{name} must be a number .*; got {value!r}"):
            SkewLimits(**{name: value})  # type: ignore[arg-type]
