from __future__ import annotations

import re
from dataclasses import replace

import pytest

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile
from airflow_provider_aiguard.core.verdict import Outcome, Severity, Verdict
from airflow_provider_aiguard.guards.drift import evaluate

N = 10_000


def number(counts=(2_500, 2_500, 2_500, 2_500), *, nulls=0, nans=0, **fields):
    rows = sum(counts) + nulls + nans
    given = {"name": "distance", "kind": ColumnKind.NUMERIC, "type": "DOUBLE", "edges": (1.0, 2.0, 3.0)}
    given |= {"learnt": True, "finite": sum(counts), **fields}
    return ColumnProfile(rows=rows, nulls=nulls, nans=nans, counts=tuple(counts), **given)


def moments(column, mean, sd):
    """The column with this mean and standard deviation of its values."""
    n = column.values
    return replace(column, finite=n, total=mean * n, squares=n * (sd**2 + mean**2), minimum=-99.0, maximum=99.0)


def text(counts=(5_000, 3_000, 2_000), other=0, **fields):
    given = {"name": "carrier", "kind": ColumnKind.CATEGORICAL, "type": "TEXT", "levels": ("UA", "AA", "B6"), **fields}
    return ColumnProfile(rows=sum(counts) + other, counts=tuple(counts), buckets=(other,), **given)


def table(*columns):
    return TableProfile(table="flights", rows=columns[0].rows, columns={c.name: c for c in columns})


def judge(before, after, **limits):
    return {c.check.removeprefix("drift."): c for c in evaluate(table(before), table(after), DriftLimits(**limits))}


def outcome(checks):
    return Verdict(guard="drift", subject="flights", checks=tuple(checks)).outcome


def test_the_same_table_passes_and_says_what_it_would_have_seen():
    checks = evaluate(table(number(), text()), table(number(), text()))
    assert [(c.column, c.check) for c in checks] == [
        ("distance", "drift.nulls"),
        ("distance", "drift.ks"),
        ("carrier", "drift.nulls"),
        ("carrier", "drift.categories"),
        ("carrier", "drift.unseen"),
    ]
    assert {c.outcome for c in checks} == {Outcome.PASS}
    assert checks[1].message == ("distance: KS 0 (limit 0.02); smallest change it would have seen: 0.067 sd (KS 0.027)")


def test_a_shift_breaches_in_the_fields_units():
    before = moments(number(), 10.0, 2.0)
    check = judge(before, moments(number((2_000, 2_400, 2_600, 3_000)), 10.62, 2.0))["ks"]
    assert check.outcome is Outcome.BREACH
    assert check.message == "distance: mean +0.31 sd, KS 0.0586 (limit 0.02)"
    assert (check.value, check.limit) == (pytest.approx(0.0586, abs=1e-4), 0.02)
    assert check.detail["ks"] == pytest.approx(0.06)
    assert check.detail["psi"] == pytest.approx(0.0204, abs=0.001)
    assert check.detail["adjusted_p_value"] == check.detail["p_value"] < 0.001


def test_tests_that_cannot_alarm_cost_the_others_nothing():
    """The NULLs of a column that has none on either side."""
    after = number((2_300, 2_500, 2_500, 2_700))
    alone, with_nulls = judge(number(), after)["ks"], judge(number(nulls=1), replace(after, name="distance"))["ks"]
    assert alone.detail["adjusted_p_value"] == alone.detail["p_value"]
    assert with_nulls.detail["adjusted_p_value"] == 2 * with_nulls.detail["p_value"]


def test_significant_trifles_and_large_chances_are_no_breach():
    million = number([250_000] * 4)
    trifle = judge(million, number((252_500, 250_000, 250_000, 247_500)))["ks"]
    assert (trifle.outcome, trifle.detail["adjusted_p_value"] < 0.01) == (Outcome.PASS, True)
    chance = judge(number([50] * 4), number((60, 50, 50, 40)), must_see={"ks": 1, "nulls": 1})["ks"]
    assert (chance.outcome, chance.detail["ks"]) == (Outcome.PASS, pytest.approx(0.05))


def test_too_few_rows_are_undecided_unless_they_breach():
    few = number([25] * 4)
    check = judge(few, number((24, 26, 25, 25)))["ks"]
    assert check.outcome is Outcome.UNDECIDED
    assert check.message.endswith("but 0.38 sd (KS 0.15) must be seen: compare more rows or raise must_see")
    assert judge(few, number((100, 0, 0, 0)))["ks"].outcome is Outcome.BREACH
    assert judge(few, few, must_see={"ks": 1})["ks"].outcome is Outcome.PASS


