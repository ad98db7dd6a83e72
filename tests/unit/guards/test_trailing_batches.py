from __future__ import annotations

import math
from dataclasses import replace

import pytest

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.profile import BUCKETS, ColumnKind, ColumnProfile, TableProfile
from airflow_provider_aiguard.core.verdict import Outcome, Severity, Verdict
from airflow_provider_aiguard.guards.trailing import evaluate

N = 1_000_000
EDGES = (-2.0, -1.0, 0.0, 1.0, 2.0)
BELL = (22_750, 135_910, 341_340, 341_340, 135_910, 22_750)
WOBBLE = (0.05, -0.04, 0.02, -0.07, 0.06, -0.02, 0.03, -0.03)


def number(mean=0.0, *, sd=1.0, nulls=0, nans=0, counts=BELL, name="x", **fields):
    n = sum(counts)
    given = {
        "finite": n,
        "total": mean * n,
        "squares": (sd**2 + mean**2) * n,
        "minimum": mean - 4 * sd,
        "maximum": mean + 4 * sd,
        "edges": EDGES,
        "learnt": True,
    }
    return ColumnProfile(
        name=name,
        kind=ColumnKind.NUMERIC,
        type="DOUBLE",
        rows=n + nulls + nans,
        nulls=nulls,
        nans=nans,
        counts=tuple(counts),
        **{**given, **fields},
    )


