"""NULLs and NaNs, with rows that count for less."""

from __future__ import annotations

from dataclasses import replace

import pytest
from channel_samples import BELL, judge, number

from airflow_provider_aiguard.core.verdict import Outcome


def missing(test, n):
    return replace(number(BELL), **{test: n}, rows=sum(BELL) + n)


@pytest.mark.parametrize(("test", "what"), [("nulls", "NULLs"), ("nans", "NaNs")])
def test_a_share_that_doubles_breaches(test, what):
    check = judge(missing(test, 200), missing(test, 400), test)[test]
    assert (check.outcome, check.message) == (Outcome.BREACH, f"x: {what} 2.0% -> 3.8% (limit 0.01)")


@pytest.mark.parametrize("test", ["nulls", "nans"])
def test_rows_that_count_for_less_see_less(test):
    sides = missing(test, 200), missing(test, 400)
    checks = [judge(*sides, test, design_effect=effect)[test] for effect in (1.0, 40.0)]
    assert [c.outcome for c in checks] == [Outcome.BREACH, Outcome.PASS]
    assert checks[0].detail["p_value"] < checks[1].detail["p_value"]
    assert checks[1].message.startswith(checks[0].message.partition(" (limit")[0])


def test_shares_fall_as_well_as_rise():
    assert judge(missing("nulls", 400), missing("nulls", 200), "nulls")["nulls"].outcome is Outcome.BREACH
