"""Each test by itself: what it says of a change it is made for, of none, and of columns it cannot compare."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.profile import BUCKETS, HOURS_OF_WEEK, LENGTH_EDGES, ColumnKind, ColumnProfile
from airflow_provider_aiguard.core.profile import TableProfile as Profile
from airflow_provider_aiguard.core.verdict import Outcome, Severity, Verdict
from airflow_provider_aiguard.guards.channels.categorical import bucket_of
from airflow_provider_aiguard.guards.drift import evaluate

N = 10_000
EDGES = (-2.0, -1.0, 0.0, 1.0, 2.0)
BELL = (230, 1_360, 3_410, 3_410, 1_360, 230)


def number(counts=BELL, *, mean=0.0, sd=1.0, edges=EDGES, name="x", **fields):
    n = sum(counts)
    return ColumnProfile(
        **{
            "name": name,
            "kind": ColumnKind.NUMERIC,
            "type": "DOUBLE",
            "rows": n,
            "counts": tuple(counts),
            "edges": edges,
            "finite": n,
            "total": mean * n,
            "squares": (sd**2 + mean**2) * n,
            "minimum": mean - 4 * sd,
            "maximum": mean + 4 * sd,
            **fields,
        }
    )


def text(counts=(5_000, 3_000, 2_000), buckets=(0,) * BUCKETS, **fields):
    given = {"name": "c", "kind": ColumnKind.CATEGORICAL, "type": "TEXT", "levels": ("UA", "AA", "B6"), "cutoff": 1}
    rows = sum(counts) + sum(buckets)
    return ColumnProfile(**{**given, "rows": rows, "counts": tuple(counts), "buckets": tuple(buckets), **fields})


def times(counts, **fields):
    return ColumnProfile(
        name="at", kind=ColumnKind.TEMPORAL, type="TIMESTAMP", rows=sum(counts), counts=tuple(counts), **fields
    )


def table(*columns, **fields):
    return Profile(table="flights", rows=columns[0].rows, columns={c.name: c for c in columns}, **fields)


def judge(before, after, *methods, **limits):
    """The checks by test, of one column."""
    chosen = {"methods": {before.name: methods}} if methods else {}
    checks = evaluate(table(before), table(after), DriftLimits(**chosen, **limits))
    return {c.check.removeprefix("drift."): c for c in checks}


WIDER = (600, 1_700, 2_700, 2_700, 1_700, 600)
MOVED = (150, 1_000, 3_100, 3_650, 1_740, 360)
EVERY = ("ks", "psi", "jensen_shannon", "wasserstein", "mean", "spread")


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
    elif method in {"psi", "jensen_shannon"}:
        assert same.outcome is Outcome.UNDECIDED  # one cell has nothing to move to
        assert moved.outcome is Outcome.BREACH
    else:
        assert (same.outcome, moved.outcome) == (Outcome.PASS, Outcome.BREACH)


def test_a_constant_that_moved_has_no_number_of_sd():
    other = number((0, 0, 0, 0, N, 0), mean=1.5, sd=0.0, minimum=1.5, maximum=1.5)
    check = judge(CONSTANT, other, "mean")["mean"]
    assert check.message == "x: mean 0.5 -> 1.5, of what did not vary (limit 0.05)"
    assert check.value is None


def test_values_that_are_all_infinite_are_not_averaged():
    gone = number((N, 0, 0, 0, 0, 0), finite=0, total=0.0, squares=0.0, minimum=None, maximum=None)
    checks = judge(number(), gone, "mean", "wasserstein", "ks")
    assert checks["mean"].message == "x: no finite values to compare"
    assert [checks[m].outcome for m in ("mean", "wasserstein", "ks")] == [
        Outcome.UNDECIDED,
        Outcome.BREACH,
        Outcome.BREACH,
    ]


def test_categories_by_the_indices_of_others():
    after = text((4_600, 3_400, 2_000))
    checks = judge(text(), after, "psi", "jensen_shannon")
    assert {c.outcome for c in checks.values()} == {Outcome.BREACH}
    assert checks["psi"].detail["df"] == 2


def test_the_long_tail_counts_by_its_buckets():
    """Levels unchanged, and what is no level wanders from one bucket to another."""
    before = text(buckets=(400, 0, 0, 400, *[0] * 12), learnt=True)
    after = replace(text(buckets=(400, 400, 0, 0, *[0] * 12)), levels=before.levels)
    check = judge(before, after)["categories"]
    assert check.outcome is Outcome.BREACH
    assert check.detail["df"] == 5


def test_a_level_that_is_one_by_luck_goes_back_to_its_bucket():
    """Ten values seen twice became levels at a cutoff of two; the next sample sees them half as often."""
    names = tuple(f"v{i}" for i in range(10))
    empty = [0] * BUCKETS
    tail = empty.copy()
    for name in names:
        tail[bucket_of(name)] += 2_000
    before = text((N,) + (2,) * 10, tail, levels=("UA", *names), cutoff=2, tail=20, tail_next=0, learnt=True)
    after = replace(text((N,) + (1,) * 10, [n + 1 for n in tail]), levels=before.levels, cutoff=2)
    assert judge(before, after)["categories"].outcome is Outcome.PASS
    with_one_bucket = replace(after, buckets=(sum(after.buckets),))
    assert judge(before, with_one_bucket)["categories"].outcome is Outcome.PASS


def test_a_reference_that_did_not_make_the_levels_is_a_sample_like_the_current_one():
    before = text(buckets=(300, *[0] * 15), cutoff=1, tail=0)
    check = judge(before, text(buckets=(310, *[0] * 15)))["unseen"]
    assert (check.outcome, check.detail["expected"]) == (Outcome.PASS, pytest.approx(300 / 10_300))
    assert judge(before, text(buckets=(600, *[0] * 15)))["unseen"].outcome is Outcome.BREACH
    learnt = judge(replace(before, learnt=True), text(buckets=(310, *[0] * 15)))["unseen"]
    assert (learnt.outcome, learnt.detail["expected"]) == (Outcome.BREACH, 0.0)
    nothing = text((0, 0, 0), nulls=N, rows=N)
    assert judge(nothing, nothing)["unseen"].outcome is Outcome.PASS


def lengths(*cells):
    counted = [0] * (len(LENGTH_EDGES) + 1)
    for i, n in cells:
        counted[i] = n
    rows = sum(counted)
    return {"lengths": tuple(counted), "length_sum": sum(n * LENGTH_EDGES[i] for i, n in cells), "rows": rows}


def free(**fields):
    """A free text: no value is frequent."""
    rows = fields["rows"]
    share, more = divmod(rows, BUCKETS)
    buckets = tuple(share + (i < more) for i in range(BUCKETS))
    return text((), buckets, levels=(), cutoff=2, tail=rows, grid_values=rows, learnt=True, **fields)


def test_free_text_is_compared_by_its_length():
    before, after = free(**lengths((5, 5_000), (6, 5_000))), free(**lengths((5, 3_000), (6, 7_000)))
    checks = judge(before, replace(after, learnt=False))
    assert checks["length"].outcome is Outcome.BREACH
    assert checks["length"].message.startswith("c: mean length 9.5 -> 10.1 characters, KS 0.2")
    assert checks["categories"].severity is Severity.WARN
    assert judge(before, before)["length"].outcome is Outcome.PASS
    assert "length" not in judge(text(), text())
    assert judge(text(), text(), "length")["length"].message == "c: no text lengths were counted"


def test_times_are_shown_and_decide_only_if_named():
    even = [60] * HOURS_OF_WEEK
    night = [90 if i % 24 < 8 else 45 for i in range(HOURS_OF_WEEK)]
    shown = judge(times(even), times(night))
    assert (shown["hours"].outcome, shown["hours"].severity) == (Outcome.BREACH, Severity.WARN)
    assert shown["nulls"].severity is Severity.ERROR
    assert Verdict(guard="drift", subject="t", checks=tuple(shown.values())).outcome is Outcome.PASS
    assert judge(times(even), times(night), columns=("at",))["hours"].severity is Severity.ERROR
    assert judge(times(even), times(even))["hours"].outcome is Outcome.PASS


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


def test_methods_for_every_column_fit_some_and_methods_of_a_column_have_to():
    sides = table(number(), text(), times([60] * HOURS_OF_WEEK))
    checks = evaluate(sides, sides, DriftLimits(methods={"*": ["mean"], "c": ["categories", "ks"]}))
    found = {(c.check, c.column): (c.outcome, c.severity) for c in checks}
    assert found == {
        ("drift.mean", "x"): (Outcome.PASS, Severity.ERROR),
        ("drift.categories", "c"): (Outcome.PASS, Severity.ERROR),
        ("drift.ks", "c"): (Outcome.UNDECIDED, Severity.ERROR),
        ("drift.column", "at"): (Outcome.UNDECIDED, Severity.WARN),
    }
    assert "c: ks does not compare categorical columns" in {c.message for c in checks}


# Rows that depend on each other


def clustered(column, effect):
    return replace(column, design_effects={"values": effect, "nulls": effect})


@pytest.mark.parametrize("sides", [(50.0, 50.0), (50.0, None), (None, 50.0)])
def test_the_design_effect_thins_the_rows_of_both_sides(sides):
    before, after = number(nulls=0), number(MOVED, mean=0.2)
    assert judge(before, after)["ks"].outcome is Outcome.BREACH
    thin = [c if e is None else clustered(c, e) for c, e in zip((before, after), sides, strict=True)]
    checks = evaluate(table(thin[0], clusters=400), table(thin[1], clusters=400))
    assert Outcome.BREACH not in {c.outcome for c in checks}
    assert checks[-1].message.endswith(" [400 clusters, 400 clusters of the reference]")


def test_the_larger_of_declared_and_estimated_counts():
    before, after = clustered(number(), 2.0), clustered(number(MOVED, mean=0.2), 2.0)
    sides = table(before, clusters=5_000), table(after, clusters=5_000)
    by_cluster = {c.check: c for c in evaluate(*sides)}["drift.ks"]
    declared = {c.check: c for c in evaluate(*sides, DriftLimits(design_effect=30.0))}["drift.ks"]
    assert by_cluster.outcome is Outcome.BREACH
    assert declared.outcome is not Outcome.BREACH
    assert "design effect of at least 30 declared" in declared.message
    lower = {c.check: c for c in evaluate(*sides, DriftLimits(design_effect=1.5))}["drift.ks"]
    assert lower.detail["p_value"] == by_cluster.detail["p_value"]


@pytest.mark.parametrize("side", ["reference", "current table"])
def test_few_clusters_decide_nothing(side):
    few, many = (table(clustered(number(), 3.0), clusters=n) for n in (19, 20))
    (check,) = evaluate(few, many) if side == "reference" else evaluate(many, few)
    assert check.outcome is Outcome.UNDECIDED
    assert check.message.startswith(f"the rows of the {side} 'flights' come in 19 clusters; 20 are needed")


def test_a_sample_says_that_it_is_one():
    sampled = evaluate(table(number(), sample=0.5), table(number(), sample=0.1))
    assert sampled[0].message.endswith(" [10% sample, 50% sample of the reference]")
    assert not evaluate(table(number()), table(number()))[0].message.endswith("]")