def text(first, *, other=0, name="c", **fields):
    rest = N - first - other
    counts = (first, rest // 2, rest - rest // 2)
    buckets = (other, *[0] * (BUCKETS - 1))
    given = {"levels": ("UA", "AA", "B6"), **fields}
    return ColumnProfile(
        name=name, kind=ColumnKind.CATEGORICAL, type="TEXT", rows=N, counts=counts, buckets=buckets, **given
    )


def table(*columns, **fields):
    return TableProfile(table="flights", rows=columns[0].rows, columns={c.name: c for c in columns}, **fields)


def judge(batches, current, **limits):
    checks = evaluate([table(b) for b in batches], table(current), DriftLimits(**limits))
    return {c.check.removeprefix("drift."): c for c in checks}


def test_ordinary_wobble_is_no_alarm_and_both_numbers_are_said():
    check = judge([number(m) for m in WOBBLE], number(0.08))["mean"]
    assert check.outcome is Outcome.PASS
    assert check.message == (
        "x: mean +0.08 sd against 8 batches, which wobble by 0.047 sd (limit 0.05); "
        "smallest change it would have seen: 0.18 sd"
    )
    assert check.detail["between"] == pytest.approx(0.047, abs=0.001)


def test_more_than_wobble_is():
    check = judge([number(m) for m in WOBBLE], number(0.5))["mean"]
    assert (check.outcome, check.limit) == (Outcome.BREACH, 0.05)
    assert check.message == "x: mean +0.50 sd against 8 batches, which wobble by 0.047 sd (limit 0.05)"
    assert check.value == pytest.approx(0.5, abs=0.01)


def test_what_never_wobbled_and_moved_by_a_trifle_is_no_breach():
    check = judge([number(0.0)] * 8, number(0.03))["mean"]
    assert (check.outcome, check.detail["adjusted_p_value"] < 1e-6) == (Outcome.PASS, True)


@pytest.mark.parametrize("known", [0, 1, 4])
def test_fewer_than_five_batches_decide_nothing(known):
    (check,) = evaluate([table(number())] * known, table(number()))
    assert (check.check, check.outcome) == ("drift.table", Outcome.UNDECIDED)
    assert check.message == f"{known} batches are known; 5 are needed to know how they wobble"


def test_batches_without_rows_are_none():
    empty = TableProfile(table="flights", rows=0)
    (check,) = evaluate([*[table(number())] * 4, empty], table(number()))
    assert "4 batches are known" in check.message
    (check,) = evaluate([table(number())] * 8, empty)
    assert check.message == "the current table 'flights' has no rows"


def test_wobble_that_hides_everything_is_undecided():
    loud = [number(10 * m) for m in WOBBLE]
    check = judge(loud, number(0.3))["mean"]
    assert check.outcome is Outcome.UNDECIDED
    assert "but 1 sd must be seen" in check.message
    assert judge(loud, number(0.3), must_see={"mean": 9})["mean"].outcome is Outcome.PASS


def test_the_spread():
    wider = (60_000, 170_000, 270_000, 270_000, 170_000, 60_000)
    check = judge([number(m) for m in WOBBLE], number(counts=wider))["spread"]
    assert check.outcome is Outcome.BREACH
    assert check.message.startswith("x: standard deviation +19")


def test_shares_of_nulls_and_nans():
    batches = [number(nulls=20_000 + int(20_000 * m)) for m in WOBBLE]
    checks = judge(batches, number(nulls=60_000))
    assert checks["nulls"].outcome is Outcome.BREACH
    assert checks["nulls"].message.startswith("x: NULLs 2.0% -> 5.7% against 8 batches, which wobble by 0.")
    assert checks["nulls"].value == pytest.approx(0.0370, abs=0.001)
    assert "nans" not in checks
    assert judge([number()] * 8, number(nans=50_000))["nans"].outcome is Outcome.BREACH
    fewer = judge(batches, number(nulls=0))["nulls"]
    assert fewer.outcome is Outcome.BREACH
    mostly = [replace(number(nulls=9 * N), rows=10 * N) for _ in range(8)]
    assert judge(mostly, number(nulls=9 * N))["nulls"].outcome is Outcome.PASS


def test_categories_are_followed_one_by_one_and_the_worst_is_reported():
    batches = [text(500_000 + int(100_000 * m)) for m in WOBBLE]
    passing, moved = judge(batches, text(500_000)), judge(batches, text(600_000))
    assert list(passing) == ["nulls", "levels", "unseen"]
    assert passing["levels"].outcome is Outcome.PASS
    assert moved["levels"].outcome is Outcome.BREACH
    assert moved["levels"].message.startswith("c: category no. ")
    assert "UA" not in moved["levels"].message
    shown = judge(batches, text(600_000), show_levels=True)["levels"]
    assert any(f"category {name!r}" in shown.message for name in ("UA", "AA", "B6"))


def test_unseen_values_only_matter_if_they_grow():
    batches = [text(500_000, other=50_000 + int(10_000 * m)) for m in WOBBLE]
    assert judge(batches, text(500_000, other=120_000))["unseen"].outcome is Outcome.BREACH
    assert judge(batches, text(500_000, other=5_000))["unseen"].outcome is Outcome.PASS


def test_the_batch_that_made_the_levels_has_the_unseen_share_it_expects_of_others():
    """It has none itself: taken at its word it would look like a batch unlike the rest."""
    others = [text(500_000, other=50_000 + int(10_000 * m), tail=50_000, cutoff=3) for m in WOBBLE[1:]]
    maker = text(500_000, other=0, learnt=True, tail=50_000, grid_values=N, cutoff=3)
    check = judge([maker, *others], text(500_000, other=53_000, tail=50_000, cutoff=3))["unseen"]
    assert check.outcome is Outcome.PASS
    assert check.detail["between"] < 0.005


def test_a_batch_with_fewer_rows_is_given_more_room():
    few = number(0.3, counts=(2, 14, 34, 34, 14, 2))
    check = judge([number(m) for m in WOBBLE], few, must_see={"mean": 9, "spread": 9, "nulls": 9})["mean"]
    assert check.outcome is Outcome.PASS


def test_a_constant_is_followed_too():
    constant = number(sd=0.0, counts=(0, 0, N, 0, 0, 0), minimum=0.0, maximum=0.0)
    moved = number(1.0, sd=0.0, counts=(0, 0, 0, N, 0, 0), minimum=1.0, maximum=1.0)
    same = judge([constant] * 8, constant)
    assert (same["mean"].outcome, same["spread"].outcome, same["spread"].severity) == (
        Outcome.PASS,
        Outcome.UNDECIDED,
        Severity.WARN,
    )
    check = judge([constant] * 8, moved)["mean"]
    assert (check.outcome, check.value) == (Outcome.BREACH, None)
    assert check.message == "x: mean 0 -> 1, of what did not vary in 8 batches (limit 0.05)"
    by_batch = judge([constant, moved] * 4, constant)["mean"]
    assert (by_batch.outcome, by_batch.severity) == (Outcome.UNDECIDED, Severity.WARN)
    assert "constant within each batch and different between them" in by_batch.message


def test_a_column_that_became_null_is_undecided_and_its_nulls_breach():
    gone = number(counts=(0,) * 6, nulls=N, finite=0, minimum=None, maximum=None)
    checks = judge([number(m) for m in WOBBLE], gone)
    assert checks["nulls"].outcome is Outcome.BREACH
    assert checks["mean"].message == "x: this batch has no finite values"
    assert checks["mean"].severity is Severity.ERROR
    texts = judge([text(500_000)] * 8, replace(text(500_000), counts=(0, 0, 0), nulls=N))
    assert {texts[name].message for name in ("levels", "unseen")} == {"c: this batch has no values"}
    assert texts["levels"].severity is Severity.ERROR


def test_one_row_in_a_million_that_leaves_a_constant_is_a_trifle():
    constant = number(sd=0.0, counts=(0, 0, N, 0, 0, 0), minimum=0.0, maximum=0.0)
    for rows, outcome in ((1, Outcome.PASS), (1_000, Outcome.PASS), (10_000, Outcome.BREACH)):
        share = rows / N
        other = number(share, sd=math.sqrt(share * (1 - share)), counts=(0, 0, N - rows, rows, 0, 0), maximum=1.0)
        assert judge([constant] * 8, other)["mean"].outcome is outcome


def test_a_day_without_values_blinds_no_other_day():
    """It stays among the batches until a person takes it out; the others still say how the column wobbles."""
    gone = number(counts=(0,) * 6, nulls=N, finite=0, minimum=None, maximum=None)
    batches = [number(m) for m in WOBBLE]
    checks = judge([*batches[:7], gone], number(1.0))
    assert checks["mean"].outcome is Outcome.BREACH
    assert "against 7 batches" in checks["mean"].message
    few = judge([*batches[:4], *[gone] * 4], number(1.0))["mean"]
    assert (few.outcome, few.severity) == (Outcome.UNDECIDED, Severity.ERROR)
    assert few.message == "x: 4 of 8 batches have finite values, 5 are needed"
    never = judge([gone] * 8, gone)["mean"]
    assert (never.outcome, never.severity) == (Outcome.UNDECIDED, Severity.WARN)


def test_columns_need_five_batches_on_the_same_cells():
    other = [number(m, edges=(-9.0, *EDGES[1:])) for m in WOBBLE[:4]]
    checks = evaluate([table(c) for c in (*other, *[number(m) for m in WOBBLE[4:]])], table(number()))
    assert [c.check for c in checks] == ["drift.column"]
    assert checks[0].message.endswith("(4 of 8 batches are comparable, 5 are needed)")
    assert Verdict(guard="drift", subject="t", checks=tuple(checks)).outcome is Outcome.UNDECIDED


def test_nothing_comparable_is_never_a_pass():
    skipped = ColumnProfile(name="at", kind=ColumnKind.SKIPPED, type="BLOB", rows=N, reason="documents")
    checks = evaluate([table(skipped)] * 8, table(skipped))
    assert [(c.check, str(c.severity)) for c in checks] == [("drift.column", "warn"), ("drift.table", "error")]


def test_methods_choose_among_those_there_are():
    batches = [table(number(m), text(500_000)) for m in WOBBLE]
    limits = DriftLimits(methods={"*": ["mean"], "c": ["categories", "psi"]})
    checks = evaluate(batches, table(number(), text(500_000)), limits)
    assert {(c.check, c.column) for c in checks} == {
        ("drift.mean", "x"),
        ("drift.levels", "c"),
        ("drift.psi", "c"),
    }
    (refused,) = (c for c in checks if c.check == "drift.psi")
    assert (refused.outcome, refused.severity) == (Outcome.UNDECIDED, Severity.ERROR)
    assert refused.message.startswith("c: psi does not compare a categorical column with several batches; name some")
    other = DriftLimits(methods={"*": ["ks"], "c": ["nulls"]})
    (shown,) = (c for c in evaluate(batches, batches[0], other) if c.column == "x")
    assert (shown.check, shown.severity) == ("drift.column", Severity.WARN)


def test_times_have_their_nulls_followed():
    at = ColumnProfile(name="at", kind=ColumnKind.TEMPORAL, type="TIMESTAMP", rows=N, counts=(N,) + (0,) * 167)
    checks = evaluate([table(at)] * 8, table(at))
    assert [(c.check, c.outcome) for c in checks] == [("drift.nulls", Outcome.PASS)]


def test_clusters_bound_what_rows_can_say():
    def thin(column):
        return replace(column, design_effects={"values": 10_000.0, "nulls": 10_000.0})

    batches = [table(thin(number()), clusters=500) for _ in range(8)]
    (check,) = (c for c in evaluate(batches, table(thin(number(0.2)), clusters=500)) if c.check == "drift.mean")
    assert check.outcome is not Outcome.BREACH
    assert check.detail["smallest_visible"] > 0.3
    assert math.isfinite(check.detail["smallest_visible"])


def test_infinite_values_are_no_numbers():
    batches, some = [number(m) for m in WOBBLE], number(finite=N - 20_000)
    assert judge(batches, some)["nans"].outcome is Outcome.BREACH
    assert "NaNs and infinite values 0.0% -> 2.0%" in judge(batches, some)["nans"].message


def test_batches_that_left_the_cells_of_the_first_one_say_nothing_of_the_spread():
    """All values above the last edge: the mean is still seen, from the sums."""
    beyond = [number(9 + m, counts=(0, 0, 0, 0, 0, N), learnt=False) for m in WOBBLE]
    checks = judge(beyond, number(9.0, counts=(0, 0, 0, 0, 0, N), learnt=False))
    assert (checks["spread"].outcome, checks["spread"].severity) == (Outcome.UNDECIDED, Severity.WARN)
    assert checks["mean"].outcome is Outcome.PASS
    checks = judge([*[number(m) for m in WOBBLE], *beyond[:2]], number())
    assert checks["spread"].detail["batches"] == 8


def test_batches_of_nothing_but_nulls_are_no_pass():
    empty = number(counts=(0,), nulls=N, edges=(), finite=0, minimum=None, maximum=None)
    checks = evaluate([table(empty)] * 8, table(empty))
    assert Verdict(guard="drift", subject="t", checks=tuple(checks)).outcome is Outcome.UNDECIDED
    assert checks[-1].message == "'flights' has no value in any column, and had none before"
