"""Tests of numbers: what each says of a change it is made for, of none, and of columns it cannot compare."""

from __future__ import annotations

from dataclasses import replace

import pytest
from channel_samples import BELL, EVERY, MOVED, WIDER, N, judge, number

from airflow_provider_aiguard.core.verdict import Outcome, Severity


@pytest.mark.parametrize("method", EVERY)
def test_no_change_passes_and_says_what_would_have_been_seen(method):
    check = judge(number(), number(), method)[method]
    assert check.outcome is Outcome.PASS
    assert "smallest change it would have seen: " in check.message


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("psi", "x: PSI 0.03"),
        ("jensen_shannon", "x: Jensen-Shannon 0.00"),
        ("wasserstein", "x: mean +0.20 sd, Wasserstein 0.2 sd"),
        ("mean", "x: mean +0.20 sd (limit 0.05)"),
        ("ks", "x: mean +0.20 sd, KS 0.07"),
    ],
)
def test_a_shift_breaches(method, words):
    check = judge(number(), number(MOVED, mean=0.2), method)[method]
    assert check.outcome is Outcome.BREACH
    assert check.message.startswith(words)
    assert check.detail["adjusted_p_value"] == check.detail["p_value"] < 1e-9


def test_a_wider_column_breaches_its_spread_and_not_its_mean():
    checks = judge(number(), number(WIDER, sd=1.3), "spread", "mean")
    assert (checks["spread"].outcome, checks["mean"].outcome) == (Outcome.BREACH, Outcome.PASS)
    assert checks["spread"].message.startswith("x: standard deviation +19.5%")


@pytest.mark.parametrize("method", EVERY)
def test_a_trifle_is_none(method):
    """Significant in four million rows, and too small to matter."""
    before = number([400 * n for n in BELL])
    after = number([400 * n + d for n, d in zip(BELL, (-900, -900, -900, 900, 900, 900), strict=True)], mean=0.01)
    assert judge(before, after, method)[method].outcome is Outcome.PASS


@pytest.mark.parametrize("method", EVERY)
@pytest.mark.parametrize("rows", [1, 2, 20])
def test_a_few_rows_never_pass(method, rows):
    few = number((0, 0, rows, 0, 0, 0))
    assert judge(few, few, method)[method].outcome is Outcome.UNDECIDED
    other = number((0, 0, 0, rows, 0, 0), mean=1.0)
    surely = rows == 20 and method != "spread"
    assert judge(few, other, method)[method].outcome is (Outcome.BREACH if surely else Outcome.UNDECIDED)


CONSTANT = number((0, 0, N, 0, 0, 0), mean=0.5, sd=0.0, minimum=0.5, maximum=0.5)


@pytest.mark.parametrize("method", EVERY)
def test_a_constant_against_itself_passes_and_against_another_breaches(method):
    other = number((0, 0, 0, 0, N, 0), mean=1.5, sd=0.0, minimum=1.5, maximum=1.5)
    same, moved = judge(CONSTANT, CONSTANT, method)[method], judge(CONSTANT, other, method)[method]
    if method == "spread":
        assert (same.outcome, same.severity) == (Outcome.UNDECIDED, Severity.WARN)
        assert same.message == "x: spread not comparable: the reference does not vary"
    else:
        assert (same.outcome, moved.outcome) == (Outcome.PASS, Outcome.BREACH)


def test_a_constant_that_moved_has_no_number_of_sd():
    other = number((0, 0, 0, 0, N, 0), mean=1.5, sd=0.0, minimum=1.5, maximum=1.5)
    check = judge(CONSTANT, other, "mean")["mean"]
    assert check.message == "x: mean 0.5 -> 1.5, of what did not vary (limit 0.05)"
    assert check.value is None


