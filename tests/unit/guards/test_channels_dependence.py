"""Two columns together."""

from __future__ import annotations

from channel_samples import N, number, table

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.verdict import Outcome, Severity
from airflow_provider_aiguard.guards.drift import evaluate

APART, TOGETHER = (2_500, 2_500, 2_500, 2_500), (4_000, 1_000, 1_000, 4_000)


def together(before, after, *, splits=None, **limits):
    columns = [number(), number(name="y")]
    sides = [
        table(*columns, pairs={("x", "y"): counts} if counts else {}, splits=side or {"x": 0.0, "y": 0.0})
        for counts, side in ((before, None), (after, splits))
    ]
    return [c for c in evaluate(*sides, DriftLimits(**limits)) if c.check == "drift.dependence"]


def test_columns_that_lose_their_dependence_breach_though_each_is_unchanged():
    (check,) = together(TOGETHER, APART)
    assert (check.outcome, check.column) == (Outcome.BREACH, "x ~ y")
    assert check.message == "x ~ y: dependence +0.60 -> +0.00 (Yule's Y) (limit 0.05)"
    (same,) = together(TOGETHER, TOGETHER)
    assert same.outcome is Outcome.PASS
    assert "(Yule's Y)" in same.message.partition("smallest change it would have seen")[2]


def test_dependence_is_compared_where_it_was_counted_alike():
    assert together(TOGETHER, None) == []
    assert together(TOGETHER, APART, splits={"x": 0.0, "y": 9.0}) == []
    assert together((N, 0, 0, 0), APART) == []
    (stuck,) = together(TOGETHER, (5_000, 0, 5_000, 0))
    assert (stuck.outcome, stuck.message) == (
        Outcome.UNDECIDED,
        "x ~ y: one of them no longer varies around its median",
    )


def test_dependence_can_be_left_out_and_asked_for():
    assert together(TOGETHER, APART, methods={"x": ["ks"]}) == []
    assert together(TOGETHER, APART, methods={"*": ["ks", "dependence"]})[0].outcome is Outcome.BREACH
    (asked,) = together(None, None, methods={"x": ["dependence"]})
    assert (asked.outcome, asked.severity) == (Outcome.UNDECIDED, Severity.ERROR)
    assert "dependence was not counted on both sides" in asked.message
