from __future__ import annotations

import dataclasses

import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.evidence import BudgetStatus
from airflow_provider_aiguard.core.limits.budget import BudgetLimits
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.budget import evaluate


def status(spent=0, held=0, limit=5_000_000):
    return BudgetStatus(name="flights", window="day:2026-11-23", limit=limit, spent=spent, held=held)


def outcomes(status, **limits):
    return {check.check: check.outcome for check in evaluate(status, BudgetLimits(**limits))}


@pytest.mark.parametrize(
    ("spent", "held", "limits", "remaining", "share"),
    [
        (0, 0, {}, Outcome.PASS, Outcome.PASS),
        (4_999_999, 0, {}, Outcome.PASS, Outcome.PASS),
        (5_000_000, 0, {}, Outcome.BREACH, Outcome.PASS),  # used up
        (4_000_000, 1_000_000, {}, Outcome.BREACH, Outcome.PASS),  # held counts
        (5_000_000, 1, {}, Outcome.BREACH, Outcome.BREACH),
        (3_500_000, 0, {"needed": "1.50"}, Outcome.PASS, Outcome.PASS),
        (3_500_001, 0, {"needed": "1.50"}, Outcome.BREACH, Outcome.PASS),
        (4_000_000, 0, {"max_used_share": 0.8}, Outcome.PASS, Outcome.PASS),
        (4_000_000, 1, {"max_used_share": 0.8}, Outcome.PASS, Outcome.BREACH),
    ],
)
def test_what_is_left_and_what_is_used(spent, held, limits, remaining, share):
    assert outcomes(status(spent, held), **limits) == {"budget.remaining": remaining, "budget.used_share": share}


def test_a_limit_of_nothing_leaves_nothing():
    assert outcomes(status(limit=0))["budget.remaining"] is Outcome.BREACH


def test_the_message_has_the_money_in_it():
    left, used = evaluate(status(3_000_000, 500_000), BudgetLimits(needed="2.00", max_used_share=0.5))
    assert left.message == (
        "budget 'flights' (day:2026-11-23): $1.50 of $5.00 left, $2.00 needed. Raise the limit or wait"
    )
    assert (left.value, left.limit) == (1.5, 2.0)
    assert used.message == (
        "budget 'flights' (day:2026-11-23): 70.0% of $5.00 used ($3.00 spent, $0.5000 held), limit 50.0%"
    )
    assert (used.value, used.limit) == (0.7, 0.5)


def test_a_tripped_budget_has_nothing_left():
    tripped = dataclasses.replace(status(1_000_000), tripped=True)
    left, used = evaluate(tripped, BudgetLimits())
    assert (left.outcome, left.value, used.outcome) == (Outcome.BREACH, 0.0, Outcome.PASS)
    assert "$0.00 of $5.00 left, something must be left. It is tripped" in left.message
    assert "'aiguard budget set'" in left.message


def test_tokens_and_calls_are_said_as_such():
    tokens = BudgetStatus(
        name="team", window="team: tokens", limit=10_000, spent=8_000, held=1_999, unit="tokens", limit_from="store"
    )
    left, used = evaluate(tokens, BudgetLimits(needed="500"))
    assert left.message == (
        "budget 'team' (team: tokens): 1 token of 10,000 tokens (set in the store) left, 500 tokens needed. "
        "Raise the limit or wait"
    )
    assert (left.value, left.limit, left.outcome) == (1.0, 500.0, Outcome.BREACH)
    assert used.message.endswith("used (8,000 tokens spent, 1,999 tokens held), limit 100.0%")


def test_half_a_call_is_never_needed():
    with pytest.raises(ConfigurationError, match="needed must be a whole number of calls"):
        BudgetLimits(needed="0.5").needed_of("calls")