def test_floors_and_alpha_are_the_authors():
    before, after = number(), number((2_000, 2_400, 2_600, 3_000))
    assert judge(before, after, min_effect={"ks": 0.1})["ks"].outcome is Outcome.PASS
    assert judge(before, after, alpha=1e-16)["ks"].outcome is Outcome.PASS


def test_the_family_is_the_table():
    """A p-value that would do alone does not among thirty columns."""
    before, after = number(), number((2_750, 2_500, 2_500, 2_250))
    assert judge(before, after)["ks"].outcome is Outcome.BREACH
    others = [number(name=f"x{i}") for i in range(300)]
    checks = evaluate(table(before, *others), table(after, *others))
    assert Outcome.BREACH not in {c.outcome for c in checks}


def test_nulls_and_nans():
    before, after = number(nulls=200, nans=100), number(nulls=410, nans=400)
    checks = judge(before, after)
    assert checks["nulls"].outcome is checks["nans"].outcome is Outcome.BREACH
    assert checks["nulls"].message == "distance: NULLs 1.9% -> 3.8% (limit 0.01)"
    assert checks["nans"].message.startswith("distance: NaNs 1.0% -> 3.7%")
    assert "nans" not in judge(number(nulls=200), number(nulls=200))
    assert judge(number(nulls=200), number(nulls=410), columns=["distance"])["nulls"].severity is Severity.ERROR


def test_categories():
    check = judge(text(), text((4_600, 3_400, 2_000)))["categories"]
    assert check.outcome is Outcome.BREACH
    assert check.message == "carrier: categories moved 4.0% of the rows, w 0.0891 (limit 0.04)"
    shown = judge(text(), text((4_600, 3_400, 2_000)), show_levels=True)["categories"]
    assert "most 'UA' 50.0% -> 46.0%" in shown.message or "most 'AA' 30.0% -> 34.0%" in shown.message


def test_values_of_rows_stay_out_of_messages():
    after = text((4_600, 3_280, 2_000), other=120, unseen=("HA",))
    hidden = " ".join(c.message for c in judge(text(), after).values())
    assert not any(level in hidden for level in ("UA", "AA", "B6", "HA"))
    long = "x" * 31
    column = text(levels=(long, "x" * 40, "x" * 50))
    shown = judge(column, replace(after, levels=column.levels, unseen=(long,)), show_levels=True)
    assert "xxx" not in " ".join(c.message for c in shown.values())


@pytest.mark.parametrize(
    ("unseen", "show", "words"),
    [
        (("HA",), False, "carrier: 1 category unseen before: 1.2%"),
        (("HA",), True, "carrier: category 'HA' unseen before: 1.2%"),
        (("HA", "ZZ"), True, "carrier: 2 or more categories unseen before: 1.2%"),
        ((), True, "carrier: values unseen before: 1.2%"),
    ],
)
def test_unseen_categories(unseen, show, words):
    check = judge(text(), text((4_940, 2_960, 1_980), other=120, unseen=unseen), show_levels=show)["unseen"]
    assert check.outcome is Outcome.BREACH
    assert check.message == f"{words} (limit 0.01)"


def test_rare_values_are_expected_to_be_missed():
    before = text(other=300, cutoff=2, tail=400, tail_next=40, learnt=True)
    check = judge(before, replace(text((4_950, 2_950, 1_990), other=410), cutoff=2))["unseen"]
    assert check.outcome is Outcome.PASS
    assert check.message.startswith("carrier: rare and unseen values: 4.0%, 3.9% expected")


def test_a_column_with_one_category_has_none_to_move():
    only = text((N,), levels=("UA",))
    assert list(judge(only, only)) == ["nulls", "unseen"]
    assert judge(only, text((9_000,), other=1_000, levels=("UA",)))["unseen"].outcome is Outcome.BREACH


def test_an_identifier_is_shown_and_does_not_decide():
    ids = text((), other=N, levels=(), cutoff=2, tail=N)
    check = judge(ids, ids)["categories"]
    assert (check.outcome, check.severity) == (Outcome.UNDECIDED, Severity.WARN)
    assert "no change would have been seen" in check.message
    assert outcome(judge(ids, ids).values()) is Outcome.PASS
    assert judge(ids, ids, columns=("carrier",))["categories"].severity is Severity.ERROR


def test_a_column_that_was_always_null_is_shown_and_does_not_decide():
    empty = number((0,), nulls=N, edges=())
    assert outcome(evaluate(table(empty, text()), table(empty, text()))) is Outcome.PASS
    assert judge(empty, empty)["ks"].severity is Severity.WARN
    assert judge(empty, number((N,), edges=()))["nulls"].outcome is Outcome.BREACH
    gone = judge(number(), number((0, 0, 0, 0), nulls=N))
    assert (gone["nulls"].outcome, gone["ks"].outcome) == (Outcome.BREACH, Outcome.UNDECIDED)