@pytest.mark.parametrize("method", [m for m in EVERY if m != "spread"])
@pytest.mark.parametrize("share", [0.95, 1.0])
def test_what_falls_below_the_value_that_most_rows_have_is_seen(method, share):
    most = round(share * N)
    zeros, fallen = (0, 0, most, N - most, 0, 0), (most, 0, 0, N - most, 0, 0)
    sd = 0.22 if share < 1 else 0.0
    moved = number(fallen, mean=-1.0, sd=sd, minimum=-2.5, maximum=0.5)
    before = number(zeros, mean=0.05 if sd else 0.0, sd=sd, minimum=0.0, maximum=0.5 if sd else 0.0)
    assert judge(before, moved, method)[method].outcome is Outcome.BREACH


def test_a_row_in_ten_thousand_that_leaves_a_constant_is_a_trifle():
    few = number((0, 0, N - 40, 40, 0, 0), mean=0.504, sd=0.063, minimum=0.5, maximum=1.5)
    one = number((0, 0, N - 1, 1, 0, 0), mean=0.5001, sd=0.01, minimum=0.5, maximum=1.5)
    checks = [judge(CONSTANT, current, "mean")["mean"] for current in (one, few)]
    assert [check.outcome for check in checks] == [Outcome.PASS, Outcome.BREACH]
    assert checks[0].message.endswith("smallest change it would have seen: 0.078% of the rows at another value")


def test_values_that_are_all_infinite_are_not_averaged():
    gone = number((N, 0, 0, 0, 0, 0), finite=0, total=0.0, squares=0.0, minimum=None, maximum=None)
    checks = judge(number(), gone, "mean", "wasserstein", "ks")
    assert checks["mean"].message == "x: no finite values to compare"
    assert [checks[m].outcome for m in ("mean", "wasserstein", "ks")] == [
        Outcome.UNDECIDED,
        Outcome.BREACH,
        Outcome.BREACH,
    ]


@pytest.mark.parametrize("method", EVERY)
def test_a_reference_of_infinities_has_nothing_to_compare_with(method):
    infinite = number((N,), edges=(), finite=0, total=0.0, squares=0.0, minimum=None, maximum=None)
    for current in (infinite, number((N // 2,), edges=(), finite=0, total=0.0, squares=0.0, minimum=None)):
        check = judge(infinite, current, method)[method]
        assert (check.outcome, check.severity) == (Outcome.UNDECIDED, Severity.ERROR)


@pytest.mark.parametrize("method", [m for m in EVERY if m != "mean"])
def test_a_reference_that_left_its_cells_has_nothing_to_compare_with(method):
    beyond = number((0, 0, 0, 0, 0, N), mean=9.0, learnt=False)
    check = judge(beyond, beyond, method)[method]
    assert (check.outcome, check.severity) == (Outcome.UNDECIDED, Severity.ERROR)
    assert check.message.startswith("x: 100% of the reference lie in one cell")


def test_a_constant_and_infinities_have_no_area_between_them():
    gone = number((N // 2, 0, 0, 0, 0, N // 2), finite=0, total=0.0, squares=0.0, minimum=None, maximum=None)
    some = number((0, 0, N - 500, 0, 0, 500), finite=N - 500, total=0.5 * (N - 500), squares=0.25 * (N - 500))
    for current in (gone, replace(some, minimum=0.5, maximum=0.5)):
        assert judge(CONSTANT, current, "wasserstein")["wasserstein"].outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("rows", [15, 19])
def test_a_few_rows_against_many_have_no_area(rows):
    """They would show half of a column at another value, and were called alike without a look."""
    many = number([1_000 * n for n in BELL])
    check = judge(many, number((0, 0, 0, 0, 0, rows), mean=2.5), "wasserstein")["wasserstein"]
    assert check.outcome is Outcome.UNDECIDED
    assert check.message == "x: Wasserstein not comparable below 20 rows"


def test_a_mean_says_which_values_it_leaves_out():
    check = judge(number(), number(finite=N - 40), "mean")["mean"]
    assert check.message.startswith("x: mean +0.00 sd, 40 infinite values left out")
