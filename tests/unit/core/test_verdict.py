from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity, Verdict, number

B, U, P = Outcome.BREACH, Outcome.UNDECIDED, Outcome.PASS

checks_ = st.builds(
    CheckResult,
    check=st.text(max_size=8),
    outcome=st.sampled_from(Outcome),
    message=st.text(max_size=8),
    column=st.none() | st.text(max_size=8),
    value=st.none() | st.floats(-1e9, 1e9),
    limit=st.none() | st.floats(-1e9, 1e9),
    severity=st.sampled_from(Severity),
    detail=st.none() | st.dictionaries(st.text(max_size=5), st.floats(-1e9, 1e9), max_size=2),
)


def check(outcome: Outcome, message: str = "m", *, warn: bool = False, **more: object) -> CheckResult:
    severity = Severity.WARN if warn else Severity.ERROR
    return CheckResult(check="c", outcome=outcome, message=message, severity=severity, **more)  # type: ignore[arg-type]


def verdict(*checks: CheckResult) -> Verdict:
    return Verdict(guard="drift", subject="s.flights", checks=checks)


@given(st.lists(checks_, max_size=4).map(tuple))
def test_round_trip(checks: tuple[CheckResult, ...]) -> None:
    data = json.loads(json.dumps(verdict(*checks).to_dict()))
    assert Verdict.from_dict(data) == verdict(*checks)
    assert data["outcome"] == verdict(*checks).outcome


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [((), U), ((P,), P), ((P, U), U), ((P, B), B), ((U, B, P), B), ((U,), U), ((P, P), P)],
)
def test_the_worst_deciding_check_decides(outcomes: tuple[Outcome, ...], expected: Outcome) -> None:
    assert verdict(*map(check, outcomes)).outcome is expected


@given(st.lists(st.sampled_from(Outcome), min_size=1), st.lists(st.sampled_from(Outcome)))
def test_warnings_never_decide(errors: list[Outcome], warnings: list[Outcome]) -> None:
    decided = verdict(*map(check, errors)).outcome
    warned = [check(outcome, warn=True) for outcome in warnings]
    assert verdict(*warned, *map(check, errors)).outcome is decided


def test_warnings_alone_pass() -> None:
    assert verdict(check(B, warn=True), check(U, warn=True)).outcome is P


def test_checks_by_outcome() -> None:
    breach, passed = check(B), check(P)
    assert verdict(breach, passed).of(B) == [breach]


def test_the_summary_of_a_breach_names_the_first_three_that_decided_it() -> None:
    checks = [check(B, f"m{i}") for i in range(5)]
    seen = verdict(check(P, "fine"), check(B, "hint", warn=True), *checks).summary
    assert seen == "drift of 's.flights': breach. m0; m1; m2 (and 2 more)"


def test_the_summary_of_three_counts_no_more() -> None:
    assert verdict(*(check(U, f"m{i}") for i in range(3))).summary == "drift of 's.flights': undecided. m0; m1; m2"


def test_the_summary_of_a_pass_is_the_outcome() -> None:
    assert verdict(check(P), check(B, "hint", warn=True)).summary == "drift of 's.flights': pass"


def test_the_summary_of_nothing_says_so() -> None:
    assert verdict().summary == "drift of 's.flights': undecided. Nothing could be checked."


def test_the_text_is_a_table_worst_first() -> None:
    text = verdict(
        check(P, "all well", column="distance", value=0.0123456, limit=0.1),
        check(B, "a hint", warn=True),
        check(B, "too much", column="carrier", value=1234567.0),
    ).as_text()
    head, names, *rows = text.splitlines()
    assert head == "drift of s.flights: BREACH"
    assert names.split() == ["outcome", "check", "column", "value", "limit", "what", "was", "seen"]
    assert [row.split()[0] for row in rows] == ["breach", "breach", "pass"]
    assert rows[0].split()[1] == "(warn)"
    assert rows[1].split() == ["breach", "c", "carrier", "1.235e+06", "-", "too", "much"]
    assert rows[2].split() == ["pass", "c", "distance", "0.01235", "0.1", "all", "well"]
    assert len({row.index(message) for row, message in zip(rows, ["a hint", "too much", "all well"], strict=True)}) == 1


def test_the_text_of_an_empty_verdict_has_a_head() -> None:
    assert verdict().as_text().splitlines()[0] == "drift of s.flights: UNDECIDED"


@pytest.mark.parametrize(("value", "shown"), [(None, "-"), (0.0, "0"), (0.86, "0.86"), (1 / 3, "0.3333")])
def test_numbers_for_people(value: float | None, shown: str) -> None:
    assert number(value) == shown