def test_a_table_of_nothing_but_nulls_is_no_pass():
    empty = number((0,), nulls=N, edges=())
    checks = evaluate(table(empty), table(empty))
    assert outcome(checks) is Outcome.UNDECIDED
    assert checks[-1].message == "'flights' has no value in any column, and had none before"


def test_infinite_values_are_no_numbers():
    infinite = number((2_500, 2_500, 2_500, 2_700), finite=N)
    check = judge(number(), infinite)["nans"]
    assert (check.outcome, check.message) == (
        Outcome.BREACH,
        "distance: NaNs and infinite values 0.0% -> 2.0% (limit 0.01)",
    )
    assert judge(infinite, infinite)["nans"].outcome is Outcome.PASS


def test_cells_that_the_reference_has_left_see_nothing():
    """A reference that moves is counted on the cells of its first batch: values above them all are in one cell."""
    beyond = number((0, 0, 0, N), learnt=False)
    check = judge(beyond, beyond)["ks"]
    assert check.outcome is Outcome.UNDECIDED
    assert check.message == (
        "distance: 100% of the reference lie in one cell, where no change is seen: begin again with another name for "
        "the reference"
    )
    edges = tuple(float(i) for i in range(24))
    half = number((400,) * 25, learnt=False, edges=edges)
    assert judge(half, half)["ks"].detail["smallest_visible"] == pytest.approx(
        judge(replace(half, learnt=True), half)["ks"].detail["smallest_visible"] + 0.04
    )


@pytest.mark.parametrize("side", ["reference", "current table"])
def test_no_rows_are_undecided(side):
    empty = TableProfile(table="flights", rows=0, columns={"distance": number((0, 0, 0, 0))})
    full = table(number())
    (check,) = evaluate(empty, full) if side == "reference" else evaluate(full, empty)
    assert (check.check, check.outcome) == ("drift.table", Outcome.UNDECIDED)
    assert check.message == f"the {side} 'flights' has no rows"


SKIPPED = ColumnProfile(
    name="at", kind=ColumnKind.SKIPPED, type="TIMESTAMP", rows=N, reason="timestamps are not compared"
)


def test_a_column_that_cannot_be_compared_is_undecided_if_it_was_asked_for():
    reference = current = table(number(), SKIPPED)
    (shown,) = (c for c in evaluate(reference, current) if c.column == "at")
    assert (shown.check, shown.outcome, shown.severity) == ("drift.column", Outcome.UNDECIDED, Severity.WARN)
    assert shown.message == "at: not comparable: timestamps are not compared"
    assert outcome(evaluate(reference, current)) is Outcome.PASS
    assert outcome(evaluate(reference, current, DriftLimits(columns=("at", "distance")))) is Outcome.UNDECIDED


def test_nothing_comparable_is_never_a_pass():
    checks = evaluate(table(SKIPPED), table(SKIPPED))
    assert outcome(checks) is Outcome.UNDECIDED
    assert checks[-1].message == "no column of 'flights' could be compared with what came before"


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (replace(SKIPPED, name="distance", reason="the table no longer has the column"), "the table no longer has"),
        (text(name="distance"), r"it was numeric, now it is categorical \(TEXT\)"),
        (number(edges=(1.0, 2.0, 4.0)), "not counted on the cells of the reference"),
        (number(name="other"), "the current table has no such column"),
    ],
)
def test_a_column_that_changed_its_shape_is_undecided(after, why):
    checks = evaluate(table(number(), text()), table(after, text()))
    (check,) = (c for c in checks if c.check == "drift.column")
    assert (check.column, check.outcome, check.severity) == ("distance", Outcome.UNDECIDED, Severity.ERROR)
    assert re.search(why, check.message)


def test_a_column_asked_for_that_nobody_has_is_undecided():
    current = table(number(), text(name="new"))
    checks = evaluate(table(number()), current, DriftLimits(columns=("distance", "new", "nowhere")))
    undecided = {c.column: c.message for c in checks if c.outcome is Outcome.UNDECIDED}
    assert undecided == {
        "new": "new: the reference has no such column",
        "nowhere": "nowhere: the reference has no such column",
    }


def test_only_the_columns_asked_for_are_compared():
    after = table(number((0, 0, 0, N)), text())
    checks = evaluate(table(number(), text()), after, DriftLimits(columns=("carrier",)))
    assert {c.column for c in checks} == {"carrier"}
