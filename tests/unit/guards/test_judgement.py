"""Breach, undecided or pass, over all tests of a table."""

from __future__ import annotations

import math

import pytest

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.verdict import Outcome, Severity
from airflow_provider_aiguard.guards.channels.base import Channel
from airflow_provider_aiguard.guards.judgement import judge, undecided


def channel(p_value=0.5, effect=0.0, *, visible=0.01, **fields):
    given = {"test": "ks", "column": "x", "seen": "KS", "detectable": lambda _: visible, "unit": "{:g}".format}
    return Channel(p_value=p_value, effect=effect, **{**given, **fields})


@pytest.mark.parametrize(
    ("p_value", "effect", "visible", "outcome"),
    [
        (0.01, 0.05, 0.01, Outcome.BREACH),
        (0.01, 0.01, 0.01, Outcome.PASS),
        (0.2, 0.5, 0.01, Outcome.PASS),
        (0.2, 0.5, 0.3, Outcome.UNDECIDED),
        (0.01, 0.05, 0.3, Outcome.BREACH),
        (0.01, 0.02, 0.01, Outcome.BREACH),
    ],
)
def test_significant_and_large_or_sure_to_have_been_seen(p_value, effect, visible, outcome):
    (check,) = judge([channel(p_value, effect, visible=visible)], DriftLimits())
    assert check.outcome is outcome


def test_alpha_is_shared_by_those_that_can_alarm():
    seen = []

    def detectable(alpha):
        seen.append(alpha)
        return 0.01

    family = [channel(0.02, 0.5, detectable=detectable), channel(idle=True, detectable=detectable), channel(blind="no")]
    checks = judge([*family, channel(0.9)], DriftLimits())
    assert [c.outcome for c in checks] == [Outcome.BREACH, Outcome.PASS, Outcome.UNDECIDED, Outcome.PASS]
    assert checks[0].detail["adjusted_p_value"] == pytest.approx(0.04)
    assert seen == pytest.approx([0.05 / 2, 0.05 / 3])


@pytest.mark.parametrize("columns", [(), ("x",)])
def test_what_saw_nothing_is_no_pass_and_stops_nobody_who_demanded_nothing(columns):
    limits = DriftLimits(columns=columns, must_see={"ks": math.inf})
    (check,) = judge([channel(visible=1.0)], limits)
    assert (check.outcome, check.severity) == (Outcome.UNDECIDED, Severity.WARN)
    assert check.message == "x: KS (limit 0.02); no change would have been seen"
    (check,) = judge([channel(visible=1.0)], DriftLimits(columns=columns))
    assert (check.outcome, check.severity) == (Outcome.UNDECIDED, Severity.ERROR)
    (check,) = judge([channel(0.001, 0.5, visible=1.0)], limits)
    assert (check.outcome, check.severity) == (Outcome.BREACH, Severity.ERROR)


def test_what_is_only_shown_unless_it_is_named():
    optional = channel(optional=True, visible=0.9)
    assert judge([optional], DriftLimits())[0].severity is Severity.WARN
    assert judge([optional], DriftLimits(columns=("x",)))[0].severity is Severity.ERROR
    assert undecided("why", "x", shown=True).severity is Severity.WARN
    assert (undecided("why").check, undecided("why", "x").message) == ("drift.table", "x: why")


def test_numbers_without_bound_are_no_numbers_for_machines():
    (check,) = judge([channel(0.0, math.inf, visible=math.inf)], DriftLimits(), note=" [10% sample]")
    assert (check.value, check.detail["smallest_visible"]) == (None, None)
    assert check.message == "x: KS (limit 0.02) [10% sample]"


def test_demands_can_be_those_of_another_guard():
    (check,) = judge([channel(visible=0.2)], DriftLimits(), must_see={"ks": 0.3})
    assert check.outcome is Outcome.PASS
